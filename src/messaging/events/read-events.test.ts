import { describe, expect, test } from 'vitest';
import type { ExternalEvent } from '../../core/external-event.ts';
import { avroTypeOf } from '../avro.ts';
import { createCodec } from '../codec.ts';
import type { InvalidMessage } from '../dead-letter-codes.ts';
import type { LogRecord } from '../log.ts';
import { MemoryRegistry } from '../memory/registry.ts';
import { frameBytes, writeFrameHead } from '../wire-format.ts';
import { type ReadEvents, readEvents } from './read-events.ts';

const topic = 'millrace.events';
const registry = new MemoryRegistry();
registry.addRecord(topic, 'ExternalEvent');
registry.addRecord('millrace.notifications', 'TimerFired');
const codec = createCodec({ registry });
await codec.prepare([
  { topic, record: 'ExternalEvent' },
  { topic: 'millrace.notifications', record: 'TimerFired' },
]);

type Given = {
  readonly key?: Buffer | string | null;
  readonly value?: Buffer | string | null;
  readonly headers?: Readonly<Record<string, string>>;
};

type ReadEvent = { readonly ok: true; readonly event: ExternalEvent } | ({ readonly ok: false } & InvalidMessage);

/** Of a record that holds one event, or none. */
async function read(given: Given, maxBytes?: number): Promise<ReadEvent> {
  const found = await readAll(given, maxBytes);
  if (found.kind === 'tombstone') throw new Error('a tombstone');
  const [event, second] = found.events;
  if (found.invalid !== null) {
    expect(found.events).toEqual([]);
    return { ok: false, ...found.invalid };
  }
  if (event === undefined || second !== undefined) throw new Error('not one event');
  return { ok: true, event };
}

async function readAll({ key = 'order-1', value = '{}', headers = {} }: Given, maxBytes?: number): Promise<ReadEvents> {
  const record: LogRecord = {
    topic,
    partition: 3,
    offset: 42n,
    timestamp: 0,
    key: key === null ? null : Buffer.from(key),
    value: typeof value === 'string' ? Buffer.from(value) : value,
    headers: Object.entries(headers).map(([name, text]) => ({ key: name, value: Buffer.from(text) })),
  };
  return await readEvents(record, { codec, ...(maxBytes === undefined ? {} : { maxBytes }) });
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
  ['plain JSON', { value: '{"a":1}' }, 'MR_NOT_FRAMED'],
  ['an unknown schema', { value: Buffer.from([0, 0, 0, 99, 99, 1]) }, 'MR_SCHEMA_UNKNOWN'],
  [
    'a structured CloudEvent that lacks everything',
    { value: '{}', headers: { 'content-type': 'application/cloudevents+json' } },
    'MR_EVENT_INVALID',
  ],
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
  await expect(readEvents(record, { codec: createCodec({ registry: away }) })).rejects.toMatchObject({ retryable: true });
});

describe('a record without a value', () => {
  test('is an event without data where its headers are those of one', async () => {
    expect(await read({ value: null, headers: ce })).toMatchObject({ ok: true, event: { id: 'e1', key: 'order-1', data: null } });
    expect(await read({ value: Buffer.alloc(0), headers: ce })).toMatchObject({ ok: true, event: { data: null } });
  });

  test.each([[{}], [{ traceparent: '00-1' }], [{ 'content-type': 'application/json' }]])(
    'is a tombstone with the headers %j',
    async (headers) => {
      expect(await readAll({ value: null, headers })).toEqual({ kind: 'tombstone' });
    },
  );

  test('of structured mode is an invalid message', async () => {
    expect(await read({ value: null, headers: { 'content-type': 'application/cloudevents+json' } })).toMatchObject({ ok: false });
  });
});

