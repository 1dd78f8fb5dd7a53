/** Orchestrators with topics of others, to read events from and to publish to, without effect on the topics of Millrace. */
import { uuidv7 } from 'uuidv7';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Definition } from '../../src/core/definition/types.ts';
import type { InstanceId } from '../../src/core/ids.ts';
import { createPool } from '../../src/store/postgres/index.ts';
import { eventLocks, holdingEventLocks } from '../support/event-locks.ts';
import { eventually, eventuallyHas } from '../support/eventually.ts';
import { OrchestratorLab, type RawRecord, type TestOrchestrator } from '../support/orchestrator-lab.ts';

const ORDERS = 'foreign-orders';
const AUDIT = 'foreign-audit';
const PAID = 'payment.confirmed';

let lab: OrchestratorLab;
let orchestrator: TestOrchestrator;
let order: Definition;
let payment: Definition;

beforeAll(async () => {
  lab = await OrchestratorLab.open('foreign-topics', { MILLRACE_EVENT_TOPICS: ORDERS, MILLRACE_PUBLISH_TOPICS: AUDIT });
  order = await lab.deploy({
    id: 'order',
    nodes: {
      pick: { type: 'task', task: 'pick' },
      tell: { type: 'publish', event: 'order.picked', key: '${ input.key }', data: '${ nodes.pick.output }', topic: AUDIT },
    },
    edges: [{ from: 'pick', to: 'tell' }],
  });
  payment = await lab.deploy({ id: 'payment', nodes: { paid: { type: 'event', event: PAID, key: '${ input.key }' } } });
  orchestrator = await lab.run();
});
afterAll(async () => {
  await orchestrator?.stop();
  await lab?.close();
});

async function sendTo(topic: string, ...records: readonly RawRecord[]): Promise<void> {
  await lab.producer.send(records.map((record) => ({ ...record, topic })));
}

/** An event as a producer sends it that does not know Millrace. */
function cloudEvent(key: string): RawRecord {
  const fields = { ce_specversion: '1.0', ce_id: uuidv7(), ce_type: PAID, ce_source: 'shop', 'content-type': 'application/json' };
  const headers = Object.entries(fields).map(([name, value]) => ({ key: name, value: Buffer.from(value) }));
  return { key, value: Buffer.from('{"amount":12.5}'), headers };
}

async function typesFor(key: string): Promise<readonly string[]> {
  return (await lab.outbox(key)).map(({ messageType }) => messageType);
}

async function isPicked(id: InstanceId): Promise<void> {
  await eventually(async () => expect(await lab.state(id)).toMatchObject({ tasks: { pick: { status: 'completed' } } }));
}

async function hears(id: InstanceId): Promise<void> {
  await eventually(async () => expect(await typesFor(id)).toContain('EventMatched'));
}

test('an event is published to the topic that its node names, and to our own events, where waits hear it', async () => {
  const key = uuidv7();
  const id = await lab.start(order, { key });
  await lab.notify(await lab.outcome(id, 'pick', { output: '{"shelf":7}' }));
  await isPicked(id);
  const rows = await lab.outbox(key);
  expect(rows.map(({ topic, messageType }) => [topic, messageType])).toEqual([
    [lab.names.events, 'ExternalEvent'],
    [AUDIT, 'ExternalEvent'],
  ]);
  const events = await Promise.all(rows.map(({ payload }) => lab.codec.decode(payload, ['ExternalEvent'])));
  expect(events[0]).toMatchObject({ ok: true, value: { type: 'order.picked', key, data: '{"shelf":7}' } });
  expect(events[1]).toEqual(events[0]);
});

test('an event of a foreign topic wakes a wait', async () => {
  const key = uuidv7();
  const id = await lab.start(payment, { key });
  await sendTo(ORDERS, cloudEvent(key));
  await hears(id);
  await lab.forward(id);
  await eventually(async () =>
    expect(await lab.state(id)).toMatchObject({ tasks: { paid: { output: { source: 'shop', data: { amount: 12.5 } } } } }),
  );
});

