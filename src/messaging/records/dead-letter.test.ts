import { describe, expect, test } from 'vitest';
import { createCodec } from '../codec.ts';
import { headerText, type LogRecord } from '../log.ts';
import { MemoryRegistry } from '../memory/registry.ts';
import { deadLetterExtraBytes } from '../topics.ts';
import { deadLetterRecord } from './dead-letter.ts';

const topic = 'millrace.dead-letters';

test('a dead letter keeps the original whole, byte for byte', async () => {
  const registry = new MemoryRegistry();
  registry.addRecord(topic, 'DeadLetter');
  const codec = createCodec({ registry });
  await codec.prepare([{ topic, record: 'DeadLetter' }]);
  const original: LogRecord = {
    topic: 'millrace.events',
    partition: 3,
    offset: 42n,
    timestamp: 7,
    key: Buffer.from([0xff, 0]),
    value: Buffer.from([1, 2, 3]),
    headers: [
      { key: 'a', value: Buffer.from([0xfe]) },
      { key: 'a', value: Buffer.from('again') },
    ],
  };
  const record = deadLetterRecord(codec, topic, { original, code: 'MR_NOT_FRAMED', reason: 'why', instanceId: null, at: 9 }, 1_048_576);
  expect(record.key).toEqual(original.key);
  expect(headerText({ headers: record.headers ?? [] }, 'messageType')).toBe('DeadLetter');
  expect(headerText({ headers: record.headers ?? [] }, 'x-original-offset')).toBe('42');
  expect(await codec.decode(record.value ?? Buffer.alloc(0), ['DeadLetter'])).toEqual({
    ok: true,
    record: 'DeadLetter',
    value: {
      code: 'MR_NOT_FRAMED',
      reason: 'why',
      topic: 'millrace.events',
      partition: 3,
      offset: 42,
      key: original.key,
      value: original.value,
      headers: original.headers,
      at: 9,
      instanceId: null,
      omitted: null,
    },
  });
});

test('a dead letter of a tombstone has no value to keep', async () => {
  const registry = new MemoryRegistry();
  registry.addRecord(topic, 'DeadLetter');
  const codec = createCodec({ registry });
  await codec.prepare([{ topic, record: 'DeadLetter' }]);
  const original: LogRecord = { topic: 't', partition: 0, offset: 0n, timestamp: 0, key: null, value: null, headers: [] };
  const record = deadLetterRecord(codec, topic, { original, code: 'MR_TOMBSTONE', reason: 'r', instanceId: null, at: 0 }, 1_048_576);
  expect(await codec.decode(record.value ?? Buffer.alloc(0), ['DeadLetter'])).toMatchObject({
    value: { key: null, value: null, headers: [] },
  });
});

describe('a dead letter that would be too large', () => {
  const limit = 1_048_576 + deadLetterExtraBytes;

  async function written(original: Partial<LogRecord>) {
    const registry = new MemoryRegistry();
    registry.addRecord(topic, 'DeadLetter');
    const codec = createCodec({ registry });
    await codec.prepare([{ topic, record: 'DeadLetter' }]);
    const whole: LogRecord = {
      ...{ topic: 't', partition: 1, offset: 2n, timestamp: 0, key: null, value: null, headers: [] },
      ...original,
    };
    const deadLetter = { original: whole, code: 'MR_NOT_FRAMED', reason: 'ü'.repeat(2_000), instanceId: null, at: 0 } as const;
    const record = deadLetterRecord(codec, topic, deadLetter, limit);
    const read = await codec.decode(record.value ?? Buffer.alloc(0), ['DeadLetter']);
    if (!read.ok) throw new Error(read.reason);
    const { key, headers, value } = record;
    const sizes = [key ?? '', value ?? '', ...(headers ?? []).flatMap((header) => [header.key, header.value])].map((part) =>
      Buffer.byteLength(part),
    );
    return { bytes: sizes.reduce((sum, size) => sum + size, 0), deadLetter: read.value };
  }
  const headersOf = (count: number, bytes: number) =>
    Array.from({ length: count }, (_, index) => ({ key: `h${index}`, value: Buffer.alloc(bytes, 1) }));

  test.each([
    ['a key of 200 KB', { key: Buffer.alloc(200_000, 'k'), value: Buffer.from('v') }, null],
    ['a key of 1 MB', { key: Buffer.alloc(1_048_576, 'k') }, null],
    ['a key and a value that fit one by one', { key: Buffer.alloc(600_000, 'k'), value: Buffer.alloc(600_000) }, 'key, value'],
    ['a key of 20 MB', { key: Buffer.alloc(20_000_000, 'k'), value: Buffer.from('v') }, 'key, value'],
    ['a value of 20 MB', { key: Buffer.from('k'), value: Buffer.alloc(20_000_000) }, 'value'],
    ['headers of 2 MB', { key: Buffer.from('k'), headers: headersOf(2, 1_000_000) }, 'headers'],
    ['100,000 headers', { key: Buffer.from('k'), value: Buffer.from('v'), headers: headersOf(100_000, 4) }, 'value, headers'],
    ['a name of a header of 2 MB', { headers: [{ key: 'n'.repeat(2_000_000), value: Buffer.alloc(0) }] }, 'headers'],
  ] satisfies [string, Partial<LogRecord>, string | null][])(
    'with %s fits all the same, and says what it leaves out',
    async (_, original, omitted) => {
      const { bytes, deadLetter } = await written(original);
      expect(deadLetter).toMatchObject({ topic: 't', partition: 1, offset: 2, omitted });
      expect(bytes).toBeLessThan(omitted === null ? limit : 25_000);
      if (deadLetter.key !== null) expect(deadLetter.key.every((byte) => byte === 'k'.charCodeAt(0))).toBe(true);
    },
  );

  test('of what could not be read has no value', async () => {
    const { deadLetter } = await written({ unreadable: { code: 'MR_TOO_LARGE', reason: 'a bomb' } });
    expect(deadLetter).toMatchObject({ value: null, omitted: 'value' });
  });
});
