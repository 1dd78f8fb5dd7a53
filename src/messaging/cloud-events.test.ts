import { describe, expect, test } from 'vitest';
import { avroTypeOf } from './avro.ts';
import { type ReadEvent, readEvent } from './cloud-events.ts';
import { createCodec } from './codec.ts';
import type { LogRecord } from './log.ts';
import { MemoryRegistry } from './memory/registry.ts';
import { frameBytes, writeFrameHead } from './wire-format.ts';

const topic = 'millrace.events';
const registry = new MemoryRegistry();
registry.addRecord(topic, 'ExternalEvent');
registry.addRecord('millrace.notifications', 'TimerFired');
const codec = createCodec({ registry });
await codec.prepare([
  { topic, record: 'ExternalEvent' },
  { topic: 'millrace.notifications', record: 'TimerFired' },
]);

type Given = { readonly key?: string | null; readonly value?: Buffer | string | null; readonly headers?: Readonly<Record<string, string>> };

async function read({ key = 'order-1', value = '{}', headers = {} }: Given, maxBytes?: number): Promise<ReadEvent> {
  const record: LogRecord = {
    topic,
    partition: 3,
    offset: 42n,
    timestamp: 0,
    key: key === null ? null : Buffer.from(key),
    value: typeof value === 'string' ? Buffer.from(value) : value,
    headers: Object.entries(headers).map(([name, text]) => ({ key: name, value: Buffer.from(text) })),
  };
  return await readEvent(record, { codec, ...(maxBytes === undefined ? {} : { maxBytes }) });
}

const ce = { ce_specversion: '1.0', ce_id: 'e1', ce_type: 'payment.confirmed', ce_source: '/bank', 'content-type': 'application/json' };
const own = { id: 'e1', type: 'payment.confirmed', source: '/bank', key: 'order-1', time: null, data: '{"amount":12.5}' };

function withData(schema: unknown, value: unknown): Buffer {
  const head = Buffer.alloc(frameBytes);
  writeFrameHead(head, registry.add('foreign', JSON.stringify(schema)));
  return Buffer.concat([head, avroTypeOf(schema).toBuffer(value)]);
}

describe('our own record', () => {
  test('is an event', async () => {
    expect(await read({ value: codec.encode('ExternalEvent', topic, { ...own, time: 5 }) })).toEqual({
      ok: true,
      event: { id: 'e1', type: 'payment.confirmed', source: '/bank', key: 'order-1', time: 5, data: { amount: 12.5 } },
    });
  });

  test('needs no key of its own beside the one it holds, and is known by its place without an id', async () => {
    expect(await read({ key: null, value: codec.encode('ExternalEvent', topic, { ...own, id: '' }) })).toMatchObject({
      ok: true,
      event: { id: 'millrace.events-3-42', key: 'order-1' },
    });
  });

  test.each([
    ['a correlation key', { ...own, key: '' }, 'MR_NO_KEY'],
    ['a time that has a year', { ...own, time: 4e15 }, 'MR_EVENT_INVALID'],
    ['a type', { ...own, type: '' }, 'MR_EVENT_INVALID'],
    ['data that is JSON', { ...own, data: '{' }, 'MR_EVENT_INVALID'],
    ['data whose numbers are exact', { ...own, data: '{"id":9007199254740993}' }, 'MR_NUMBER_UNSAFE'],
    ['data whose objects have each key once', { ...own, data: '{"amount":1,"amount":2}' }, 'MR_EVENT_INVALID'],
    ['strings of a length that can be indexed', { ...own, source: 'x'.repeat(501) }, 'MR_EVENT_INVALID'],
    ['strings that Postgres can hold', { ...own, type: 'a\0b' }, 'MR_EVENT_INVALID'],
  ] as const)('needs %s', async (_, event, code) => {
    expect(await read({ value: codec.encode('ExternalEvent', topic, event) })).toMatchObject({ ok: false, code });
  });
});