describe('headers as frameworks write them', () => {
  const { 'content-type': _, ...attributes } = ce;
  const avro = withData('string', 'x');

  test.each([
    ['in quotes', { 'content-type': '"application/json"' }],
    ['in capitals', { 'content-type': 'Application/JSON; Charset=UTF-8' }],
    ['of another name', { contentType: 'application/vnd.bank+json' }],
    ['in capitals of the name', { 'Content-Type': 'text/json' }],
    ['of a vendor', { 'content-type': 'application/x-amz-json-1.1' }],
    ['as an attribute', { ce_datacontenttype: 'application/json' }],
    ['not at all', {}],
  ])('the content type %s', async (__, headers) => {
    expect(await read({ value: '{"a":1}', headers: { ...attributes, ...headers } })).toMatchObject({ ok: true, event: { data: { a: 1 } } });
  });

  test.each([
    ['"application/avro"'],
    ['APPLICATION/AVRO'],
    ['application/*+avro'],
    ['avro/binary'],
    ['application/vnd.apache.avro+binary'],
  ])('Avro as %s', async (contentType) => {
    expect(await read({ value: avro, headers: { ...attributes, 'content-type': contentType } })).toMatchObject({ event: { data: 'x' } });
  });

  test.each([['ce-'], ['CE_'], ['Ce-']])('attributes with %s', async (prefix) => {
    const headers = Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name.replace('ce_', prefix), value]));
    const time = { [`${prefix}time`]: '2026-01-02T03:04:05Z' };
    expect(await read({ value: '1', headers: { ...headers, ...time } })).toMatchObject({
      event: { id: 'e1', type: 'payment.confirmed', source: '/bank', time: Date.parse('2026-01-02T03:04:05Z'), data: 1 },
    });
  });
});

test('attributes that a mapper has written as JSON strings are read without the quotes, and others keep theirs', async () => {
  const quoted = Object.fromEntries(Object.entries({ ...ce, ce_source: '/a"b' }).map(([name, value]) => [name, JSON.stringify(value)]));
  expect(await read({ value: '1', headers: { ...quoted, ce_time: '"2026-01-02T03:04:05Z"' } })).toMatchObject({
    event: { id: 'e1', type: 'payment.confirmed', source: '/a"b', time: Date.parse('2026-01-02T03:04:05Z'), data: 1 },
  });
  expect(await read({ value: '1', headers: { ...ce, ce_source: '"/bank"' } })).toMatchObject({ event: { source: '"/bank"' } });
});

test('a key that is no text is told', async () => {
  const key = Buffer.from([0xff, 0xfe, 0x01]);
  expect(await read({ key, value: '1', headers: ce })).toMatchObject({
    ...{ code: 'MR_NO_KEY', reason: "the record's key is not UTF-8, and there is no ce_partitionkey" },
  });
});