/** As frameworks write it: each in another form. */
const forms: { readonly [form: string]: (key: string) => RawRecord } = {
  'in structured mode': (key) => {
    const event = { specversion: '1.0', id: uuidv7(), type: PAID, source: 'shop', data: { amount: 12.5 } };
    return {
      key,
      value: Buffer.from(JSON.stringify(event)),
      headers: headersOf({ 'content-type': 'application/cloudevents+json; charset=utf-8' }),
    };
  },
  'in a batch': (key) => {
    const event = { specversion: '1.0', id: uuidv7(), type: PAID, source: 'shop', partitionkey: key, data: { amount: 12.5 } };
    const value = Buffer.from(JSON.stringify([{ ...event, id: uuidv7(), partitionkey: uuidv7() }, event]));
    return { key: null, value, headers: headersOf({ 'content-type': 'application/cloudevents-batch+json' }) };
  },
  'with headers of HTTP and a content type in quotes': (key) => {
    const fields = {
      'ce-specversion': '1.0',
      'ce-id': uuidv7(),
      'ce-type': PAID,
      'ce-source': 'shop',
      'content-type': '"application/json"',
    };
    return { key, value: Buffer.from('{"amount":12.5}'), headers: headersOf(fields) };
  },
};

function headersOf(fields: Readonly<Record<string, string>>) {
  return Object.entries(fields).map(([name, value]) => ({ key: name, value: Buffer.from(value) }));
}

test.each(Object.entries(forms))('a CloudEvent %s wakes a wait', async (_, form) => {
  const key = uuidv7();
  const id = await lab.start(payment, { key });
  await sendTo(ORDERS, form(key));
  await hears(id);
  await lab.forward(id);
  await eventually(async () => expect(await lab.state(id)).toMatchObject({ tasks: { paid: { output: { data: { amount: 12.5 } } } } }));
});

test('a CloudEvent without a value wakes a wait, and a tombstone is only counted', async () => {
  const key = uuidv7();
  const id = await lab.start(payment, { key });
  const before = (await lab.deadLetters()).length;
  const counted = await orchestrator.counted('events_total', { result: 'tombstone' });
  await sendTo(ORDERS, { key, value: null }, { ...cloudEvent(key), value: null });
  await hears(id);
  await lab.forward(id);
  await eventually(async () => expect(await lab.state(id)).toMatchObject({ tasks: { paid: { output: { data: null } } } }));
  await eventually(async () => expect(await orchestrator.counted('events_total', { result: 'tombstone' })).toBe(counted + 1));
  expect((await lab.deadLetters()).length).toBe(before);
});

async function register(subject: string, schema: unknown, references: readonly object[] = []): Promise<number> {
  const response = await fetch(`${lab.config.registry.url}/subjects/${subject}/versions`, {
    method: 'POST',
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
    body: JSON.stringify({ schema: JSON.stringify(schema), schemaType: 'AVRO', references }),
  });
  const { id } = (await response.json()) as { readonly id: number };
  return id;
}

test('data in Avro wakes a wait whose schema refers to another, and has unions and defaults that only Java reads', async () => {
  const decimal = { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 };
  const money = { type: 'record', name: 'Money', namespace: 'shop', fields: [{ name: 'amount', type: ['int', 'double', decimal] }] };
  const paid = {
    ...{ type: 'record', name: 'Paid', namespace: 'shop' },
    fields: [
      { name: 'total', type: 'shop.Money' },
      { name: 'note', type: ['null', 'string'], default: null },
    ],
  };
  await register('foreign-money', money);
  const schemaId = await register('foreign-paid', paid, [{ name: 'shop.Money', subject: 'foreign-money', version: 1 }]);
  const frame = Buffer.alloc(5);
  frame.writeInt32BE(schemaId, 1);
  const key = uuidv7();
  const id = await lab.start(payment, { key });
  const { headers = [] } = cloudEvent(key);
  // The third branch, two bytes of 12.34, then no note.
  const value = Buffer.concat([frame, Buffer.from([4, 4, 0x04, 0xd2, 0])]);
  await sendTo(ORDERS, { key, value, headers: [...headers, ...headersOf({ 'content-type': 'application/avro' })] });
  await hears(id);
  await lab.forward(id);
  await eventually(async () =>
    expect(await lab.state(id)).toMatchObject({ tasks: { paid: { output: { data: { total: { amount: '12.34' }, note: null } } } } }),
  );
});

