/** The record DeadLetter: a message that can never be processed, kept with the reason, whole where it fits, for the index that people look at. */
import type { Codec } from '../codec.ts';
import type { InvalidMessage } from '../dead-letter-codes.ts';
import type { DeadLetter } from '../generated/records.ts';
import type { LogHeader, LogRecord, OutgoingRecord } from '../log.ts';
import { producedHeaders } from '../produced-headers.ts';

export type DeadLetterInput = InvalidMessage & {
  readonly original: LogRecord;
  /** The instance that it was for, if that is known. */
  readonly instanceId: string | null;
  /** ms since the epoch, by this process. */
  readonly at: number;
};

/** Longest key of the dead letter: the key only keeps the dead letters of an instance together. */
const LETTER_KEY_BYTES_MAX = 1_000;
/** Bytes that a cut dead letter keeps of the key, and of all headers together. */
const CUT_KEY_BYTES = 4_096;
const CUT_HEADERS_BYTES = 8_192;
/** Largest size of the dead letter's own fields and headers; the reason is the longest. */
const ENVELOPE_BYTES = 8_192;

/**
 * The record to produce to the dead-letters topic before the original's offset is committed. It has the original's key, so the
 * dead letters of an instance stay together. An original that does not fit into `maxBytes` is left out, and so is the rest of a
 * long key and of long headers; the dead letter says so, and where the original is. A cut dead letter has at most about 22 KB.
 * `codec` must have been prepared for DeadLetter on `topic`.
 */
export function deadLetterRecord(codec: Codec, topic: string, input: DeadLetterInput, maxBytes: number): OutgoingRecord {
  const { original, code, reason, instanceId, at } = input;
  const isWhole = original.unreadable === undefined && sizeOf(original) + ENVELOPE_BYTES <= maxBytes;
  const kept = isWhole ? { ...original, omitted: null } : cut(original);
  const said = reason.slice(0, 1_000);
  const value: DeadLetter = {
    code,
    reason: isWhole ? said : `${said}; the dead letter does not hold all of the original, which is in its own topic`,
    topic: original.topic,
    partition: original.partition,
    offset: Number(original.offset),
    key: kept.key,
    value: kept.value,
    headers: kept.headers,
    at,
    instanceId,
    omitted: kept.omitted,
  };
  const headers: LogHeader[] = [
    ...producedHeaders('DeadLetter'),
    // Readable in any Kafka UI without decoding.
    { key: 'x-original-topic', value: Buffer.from(original.topic) },
    { key: 'x-original-partition', value: Buffer.from(String(original.partition)) },
    { key: 'x-original-offset', value: Buffer.from(String(original.offset)) },
    { key: 'x-error-code', value: Buffer.from(code) },
  ];
  const key = original.key?.subarray(0, LETTER_KEY_BYTES_MAX) ?? null;
  return { topic, key, value: codec.encode('DeadLetter', topic, value), headers };
}

type Original = Pick<LogRecord, 'key' | 'value' | 'headers'>;

function sizeOf({ key, value, headers }: Original): number {
  return (key?.length ?? 0) + (value?.length ?? 0) + headers.reduce((sum, header) => sum + headerBytes(header), 0);
}

/** Includes the lengths that the encoding writes before both. */
function headerBytes({ key, value }: LogHeader): number {
  return Buffer.byteLength(key) + value.length + 10;
}

function cut({ key, value, headers, unreadable }: LogRecord): Original & { readonly omitted: string | null } {
  let bytes = 0;
  const fitting = headers.filter((header) => {
    bytes += headerBytes(header);
    return bytes <= CUT_HEADERS_BYTES;
  });
  const omitted = [
    ...(key !== null && key.length > CUT_KEY_BYTES ? ['key'] : []),
    ...(value === null && unreadable === undefined ? [] : ['value']),
    ...(fitting.length < headers.length ? ['headers'] : []),
  ];
  return {
    key: key?.subarray(0, CUT_KEY_BYTES) ?? null,
    value: null,
    headers: fitting,
    omitted: omitted.length === 0 ? null : omitted.join(', '),
  };
}

/** A dead letter that was read, with the place of the original. */
export type ReadDeadLetter = Pick<DeadLetter, 'code' | 'reason' | 'instanceId' | 'at' | 'omitted'> & {
  readonly original: Pick<DeadLetter, 'topic' | 'partition' | 'key' | 'value' | 'headers'> & { readonly offset: string };
};

export function readDeadLetterRecord({ code, reason, instanceId, at, omitted, ...original }: DeadLetter): ReadDeadLetter {
  return { code, reason, instanceId, at, omitted, original: { ...original, offset: String(original.offset) } };
}
