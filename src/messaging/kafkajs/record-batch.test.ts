import { createRequire } from 'node:module';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import kafkajs from 'kafkajs';
import { describe, expect, test } from 'vitest';
import { compress, registerCodecs } from './codecs.ts';
import type { Compression } from './decompress.ts';
import { BATCH_RECORDS_MAX, type FetchedMessage, readRecordBatches } from './record-batch.ts';

const MIB = 1_048_576;
const load = createRequire(import.meta.url);
type Encoded = { readonly buffer: Buffer };
const encodeBatch = load('kafkajs/src/protocol/recordBatch/v0').RecordBatch as (batch: object) => Promise<Encoded>;
const encodeRecord = load('kafkajs/src/protocol/recordBatch/record/v0') as (record: object) => Encoded;

type Given = { readonly key: Buffer | null; readonly value: Buffer | null; readonly headers?: Readonly<Record<string, Buffer | Buffer[]>> };

async function batchOf(given: readonly Given[], compression: number = kafkajs.CompressionTypes.None): Promise<Buffer> {
  registerCodecs(MIB);
  const records = given.map((record, offsetDelta) => encodeRecord({ ...record, offsetDelta, timestampDelta: offsetDelta }));
  const batch = { compression, records, firstTimestamp: 1_000, maxTimestamp: 2_000, lastOffsetDelta: given.length - 1, producerId: 7 };
  return (await encodeBatch(batch)).buffer;
}

async function read(bytes: Buffer, bytesMax = MIB, spent = { bytes: 0, records: 0 }): Promise<FetchedMessage[]> {
  return await readRecordBatches(bytes, bytesMax, spent);
}

/** A batch that holds these bytes in the place of its records. */
async function withRecords(records: Buffer, { attributes = 0, count = 1 } = {}): Promise<Buffer> {
  const head = (await batchOf([{ key: null, value: null }])).subarray(0, 61);
  const batch = Buffer.concat([head, records]);
  batch.writeInt32BE(batch.length - 12, 8);
  batch.writeInt16BE(attributes, 21);
  batch.writeInt32BE(count - 1, 23);
  batch.writeInt32BE(count, 57);
  return batch;
}

describe('reading batches', () => {
  test.each(['None', 'GZIP', 'Snappy', 'LZ4', 'ZSTD'] as const)('compressed by %s gives what kafkajs wrote', async (name) => {
    const bytes = fc.option(fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array)));
    const headers = fc.dictionary(
      fc.constantFrom('a', 'b'),
      fc.uint8Array({ maxLength: 9 }).map((array) => Buffer.from(array)),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.record({ key: bytes, value: bytes, headers }), { minLength: 1, maxLength: 20 }), async (given) => {
        const messages = await read(await batchOf(given, kafkajs.CompressionTypes[name]));
        expect(messages).toMatchObject(
          given.map(({ key, value, headers: pairs }, index) => ({
            ...{ offset: String(index), timestamp: String(1_000 + index), key, value, isControlRecord: false, unreadable: null },
            batchContext: { producerId: '7', inTransaction: false },
            headersInOrder: Object.entries(pairs).map(([header, of]) => ({ key: header, value: of })),
          })),
        );
      }),
      { numRuns: 30 },
    );
  });

  test('leaves a batch that the fetch size has cut to the next fetch', async () => {
    const [first, second] = [
      await batchOf([{ key: null, value: Buffer.from('a') }]),
      await batchOf([{ key: null, value: Buffer.from('b') }]),
    ];
    const messages = await read(Buffer.concat([first, second.subarray(0, -1)]));
    expect(messages.map(({ value }) => String(value))).toEqual(['a']);
    expect(await read(first.subarray(0, 20))).toEqual([]);
  });

  test('leaves what a response has no room for to the next fetch, but for one batch of each partition', async () => {
    const batch = await batchOf([{ key: null, value: Buffer.alloc(600) }], kafkajs.CompressionTypes.GZIP);
    const spent = { bytes: 0, records: 0 };
    expect(await read(Buffer.concat([batch, batch, batch]), 1_000, spent)).toHaveLength(2);
    expect(await read(Buffer.concat([batch, batch, batch]), 1_000, spent)).toHaveLength(1);
  });

  test('passes what compaction has left of a batch, or nothing of it', async () => {
    const batch = await batchOf([{ key: null, value: Buffer.from('a') }]);
    batch.writeInt32BE(5, 23);
    expect(await read(batch)).toMatchObject([
      { offset: '0', isControlRecord: false },
      { offset: '5', isControlRecord: true, key: null },
    ]);
    const emptied = await withRecords(Buffer.alloc(0), { count: 0 });
    emptied.writeInt32BE(5, 23);
    expect(await read(emptied)).toMatchObject([{ offset: '5', isControlRecord: true }]);
  });

  test('tells the markers of transactions', async () => {
    const batch = await batchOf([{ key: Buffer.from([0, 0, 0, 1]), value: Buffer.alloc(6) }]);
    batch.writeInt16BE(0x30, 21);
    expect(await read(batch)).toMatchObject([{ isControlRecord: true, batchContext: { inTransaction: true } }]);
  });

  // kafkajs takes time that grows with the square of their number: with it this test ends by its time limit.
  test('takes a record of 100,000 headers', async () => {
    const header = Buffer.from([2, 0x68, 2, 0x76]);
    const body = Buffer.concat([Buffer.from([0, 0, 0, 1, 1]), varint(100_000), ...Array.from({ length: 100_000 }, () => header)]);
    const [message] = await read(await withRecords(Buffer.concat([varint(body.length), body])));
    expect(message).toMatchObject({ unreadable: null });
    expect(message?.headersInOrder).toHaveLength(100_000);
  });
});

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let left = value * 2;
  for (; left >= 0x80; left = Math.floor(left / 0x80)) bytes.push((left % 0x80) | 0x80);
  return Buffer.from([...bytes, left]);
}

