/**
 * Loops through all the real parts: items beside each other and in each other, rounds with a delay, people and events in
 * bodies; also while processes die. Their tasks have ids, inbox rows, waits and timers like all others.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { queryInstances } from '../support/database.ts';
import { TestEngine } from '../support/engine.ts';
import { eventuallyHas } from '../support/eventually.ts';

const definition = {
  id: 'e2e-loops',
  nodes: {
    order: {
      type: 'forEach',
      items: '${ input.orders }',
      as: 'order',
      concurrency: 3,
      body: {
        nodes: {
          parts: {
            type: 'forEach',
            items: '${ order.parts }',
            body: { nodes: { ship: { type: 'task', task: 'e2e.echo', input: '${ item }' } }, output: '${ nodes.ship.output }' },
          },
          look: { type: 'human', title: 'Look at ${ order.name }', assignees: { roles: ['packer'] } },
          paid: { type: 'event', event: 'e2e.loops.paid', key: "${ instance.id + '/' + order.name }" },
        },
        edges: [
          { from: 'parts', to: 'look' },
          { from: 'look', to: 'paid' },
        ],
        output: { parts: '${ nodes.parts.output }', seen: '${ nodes.look.output.seen }', paid: '${ nodes.paid.output.data }' },
      },
    },
    poll: {
      type: 'repeat',
      until: 'last == 2',
      delay: '50ms',
      body: { nodes: { ask: { type: 'task', task: 'e2e.echo', input: '${ index }' } }, output: '${ nodes.ask.output }' },
    },
  },
  edges: [{ from: 'order', to: 'poll' }],
  output: { orders: '${ nodes.order.output }', last: '${ nodes.poll.output }' },
};

const ORDERS = 5;
const orders = Array.from({ length: ORDERS }, (_, index) => ({ name: `o${index}`, parts: [`${index}a`, `${index}b`] }));
const expected = {
  orders: orders.map(({ name, parts }) => ({ parts, seen: name, paid: { of: name } })),
  last: 2,
};

/** Loops and waits that end before all of their items, rounds or events. */
const early = {
  id: 'e2e-loop-ends',
  nodes: {
    enough: {
      type: 'forEach',
      items: ['a', 'b', 'c', 'd'],
      atLeast: 2,
      body: { nodes: { paid: { type: 'event', event: 'e2e.ends.paid', key: "${ instance.id + '/' + item }" } }, output: '${ item }' },
    },
    search: {
      type: 'forEach',
      items: ['a', 'b', 'c'],
      concurrency: 1,
      until: "results[index] == 'b'",
      body: { nodes: { ask: { type: 'task', task: 'e2e.echo', input: '${ item }' } }, output: '${ nodes.ask.output }' },
    },
    late: {
      type: 'forEach',
      items: ['a', 'b'],
      timeout: '2s',
      body: { nodes: { never: { type: 'event', event: 'e2e.ends.never', key: "${ instance.id + '/' + item }" } } },
    },
    stuck: {
      type: 'repeat',
      until: 'last',
      timeout: '2s',
      body: { nodes: { never: { type: 'event', event: 'e2e.ends.never', key: '${ instance.id }' } }, output: false },
    },
    long: {
      type: 'repeat',
      until: 'index >= 1200',
      max: 10_000,
      body: { nodes: { count: { type: 'transform', output: '${ last == null ? 1 : last + 1 }' } }, output: '${ nodes.count.output }' },
    },
    some: { type: 'event', event: 'e2e.ends.vote', key: '${ instance.id }', count: 3, timeout: '4s', onTimeout: 'take' },
    after: { type: 'transform', output: '${ nodes.late.error.code + nodes.stuck.error.code }' },
  },
  edges: [
    { from: 'late', to: 'after', on: 'timedOut' },
    { from: 'stuck', to: 'after', on: 'timedOut' },
  ],
  output: {
    enough: '${ nodes.enough.output }',
    search: '${ nodes.search.output }',
    after: '${ nodes.after.output }',
    long: '${ nodes.long.output }',
    some: '${ nodes.some.output.map(vote, vote.data) }',
  },
};

