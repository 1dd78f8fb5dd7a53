/** Children through all the real parts: asked for, held, cancelled and retried by messages alone, also while orchestrators die. */
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
      concurrency: 10,
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

const ITEMS = 40;
const items = Array.from({ length: ITEMS }, (_, index) => index);

describe('children on the whole stack', () => {
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await TestEngine.start({ orchestrators: 2, workers: ['test/support/e2e-handlers.ts'], env: { KAFKA_SESSION_TIMEOUT: '6s' } });
    for (const definition of [leaf, wide, asking, middle, top]) await engine.deploy(definition);
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
    expect(await engine.cli('verify')).toContain('no difference');
  }, 240_000);
});
