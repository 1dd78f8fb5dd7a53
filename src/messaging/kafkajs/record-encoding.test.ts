import { createRequire } from 'node:module';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type EncodedRecord, encodeRecord, mendRecordEncoding } from './record-encoding.ts';

const load = createRequire(import.meta.url);
const path = 'kafkajs/src/protocol/recordBatch/record/v0';
type Encode = (record: EncodedRecord) => { readonly buffer: Buffer };
const theirs = load(path) as Encode;

const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
const text = fc.string({ unit: 'binary', maxLength: 100 });
const records: fc.Arbitrary<EncodedRecord> = fc.record({
  offsetDelta: fc.nat(100_000),
  timestampDelta: fc.integer({ min: -(2 ** 30), max: 2 ** 30 }),
  key: fc.oneof(fc.constant(null), bytes, text),
  value: fc.oneof(fc.constant(null), bytes, text),
  headers: fc.dictionary(text, fc.oneof(bytes, text, fc.array(bytes, { maxLength: 3 }))),
});

describe('An encoded record', () => {
  it('has the bytes that kafkajs gives it', () => {
    fc.assert(
      fc.property(records, (record) => {
        expect(encodeRecord(record)?.buffer).toEqual(theirs(record).buffer);
      }),
    );
  });

  it('has them at every size of its lengths', () => {
    for (const size of [0, 1, 50, 63, 64, 100, 8_000, 8_191, 8_192, 1_048_576, 2_000_000]) {
      const record = { key: 'k', value: Buffer.alloc(size, 7), headers: { messageType: [Buffer.from('T')] } };
      expect(encodeRecord(record)?.buffer.equals(theirs(record).buffer)).toBe(true);
    }
  });

  it('has nothing where nothing is given', () => {
    expect(encodeRecord({})?.buffer).toEqual(theirs({ key: null, value: null }).buffer);
  });

  it('is left to kafkajs when its time is far from that of its batch', () => {
    const far = { timestampDelta: 2 ** 40, key: 'k', value: Buffer.from('v') };
    expect(encodeRecord(far)).toBeNull();
    mendRecordEncoding();
    const mended = load(path) as Encode;
    expect(mended).not.toBe(theirs);
    expect(mended(far).buffer).toEqual(theirs(far).buffer);
    mendRecordEncoding();
    expect(load(path)).toBe(mended);
  });
});
