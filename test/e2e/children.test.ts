/**
 * What starts instances by itself, through all the real parts, also while orchestrators die: children, asked for, held, cancelled and
 * retried by messages alone; events and schedules.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { queryInstances } from '../support/database.ts';
import { TestEngine } from '../support/engine.ts';
import { eventuallyHas } from '../support/eventually.ts';

const leaf = {
  id: 'e2e-child-leaf',
  nodes: { work: { type: 'task', task: 'e2e.echo', input: '${ input.n }' } },
  output: '${ nodes.work.output }',
};
const wide = {
  id: 'e2e-child-wide',
  nodes: {
    each: {
      type: 'forEach',
      items: '${ input.items }',
      concurrency: 100,
      workflow: { definition: leaf.id, input: { n: '${ item }' } },
    },
  },
  output: '${ nodes.each.output }',
};
const asking = {
  id: 'e2e-child-asking',
  nodes: {
    ask: { type: 'human', title: 'Go on?', assignees: { roles: ['boss'] } },
    next: { type: 'transform', output: '${ input.missing }' },
  },
  edges: [
    { from: 'ask', to: 'next', when: 'nodes.ask.output.fails' },
    { from: 'ask', to: null, otherwise: true },
  ],
  output: '${ nodes.ask.output }',
};
const down = (definition: string) => ({
  nodes: { down: { type: 'workflow', definition } },
  output: '${ nodes.down.output }',
  onFailure: 'fail',
});
const middle = { id: 'e2e-child-middle', ...down(asking.id) };
const top = { id: 'e2e-child-top', ...down(middle.id) };

const quick = { nodes: { n: { type: 'transform', output: 1 } }, onFailure: 'fail' };
const born = ['e2e-born-a', 'e2e-born-b'].map((id) => ({
  ...{ id, ...quick },
  triggers: [{ name: 'came', event: 'e2e.born', key: '${ event.id }' }],
}));
const ticks = ['skip', 'queue', 'allow'].flatMap((overlap) => [1, 2, 3, 4].map((n) => ({ name: `${overlap}-${n}`, overlap })));
const ticking = {
  ...{ id: 'e2e-ticking', ...quick },
  triggers: ticks.map(({ name, overlap }) => ({ name, schedule: { cron: '* * * * *', overlap } })),
};

/** Ten times as many as may run at once. */
const ITEMS = 1_000;
const items = Array.from({ length: ITEMS }, (_, index) => index);