describe('a CloudEvent in structured mode', () => {
  const structured = { 'content-type': 'application/cloudevents+json' };
  const event = { specversion: '1.0', id: 'e1', type: 'payment.confirmed', source: '/bank', data: { amount: 12.5 } };
  const send = (value: unknown, headers: Readonly<Record<string, string>> = structured, key: string | null = 'order-1') =>
    read({ key, value: JSON.stringify(value), headers });

  test.each([
    ['application/cloudevents+json'],
    ['application/cloudevents+json; charset=utf-8'],
    ['"Application/CloudEvents+JSON;charset="UTF-8""'],
    ['application/cloudevents'],
  ])('is an event, as %s', async (contentType) => {
    expect(await send({ ...event, time: '2026-01-02T03:04:05Z', subject: 's' }, { 'content-type': contentType })).toEqual({
      ok: true,
      event: {
        ...{ id: 'e1', type: 'payment.confirmed', source: '/bank', key: 'order-1' },
        ...{ time: Date.parse('2026-01-02T03:04:05Z'), data: { amount: 12.5 } },
      },
    });
  });

  test('counts before attributes in headers', async () => {
    expect(await send(event, { ...ce, ...structured, ce_id: 'other' })).toMatchObject({ event: { id: 'e1' } });
  });

  test('has its key, id and data where they may be', async () => {
    const { id: _, data: __, ...rest } = event;
    expect(await send({ ...rest, partitionkey: 'other' })).toMatchObject({
      event: { key: 'order-1', id: 'millrace.events-3-42', data: null },
    });
    expect(await send({ ...rest, partitionkey: 'other' }, structured, null)).toMatchObject({ event: { key: 'other' } });
    expect(await send(rest, structured, null)).toMatchObject({ ok: false, code: 'MR_NO_KEY' });
    const encoded = (text: string | Buffer, datacontenttype?: string) =>
      send({ ...rest, data_base64: Buffer.from(text).toString('base64'), ...(datacontenttype === undefined ? {} : { datacontenttype }) });
    expect(await encoded('{"a":1}')).toMatchObject({ event: { data: { a: 1 } } });
    expect(await encoded(withData('string', 'x'), 'application/avro')).toMatchObject({ event: { data: 'x' } });
    expect(await encoded('<a/>', 'text/xml')).toMatchObject({ ok: false, code: 'MR_EVENT_INVALID' });
    expect(await send({ ...rest, data: '<a/>', datacontenttype: 'text/xml' })).toMatchObject({ event: { data: '<a/>' } });
  });

  test.each([
    ['the time', { ...event, time: '2023-01-19T22:30:24.860213GMT' }, 'time'],
    ['the type', { ...event, type: 7 }, 'type'],
    ['the version', { ...event, specversion: '0.3' }, 'specversion'],
    ['base64', { ...event, data: null, data_base64: '!' }, 'data_base64'],
    ['both kinds of data', { ...event, data_base64: 'AQ==' }, 'data_base64'],
    ['several events', [event, event], 'application/cloudevents-batch+json'],
    ['no object', 7, 'not an object'],
  ])('says what is wrong with %s', async (_, value, named) => {
    expect(await send(value)).toMatchObject({ ok: false, code: 'MR_EVENT_INVALID', reason: expect.stringContaining(named) });
  });

  test('in a batch has a key of its own before that of the record, and a place for an id', async () => {
    const { id: _, ...rest } = event;
    const value = JSON.stringify([{ ...rest, partitionkey: 'k1' }, event]);
    const found = await readAll({ value, headers: { 'content-type': 'application/cloudevents-batch+json; charset=utf-8' } });
    expect(found).toMatchObject({
      events: [
        { id: 'millrace.events-3-42-0', key: 'k1' },
        { id: 'e1', key: 'order-1' },
      ],
      invalid: null,
    });
  });

  test('in a batch counts though another is invalid', async () => {
    const value = JSON.stringify([{ ...event, id: 1 }, event, { ...event, time: 'x' }]);
    expect(await readAll({ value, headers: { 'content-type': 'application/cloudevents-batch+json' } })).toMatchObject({
      events: [{ id: 'e1' }],
      invalid: { reason: 'event 0 of the batch: the attribute id is not a string; 2 of 3 are invalid' },
    });
    expect(await readAll({ value: '[]', headers: { 'content-type': 'application/cloudevents-batch+json' } })).toMatchObject({
      events: [],
      invalid: null,
    });
  });
});

test.each([
  ['attributes without a version', { headers: { ce_type: 't', ce_id: 'i' } }, 'ce_specversion: 1.0'],
  ['structured mode as Avro', { headers: { 'content-type': 'application/cloudevents+avro' } }, 'application/cloudevents+json'],
  ['a batch that is none', { headers: { 'content-type': 'application/cloudevents-batch+json' } }, 'application/cloudevents+json'],
  ['a CloudEvent without a content type', { value: '{"specversion":"1.0"}' }, 'content-type: application/cloudevents+json'],
  ['plain JSON', { value: ' {"a":1}' }, 'ce_specversion: 1.0'],
  ['another charset', { headers: { ...ce, 'content-type': 'application/json; charset=iso-8859-1' } }, 'send UTF-8'],
  ['XML', { headers: { ...ce, 'content-type': 'text/xml' } }, 'application/json'],
] satisfies [string, Given, string][])('%s is told with what to send instead', async (_, given, advice) => {
  expect(await read(given)).toMatchObject({ ok: false, reason: expect.stringContaining(advice) });
});
