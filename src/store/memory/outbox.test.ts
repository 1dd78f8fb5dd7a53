import { expect, it } from 'vitest';
import { testOutboxProbes } from '../../../test/contract/outbox-probes.contract.ts';
import { message, topics } from '../../../test/support/store-lab.ts';
import { memoryDatabasesOn } from './index.ts';
import { MemoryTables } from './tables.ts';

const sent = (n: number) => message('ExternalEvent', topics.events, 'k', { n });

async function opened(eventTtlMs = 1_000) {
  const tables = new MemoryTables(10_000);
  const databases = memoryDatabasesOn(tables, { eventTtlMs });
  const store = databases.instanceStore({ matches: () => 'no', encode: () => sent(0) });
  await store.registerTopics([topics.events]);
  return { ...databases, store };
}

it('gives a reader the rows in the order of their commits, again until they are confirmed', async () => {
  const { store, outbox, gauge } = await opened();
  const { signal } = new AbortController();
  await store.publish([sent(1), sent(2), sent(3)]);
  const first = await outbox.read(2, signal);
  expect(first.map(({ payload }) => payload.toString())).toEqual(['{"n":1}', '{"n":2}']);
  expect(await outbox.read(2, signal)).toEqual(first);
  outbox.confirm(first.at(-1)?.id ?? 0);
  const rest = await outbox.read(2, signal);
  expect(rest.map(({ payload }) => payload.toString())).toEqual(['{"n":3}']);
  outbox.confirm(rest.at(-1)?.id ?? 0);
  expect(await gauge.read()).toMatchObject({ oldestAgeSeconds: 0, confirmed: true });
});

it('lets a reader wait for the next row, or until it is told to stop', async () => {
  const { store, outbox } = await opened();
  const stop = new AbortController();
  const waiting = outbox.read(10, stop.signal);
  await store.publish([sent(1)]);
  expect(await waiting).toHaveLength(1);
  outbox.confirm(1);
  const stopped = outbox.read(10, stop.signal);
  stop.abort();
  expect(await stopped).toEqual([]);
});

it('takes nothing of a call of which one message can never be published', async () => {
  const { store, outbox } = await opened();
  const large = { ...sent(2), payload: Buffer.alloc(20_000) };
  await expect(store.publish([sent(1), large])).rejects.toMatchObject({ code: 'MR_MESSAGE_TOO_LARGE', retryable: false });
  const stop = new AbortController();
  stop.abort();
  expect(await outbox.read(10, stop.signal)).toEqual([]);
});

it('forgets an event that nobody waited for after its time, and remembers its id', async () => {
  const { store, maintenance } = await opened(0);
  await store.registerEventTypes(['t']);
  const event = { id: '1', type: 't', source: 's', key: 'k', time: null, data: null };
  await store.correlate([event], { matches: () => 'no', encode: () => sent(0) });
  expect((await maintenance.run())?.deleted).toEqual({
    received_event: 0,
    task_output: 0,
    idempotency: 0,
    command: 0,
    job: 0,
    instance: 0,
    event_buffer: 1,
  });
  expect(await store.correlate([event], { matches: () => 'no', encode: () => sent(0) })).toMatchObject({ duplicates: 1 });
});

testOutboxProbes(async () => {
  const tables = new MemoryTables(10_000);
  const { probes, gauge } = memoryDatabasesOn(tables, { eventTtlMs: 0 });
  tables.outbox.topics.add(topics.lifecycle);
  return {
    ...{ probes, gauge, topic: topics.lifecycle },
    sent: async () => tables.outbox.rows.map(({ key, payload }) => ({ key, payload: payload.toString() })),
    clear: async () => undefined,
  };
});