describe('children on the whole stack', () => {
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await TestEngine.start({ orchestrators: 2, workers: ['test/support/e2e-handlers.ts'], env: { KAFKA_SESSION_TIMEOUT: '6s' } });
    for (const definition of [leaf, wide, asking, middle, top, ...born]) await engine.deploy(definition);
  }, 180_000);
  afterAll(() => engine.stop());

  const ends = async (instanceId: string, status: string, timeoutMs = 120_000) =>
    await eventuallyHas(
      () => engine.client.instance(instanceId),
      (instance) => instance.status === status,
      { timeoutMs, intervalMs: 250, what: `${instanceId} is ${status}` },
    );
  /** Parent, child and grandchild, once all are there. */
  const family = async (): Promise<readonly [string, string, string]> => {
    const root = await engine.startInstance(top.id);
    const childOf = async (parent: string): Promise<string> => {
      const { items: found } = await eventuallyHas(
        () => engine.client.instances({ parent }),
        ({ items: all }) => all.length === 1,
      );
      return found[0]?.instanceId ?? '';
    };
    const child = await childOf(root);
    return [root, child, await childOf(child)];
  };
  const askedOf = async (instanceId: string): Promise<string> => {
    const { items: open } = await eventuallyHas(
      () => engine.client.inbox({ instanceId }),
      ({ items: all }) => all.length === 1,
    );
    return open[0]?.taskId ?? '';
  };

  test('a child for each item runs in its own partition, also while an orchestrator is killed', async () => {
    const instanceId = await engine.startInstance(wide.id, { items });
    await engine.kill('orchestrator-1');
    await engine.startProcess('orchestrator-1');
    expect((await ends(instanceId, 'completed', 240_000)).output).toEqual(items);
    const children = await queryInstances<{ id: string; partition: number }>('SELECT id, partition FROM instance WHERE parent_id = $1', [
      instanceId,
    ]);
    expect(children).toHaveLength(ITEMS);
    expect(new Set(children.map(({ partition }) => partition)).size).toBeGreaterThan(1);
    expect(await queryInstances('SELECT FROM child WHERE parent_id = $1', [instanceId])).toEqual([]);
    const all = [instanceId, ...children.map(({ id }) => id)];
    const deadLetters = await queryInstances('SELECT code FROM dead_letter WHERE instance_id = ANY ($1::text[])', [all]);
    expect(deadLetters).toEqual([]);
  }, 300_000);

  test('events and schedules start each instance once and lose none, while one orchestrator after another is killed', async () => {
    const ids = Array.from({ length: 40 }, (_, n) => `born-${n}`);
    const send = (some: readonly string[], more: string) =>
      Promise.all(some.map((key) => engine.client.sendEvent({ type: 'e2e.born', key, source: 'e2e', id: `${key}${more}` })));
    const due = async () => {
      for (const { name } of ticks)
        await queryInstances("UPDATE schedule SET next_at = date_trunc('minute', now()) WHERE definition_id = $1 AND name = $2", [
          ticking.id,
          name,
        ]);
    };
    await engine.deploy(ticking);
    // The second time all that came before comes again, to whoever has the partitions now.
    for (const [victim, some] of [
      ['orchestrator-1', ids.slice(20)],
      ['orchestrator-2', ids],
    ] as const) {
      const [sending, ticked] = [send(some, ''), due()];
      await engine.kill(victim);
      await Promise.all([sending, ticked, engine.startProcess(victim)]);
    }
    // In their partitions these come after all that could start something twice.
    await send(ids, '-last');
    const expected = born.flatMap(({ id }) => ids.flatMap((key) => [`${id} ${key} 1`, `${id} ${key}-last 1`])).sort();
    await eventuallyHas(
      () => startsOf(born.map(({ id }) => id)),
      (found) => found.length >= expected.length,
      { timeoutMs: 60_000, intervalMs: 250 },
    );
    expect(await startsOf(born.map(({ id }) => id))).toEqual(expected);

    // Nothing is left to run, and no run is taken for one that goes on.
    await eventuallyHas(
      () =>
        queryInstances("SELECT FROM schedule WHERE definition_id = $1 AND (next_at <= now() OR running_id IS NOT NULL OR queued <> '{}')", [
          ticking.id,
        ]),
      (busy) => busy.length === 0,
    );
    const causes = await queryInstances<{ cause: string }>(
      "SELECT h.entries -> 0 ->> 'cause' AS cause FROM history h JOIN instance i ON i.id = h.instance_id WHERE i.definition_id = $1 AND h.first_seq = 1",
      [ticking.id],
    );
    const named = causes.map(({ cause }) => cause);
    expect(new Set(named).size).toBe(named.length);
    expect([...new Set(named.map((cause) => cause.replace(/^schedule:|@.*/g, '')))].sort()).toEqual(ticks.map(({ name }) => name).sort());
    await engine.deploy({ ...ticking, triggers: [] });
  }, 120_000);

  test('a tree is paused and resumed from its root, and each names the other', async () => {
    const { client } = engine;
    const [root, child, grandchild] = await family();
    expect(await client.instance(child)).toMatchObject({ parent: { kind: 'instance', instanceId: root, taskId: `${root}.down` } });
    expect((await client.instance(root)).open).toMatchObject([{ waitingFor: { kind: 'child', instanceId: child } }]);
    await client.pause(root);
    for (const id of [root, child, grandchild]) await ends(id, 'paused');
    await client.resume(root);
    for (const id of [root, child, grandchild]) await ends(id, 'running');
    await client.complete(await askedOf(grandchild), { fails: false }, { assignee: 'ada' });
    expect((await ends(root, 'completed')).output).toEqual({ fails: false });
  }, 240_000);

  test('a tree is cancelled from its root', async () => {
    const all = await family();
    await engine.client.cancel(all[0], 'enough');
    for (const id of all) await ends(id, 'cancelled');
    await eventuallyHas(
      () => engine.client.instance(all[0]),
      ({ awaitedChildren }) => awaitedChildren === 0,
    );
  }, 240_000);

  test('a failure of the leaf is passed up to the root', async () => {
    const { client } = engine;
    const [root, child, grandchild] = await family();
    await client.complete(await askedOf(grandchild), { fails: true }, { assignee: 'ada' });
    await ends(grandchild, 'incident');
    await client.cancel(grandchild);
    for (const id of [child, root]) expect((await ends(id, 'failed')).error).toMatchObject({ code: 'CHILD_CANCELLED' });
  }, 240_000);

  test('a retry of the root goes on at the leaf that failed', async () => {
    const { client } = engine;
    const [root, , grandchild] = await family();
    await client.complete(await askedOf(grandchild), { fails: true }, { assignee: 'ada' });
    await ends(grandchild, 'incident');
    const before = (await client.history(grandchild)).items.length;
    await client.retry(root);
    await eventuallyHas(
      () => client.history(grandchild),
      ({ items: history }) => history.length > before && history.some(({ type }) => type === 'IncidentResolved'),
    );
    await client.cancel(root);
    await ends(grandchild, 'cancelled');
  }, 240_000);
});

/** Each instance by its definition and business key, with how many there are of it. */
async function startsOf(definitions: readonly string[]): Promise<readonly string[]> {
  const rows = await queryInstances<{ start: string }>(
    "SELECT definition_id || ' ' || business_key || ' ' || count(*) AS start FROM instance WHERE definition_id = ANY ($1::text[]) GROUP BY definition_id, business_key",
    [definitions],
  );
  return rows.map(({ start }) => start).sort();
}