test('an invalid message of a foreign topic becomes a dead letter that names the topic, and the rest goes on', async () => {
  const key = uuidv7();
  const id = await lab.start(payment, { key });
  const invalid = { key, value: Buffer.from(`junk ${uuidv7()}`) };
  await sendTo(ORDERS, invalid, cloudEvent(key));
  await hears(id);
  await eventually(async () => {
    const deadLetter = (await lab.deadLetters()).find(({ value }) => value?.equals(invalid.value) === true);
    expect(deadLetter).toMatchObject({ topic: ORDERS, code: 'MR_NOT_FRAMED' });
    expect(deadLetter?.key?.toString()).toBe(key);
  });
});

/** Those that wait for the lock of an event's key. */
async function stuckTransactions(): Promise<readonly string[]> {
  const waiting = (await eventLocks(lab.databases)).filter(({ granted }) => !granted);
  return waiting.map(({ transaction }) => transaction).sort();
}

test('outcomes are applied while events of every partition are held up, and those are delivered afterwards', async () => {
  const keys = Array.from({ length: 40 }, () => uuidv7());
  const waiting = await Promise.all(keys.map((key) => lab.start(payment, { key })));
  const orders = await Promise.all(keys.map((key) => lab.start(order, { key })));
  const pool = createPool(lab.databases.config.databases.instances, { connections: 1 });
  try {
    const held = keys.map((key) => ({ type: PAID, key }));
    await holdingEventLocks(pool, held, async () => {
      await lab.sendEvents(...keys.map((key) => lab.event({ type: PAID, key })));
      // All partitions that are ready go into one transaction.
      const stuck = await eventuallyHas(stuckTransactions, ({ length }) => length > 0);
      await lab.notify(...(await Promise.all(orders.map((id) => lab.outcome(id, 'pick')))));
      await Promise.all(orders.map(isPicked));
      // None was given up meanwhile; that would have made room.
      expect(await stuckTransactions()).toEqual(expect.arrayContaining([...stuck]));
      expect((await Promise.all(waiting.map(typesFor))).flat()).not.toContain('EventMatched');
    });
    await Promise.all(waiting.map(hears));
  } finally {
    await pool.end();
  }
});

test('a topic of events that is missing is named, holds up nothing else, and is read once it is there', async () => {
  await orchestrator.stop();
  const late = 'foreign-late';
  orchestrator = await lab.run({ MILLRACE_EVENT_TOPICS: `${late},${ORDERS}` });
  const check = `topic ${late}`;
  expect(await orchestrator.checks()).toMatchObject({
    start: 'ok',
    [check]: 'MILLRACE_EVENT_TOPICS lists the topic, but it does not exist',
  });
  const [own, foreign, later] = [uuidv7(), uuidv7(), uuidv7()];
  const [byOwn, byForeign, byLater] = [
    await lab.start(payment, { key: own }),
    await lab.start(payment, { key: foreign }),
    await lab.start(payment, { key: later }),
  ];
  await lab.sendEvents(lab.event({ type: PAID, key: own }));
  await sendTo(ORDERS, cloudEvent(foreign));
  await hears(byOwn);
  await hears(byForeign);
  const admin = lab.log.admin();
  await admin.createTopics([{ topic: late, partitions: 2, replication: 1, config: {} }]);
  await admin.close();
  await sendTo(late, cloudEvent(later));
  await hears(byLater);
  await lab.forwardProbes();
  await eventually(async () => expect(Object.entries(await orchestrator.checks()).filter(([, said]) => said !== 'ok')).toEqual([]));
});