describe('a CloudEvents message in binary mode', () => {
  test('is an event, its data a JSON value', async () => {
    expect(await read({ value: '{"amount":12.5}', headers: { ...ce, ce_time: '2026-01-02T03:04:05.5+01:00' } })).toEqual({
      ok: true,
      event: {
        id: 'e1',
        type: 'payment.confirmed',
        source: '/bank',
        key: 'order-1',
        time: Date.parse('2026-01-02T02:04:05.500Z'),
        data: { amount: 12.5 },
      },
    });
  });

  test("has the record's key before ce_partitionkey", async () => {
    expect(await read({ headers: { ...ce, ce_partitionkey: 'other' } })).toMatchObject({ event: { key: 'order-1' } });
    expect(await read({ key: null, headers: { ...ce, ce_partitionkey: 'other' } })).toMatchObject({ event: { key: 'other' } });
    expect(await read({ key: null, headers: ce })).toMatchObject({ ok: false, code: 'MR_NO_KEY' });
  });

  test('without an id is known by its place', async () => {
    const { ce_id: _, ...rest } = ce;
    expect(await read({ headers: rest })).toMatchObject({ event: { id: 'millrace.events-3-42' } });
  });

  test('may hold Avro of its own schema, which becomes JSON', async () => {
    const schema = {
      type: 'record',
      name: 'Paid',
      fields: [
        { name: 'amount', type: 'double' },
        { name: 'note', type: ['null', 'string', 'int'], default: null },
        { name: 'proof', type: 'bytes' },
        { name: 'tags', type: { type: 'map', values: { type: 'array', items: 'long' } } },
      ],
    };
    const value = withData(schema, { amount: 12.5, note: 'x', proof: Buffer.from([1, 2]), tags: { ['__proto__']: [1, 2] } });
    const event = await read({ value, headers: { ...ce, 'content-type': 'application/avro' } });
    expect(event.ok && JSON.stringify(event.event.data)).toBe('{"amount":12.5,"note":"x","proof":"AQI=","tags":{"__proto__":[1,2]}}');
  });

  test.each([
    ['JSON that is none', { value: '{', headers: ce }, 'MR_EVENT_INVALID'],
    ['JSON that is not UTF-8', { value: Buffer.from([0x22, 0xff, 0x22]), headers: ce }, 'MR_EVENT_INVALID'],
    ['a number that a double would change', { value: '[0.1000000000000000055]', headers: ce }, 'MR_NUMBER_UNSAFE'],
    [
      'an Avro number that is not finite',
      { value: withData('double', Number.NaN), headers: { ...ce, 'content-type': 'application/avro' } },
      'MR_NUMBER_UNSAFE',
    ],
    ['Avro that is not framed', { value: 'abc', headers: { ...ce, 'content-type': 'application/avro' } }, 'MR_NOT_FRAMED'],
    ['another content', { value: '<a/>', headers: { ...ce, 'content-type': 'text/xml' } }, 'MR_EVENT_INVALID'],
    ['another version', { headers: { ...ce, ce_specversion: '0.3' } }, 'MR_EVENT_INVALID'],
    ['a time without an offset', { headers: { ...ce, ce_time: '2026-01-02T03:04:05' } }, 'MR_EVENT_INVALID'],
    ['no type', { headers: { ce_specversion: '1.0', ce_id: 'e', ce_source: 's' } }, 'MR_EVENT_INVALID'],
  ] satisfies [string, Given, string][])('with %s is an invalid message', async (_, given, code) => {
    expect(await read(given)).toMatchObject({ ok: false, code });
  });
});

test.each([
  ['a tombstone', { value: null }, 'MR_TOMBSTONE'],
  ['plain JSON', { value: '{"a":1}' }, 'MR_NOT_FRAMED'],
  ['an unknown schema', { value: Buffer.from([0, 0, 0, 99, 99, 1]) }, 'MR_SCHEMA_UNKNOWN'],
  ['structured CloudEvents', { value: '{}', headers: { 'content-type': 'application/cloudevents+json' } }, 'MR_EVENT_INVALID'],
  [
    'another record of ours',
    {
      value: codec.encode('TimerFired', 'millrace.notifications', {
        instanceId: 'i',
        timerId: 't',
        kind: 'retry',
        taskId: null,
        attempt: 1,
        dueAt: 1,
      }),
    },
    'MR_SCHEMA_MISMATCH',
  ],
] satisfies [string, Given, string][])('%s is an invalid message', async (_, given, code) => {
  expect(await read(given)).toMatchObject({ ok: false, code });
});

test('a key has as many characters as that of a wait may have', async () => {
  expect(await read({ key: '🦊'.repeat(500), headers: ce })).toMatchObject({ ok: true });
  expect(await read({ key: 'x'.repeat(501), headers: ce })).toMatchObject({ ok: false, code: 'MR_EVENT_INVALID' });
  expect(await read({ value: codec.encode('ExternalEvent', topic, { ...own, key: 'x'.repeat(501) }) })).toMatchObject({ ok: false });
});

test('what is above the payload limit is an invalid message, unread', async () => {
  expect(await read({ value: Buffer.alloc(101), headers: ce }, 100)).toMatchObject({ ok: false, code: 'MR_TOO_LARGE' });
});

test('a registry that is away is an error that passes', async () => {
  const away = new MemoryRegistry();
  away.available = false;
  const record = {
    topic,
    partition: 0,
    offset: 0n,
    timestamp: 0,
    key: null,
    value: codec.encode('ExternalEvent', topic, own),
    headers: [],
  };
  await expect(readEvent(record, { codec: createCodec({ registry: away }) })).rejects.toMatchObject({ retryable: true });
});
