import { expect, test } from 'vitest';
import { createCodec } from '../codec.ts';
import { headerText, type LogRecord } from '../log.ts';
import { MemoryRegistry } from '../memory/registry.ts';
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
  const record = deadLetterRecord(codec, topic, { original, code: 'MR_NOT_FRAMED', reason: 'why', instanceId: null, at: 9 });
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
    },
  });
});

test('a dead letter of a tombstone has no value to keep', async () => {
  const registry = new MemoryRegistry();
  registry.addRecord(topic, 'DeadLetter');
  const codec = createCodec({ registry });
  await codec.prepare([{ topic, record: 'DeadLetter' }]);
  const original: LogRecord = { topic: 't', partition: 0, offset: 0n, timestamp: 0, key: null, value: null, headers: [] };
  const record = deadLetterRecord(codec, topic, { original, code: 'MR_TOMBSTONE', reason: 'r', instanceId: null, at: 0 });
  expect(await codec.decode(record.value ?? Buffer.alloc(0), ['DeadLetter'])).toMatchObject({
    value: { key: null, value: null, headers: [] },
  });
});