describe('loops on the whole stack', () => {
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await TestEngine.start({
      orchestrators: 2,
      workers: ['test/support/e2e-handlers.ts', 'test/support/e2e-handlers.ts'],
      env: { KAFKA_SESSION_TIMEOUT: '6s' },
    });
    await engine.deploy(definition);
    await engine.deploy(early);
  }, 120_000);
  afterAll(() => engine.stop());

  test('items, rounds, people and events in bodies end as the definition says', async () => {
    const { client } = engine;
    const instanceId = await engine.startInstance(definition.id, { orders });
    // Three items run at a time, and each waits for its person.
    const first = await inboxOf(engine, instanceId, 3);
    expect(first.map(({ taskId, title }) => ({ taskId, title }))).toEqual(
      [0, 1, 2].map((index) => ({ taskId: `${instanceId}.order.${index}.look`, title: `Look at o${index}` })),
    );
    const [look] = first;
    expect(await client.task(look?.taskId ?? '')).toMatchObject({ nodeId: 'order/look', type: 'human', status: 'open' });
    await client.claim(look?.taskId ?? '', { assignee: 'ada' });
    await finish(engine, [instanceId]);
    expect(await client.instance(instanceId)).toMatchObject({ status: 'completed', output: expected, openCount: 0 });
    const rows = await queryInstances<{ path: string; status: string }>(
      'SELECT path, status FROM task WHERE instance_id = $1 AND (path = ANY ($2) OR path ~ $3) ORDER BY path COLLATE "C"',
      [instanceId, ['order', 'poll'], '^poll[.]'],
    );
    const completed = ['order', 'poll', 'poll.0.ask', 'poll.1.ask', 'poll.2.ask'].map((path) => ({ path, status: 'completed' }));
    expect(rows).toEqual(completed);
    expect(await leftOf([instanceId])).toEqual({ scopes: 0, timers: 0, subscriptions: 0, people: 0 });
  }, 180_000);

  test('loops and waits that end early do so, also while an orchestrator is killed', async () => {
    const { client } = engine;
    const instanceIds = await Promise.all(Array.from({ length: 4 }, () => engine.startInstance(early.id, {})));
    for (const id of instanceIds) {
      for (const item of ['d', 'b'])
        await client.sendEvent({ id: `${id}/${item}`, type: 'e2e.ends.paid', source: 'test', key: `${id}/${item}` });
      await client.sendEvent({ id: `${id}/vote`, type: 'e2e.ends.vote', source: 'test', key: id, data: 'yes' });
    }
    await engine.kill('orchestrator-2');
    await engine.startProcess('orchestrator-2');
    await eventuallyHas(
      () => queryInstances("SELECT id FROM instance WHERE id = ANY ($1::uuid[]) AND status <> 'completed'", [instanceIds]),
      (unfinished) => unfinished.length === 0,
      { timeoutMs: 120_000, intervalMs: 250, what: 'all have ended early' },
    );
    const enough = [null, 'b', null, 'd'];
    const output = { enough, search: ['a', 'b', null], after: 'TIMEOUTTIMEOUT', long: 1_201, some: ['yes'] };
    for (const id of instanceIds) expect((await client.instance(id)).output).toEqual(output);
    expect(await leftOf(instanceIds)).toEqual({ scopes: 0, timers: 0, subscriptions: 0, people: 0 });
  }, 240_000);

  test('an orchestrator and a worker that are killed change nothing but time', async () => {
    const started = Array.from({ length: 6 }, () => engine.startInstance(definition.id, { orders }));
    const instanceIds = await Promise.all(started);
    const ending = finish(engine, instanceIds);
    for (const victim of ['orchestrator-1', 'worker-1']) {
      await engine.kill(victim);
      await engine.startProcess(victim);
    }
    await ending;
    for (const instanceId of instanceIds) expect((await engine.client.instance(instanceId)).output).toEqual(expected);
    expect(await leftOf(instanceIds)).toEqual({ scopes: 0, timers: 0, subscriptions: 0, people: 0 });
    const deadLetters = await queryInstances('SELECT code FROM dead_letter WHERE instance_id = ANY ($1::text[])', [instanceIds]);
    expect(deadLetters).toEqual([]);
  }, 240_000);
});

async function inboxOf(engine: TestEngine, instanceId: string, count: number) {
  const { items } = await eventuallyHas(
    () => engine.client.inbox({ instanceId }),
    ({ items: open }) => open.length === count,
  );
  return items.toSorted((a, b) => (a.taskId < b.taskId ? -1 : 1));
}

/** Pays every order, and completes what people are asked, until all instances have completed. */
async function finish(engine: TestEngine, instanceIds: readonly string[]): Promise<void> {
  const { client } = engine;
  for (const instanceId of instanceIds) {
    for (const { name } of orders) {
      const id = `${instanceId}/${name}`;
      await client.sendEvent({ id, type: 'e2e.loops.paid', source: 'test', key: id, data: { of: name } });
    }
  }
  const answered = new Set<string>();
  await eventuallyHas(
    async () => {
      for (const instanceId of instanceIds) {
        for (const { taskId, title } of (await client.inbox({ instanceId })).items) {
          if (answered.has(taskId)) continue;
          await client.complete(taskId, { seen: title.slice('Look at '.length) }, { assignee: 'ada' });
          answered.add(taskId);
        }
      }
      return await queryInstances<{ id: string }>("SELECT id FROM instance WHERE id = ANY ($1::uuid[]) AND status <> 'completed'", [
        instanceIds,
      ]);
    },
    (unfinished) => unfinished.length === 0,
    { timeoutMs: 150_000, intervalMs: 250, what: 'all loops completed' },
  );
}

async function leftOf(instanceIds: readonly string[]) {
  const [left] = await queryInstances(
    `SELECT (SELECT count(*)::int FROM scope WHERE instance_id = ANY ($1::uuid[])) AS scopes,
      (SELECT count(*)::int FROM timer WHERE instance_id = ANY ($1::uuid[])) AS timers,
      (SELECT count(*)::int FROM subscription WHERE instance_id = ANY ($1::uuid[])) AS subscriptions,
      (SELECT count(*)::int FROM human_task WHERE instance_id = ANY ($1::uuid[])) AS people`,
    [instanceIds],
  );
  return left;
}
