/**
 * Decodes the batches of a fetched partition, with a bound on their decompressed size. A batch that would become too large, or
 * that is broken, becomes one record that says so, and its partition goes on. It replaces kafkajs' own decoding, which trusts any
 * size, and takes time that grows with the square of a record's headers.
 * @see https://kafka.apache.org/documentation/#recordbatch
 */
import type { InvalidMessage } from '../dead-letter-codes.ts';
import type { LogHeader } from '../log.ts';
import { ByteReader } from './byte-reader.ts';
import { compressions, decompress, TooLarge } from './decompress.ts';

/** A record as kafkajs passes it on; by `batchContext` it recognises aborted transactions. */
export type FetchedMessage = {
  readonly offset: string;
  readonly timestamp: string;
  readonly attributes: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly isControlRecord: boolean;
  readonly batchContext: { readonly producerId: string; readonly inTransaction: boolean };
  readonly headersInOrder: readonly LogHeader[];
  readonly unreadable: InvalidMessage | null;
};

/** Decompressed size of one response so far. */
export type Spent = { bytes: number; records: number };

/** Records of a batch: each takes far more memory than its bytes, which may be seven. */
export const BATCH_RECORDS_MAX = 200_000;

const batchHeadBytes = 61;
const lengthEnd = 12;
const magicOffset = 16;
const magic = 2;

/** Whether the bytes have the format since Kafka 0.11; brokers before Kafka 4 may hold older ones. */
export function areRecordBatches(bytes: Buffer): boolean {
  return bytes[magicOffset] === magic;
}

/** The records of whole batches until the response has reached `bytesMax`. The first batch is always read; the rest is fetched again. */
export async function readRecordBatches(bytes: Buffer, bytesMax: number, spent: Spent): Promise<FetchedMessage[]> {
  const messages: FetchedMessage[] = [];
  for (let at = 0; at + batchHeadBytes <= bytes.length && areRecordBatches(bytes.subarray(at)); ) {
    const end = at + lengthEnd + bytes.readInt32BE(at + 8);
    // The fetch size may cut the last one.
    if (end > bytes.length || end < at + batchHeadBytes) break;
    if (at > 0 && (spent.bytes >= bytesMax || spent.records >= BATCH_RECORDS_MAX)) break;
    for (const message of await readBatch(bytes.subarray(at, end), bytesMax, spent)) messages.push(message);
    at = end;
  }
  return messages;
}

type Head = {
  readonly firstOffset: bigint;
  readonly lastOffset: bigint;
  readonly firstTimestamp: number;
  /** The broker's time, where the topic is set to it. */
  readonly appendedAt: number | null;
  readonly isControlRecord: boolean;
  readonly batchContext: FetchedMessage['batchContext'];
};

async function readBatch(batch: Buffer, bytesMax: number, spent: Spent): Promise<readonly FetchedMessage[]> {
  const attributes = batch.readInt16BE(21);
  const firstOffset = batch.readBigInt64BE(0);
  const maxTimestamp = Number(batch.readBigInt64BE(35));
  const head: Head = {
    firstOffset,
    lastOffset: firstOffset + BigInt(batch.readInt32BE(23)),
    firstTimestamp: Number(batch.readBigInt64BE(27)),
    appendedAt: attributes & 0x08 ? maxTimestamp : null,
    isControlRecord: (attributes & 0x20) !== 0,
    batchContext: { producerId: String(batch.readBigInt64BE(43)), inTransaction: (attributes & 0x10) !== 0 },
  };
  const count = batch.readInt32BE(57);
  const of = `a batch of ${count} records, offsets ${head.firstOffset} to ${head.lastOffset}`;
  if (count > BATCH_RECORDS_MAX) {
    return [unreadable(head, { code: 'MR_TOO_LARGE', reason: `${of}: ${BATCH_RECORDS_MAX} are allowed` })];
  }
  try {
    const records = batch.subarray(batchHeadBytes);
    const compression = compressions[attributes & 0x07];
    if (compression === undefined) throw new Error('an unknown compression');
    const read = compression === 'none' ? records : await decompress(compression, records, bytesMax);
    const messages = readRecords(read, count, head);
    spent.bytes += read.length;
    spent.records += count;
    return reachingItsEnd(messages, head);
  } catch (error) {
    // Lack of memory is no error of the batch.
    if (error instanceof Error && 'code' in error && error.code === 'Z_MEM_ERROR') throw error;
    const invalid: InvalidMessage =
      error instanceof TooLarge
        ? { code: 'MR_TOO_LARGE', reason: `${of}, compressed: they would become more than ${bytesMax} bytes` }
        : { code: 'MR_MESSAGE_INVALID', reason: `${of}: its bytes are broken` };
    return [unreadable(head, invalid)];
  }
}

/** One record for all, at the last offset, so that the position moves past the batch. */
function unreadable(head: Head, invalid: InvalidMessage): FetchedMessage {
  return { ...empty(head), unreadable: invalid };
}

function empty({ lastOffset, firstTimestamp, appendedAt, isControlRecord, batchContext }: Head): FetchedMessage {
  const place = { offset: String(lastOffset), timestamp: String(appendedAt ?? firstTimestamp), attributes: 0 };
  return { ...place, key: null, value: null, isControlRecord, batchContext, headersInOrder: [], unreadable: null };
}

/** Compaction may remove the last records of a batch, or all: then a hidden record moves the position past it. */
function reachingItsEnd(messages: readonly FetchedMessage[], head: Head): readonly FetchedMessage[] {
  if (messages.at(-1)?.offset === String(head.lastOffset)) return messages;
  return [...messages, { ...empty(head), isControlRecord: true }];
}

function readRecords(bytes: Buffer, count: number, head: Head): FetchedMessage[] {
  const reader = new ByteReader(bytes);
  const messages: FetchedMessage[] = [];
  for (let index = 0; index < count; index++) messages.push(readRecord(reader, head));
  return messages;
}

function readRecord(reader: ByteReader, { firstOffset, firstTimestamp, appendedAt, isControlRecord, batchContext }: Head): FetchedMessage {
  const length = reader.varint();
  const end = reader.at + length;
  const attributes = reader.byte();
  const timestamp = appendedAt ?? firstTimestamp + reader.varint();
  if (appendedAt !== null) reader.varint();
  const offset = String(firstOffset + BigInt(reader.varint()));
  const key = reader.bytes();
  const value = reader.bytes();
  const headersInOrder: LogHeader[] = [];
  for (let left = reader.varint(); left > 0; left--) {
    const name = reader.bytes()?.toString('utf8') ?? '';
    headersInOrder.push({ key: name, value: reader.bytes() ?? Buffer.alloc(0) });
  }
  if (reader.at !== end) throw new Error('a record that has another length than its header says');
  return { offset, timestamp: String(timestamp), attributes, key, value, isControlRecord, batchContext, headersInOrder, unreadable: null };
}