const zeros = Buffer.alloc(8 * MIB);
const times = (count: number, bytes: Buffer) => Buffer.concat(Array.from({ length: count }, () => bytes));

/** Bytes of each compression that would become a gigabyte. */
const bombs: { readonly [Name in Compression]: () => Promise<Buffer> } = {
  gzip: async () => times(128, gzipSync(zeros)),
  zstd: async () => times(128, zstdCompressSync(zeros)),
  snappy: async () => {
    const chunk = await compress.snappy(zeros);
    const length = Buffer.alloc(4);
    length.writeInt32BE(chunk.length);
    return Buffer.concat([
      Buffer.from([130, 83, 78, 65, 80, 80, 89, 0, 0, 0, 0, 1, 0, 0, 0, 1]),
      times(128, Buffer.concat([length, chunk])),
    ]);
  },
  lz4: async () => {
    const frame = await compress.lz4(zeros);
    // Its blocks many times, between the header and the end of the frame.
    return Buffer.concat([frame.subarray(0, 7), times(128, frame.subarray(7, -4)), Buffer.alloc(4)]);
  },
};

describe('a bomb', () => {
  test.each(Object.entries(bombs))('of %s is one record that says so, and takes no memory', async (name, make) => {
    const attributes = ['none', 'gzip', 'snappy', 'lz4', 'zstd'].indexOf(name);
    const bomb = await withRecords(await make(), { attributes, count: 3 });
    const good = await batchOf([{ key: null, value: Buffer.from('good') }]);
    const before = process.resourceUsage().maxRSS;
    const messages = await read(Buffer.concat([bomb, good]), 16 * MIB);
    expect(messages).toMatchObject([
      { offset: '2', key: null, value: null, headersInOrder: [], unreadable: { code: 'MR_TOO_LARGE' } },
      { value: Buffer.from('good'), unreadable: null },
    ]);
    // In KiB.
    expect(process.resourceUsage().maxRSS - before).toBeLessThan(200 * 1_024);
  });

  test('of records without bytes is one too', async () => {
    const empty = Buffer.from([12, 0, 0, 0, 1, 1, 0]);
    const records = gzipSync(times(BATCH_RECORDS_MAX + 1, empty));
    expect(await read(await withRecords(records, { attributes: 1, count: BATCH_RECORDS_MAX + 1 }), 64 * MIB)).toMatchObject([
      { unreadable: { code: 'MR_TOO_LARGE' } },
    ]);
  });

  test('that claims less than it holds is broken, as is what no codec reads', async () => {
    const claims = await compress.snappy(Buffer.alloc(1_000));
    claims[0] = 1;
    claims[1] = 0;
    for (const [bytes, attributes] of [
      [claims, 2],
      [Buffer.from('junk'), 1],
      [Buffer.from('junk'), 2],
      [Buffer.from('junk'), 3],
      [Buffer.from('junk'), 4],
      [Buffer.from('junk'), 7],
      [Buffer.from('junk'), 0],
    ] as const) {
      expect(await read(await withRecords(bytes, { attributes }))).toMatchObject([{ unreadable: { code: 'MR_MESSAGE_INVALID' } }]);
    }
  });
});
