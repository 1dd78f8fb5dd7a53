/**
 * Undoing through all the real parts: what items and nodes did is undone in reverse order, each once, also while an
 * orchestrator and a worker are killed in the middle of it.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Client } from '../../src/client/index.ts';
import { queryInstances } from '../support/database.ts';
import { TestEngine } from '../support/engine.ts';
import { eventuallyHas } from '../support/eventually.ts';

const undo = { type: 'task', task: 'e2e.slow', input: 300 };
const release = { id: 'e2e-undoing-release', nodes: { slow: undo }, output: '${ input }' };
const definition = {
  id: 'e2e-undoing',
  nodes: {
    reserve: {
      type: 'task',
      task: 'e2e.echo',
      input: 'r',
      compensation: { type: 'workflow', definition: release.id, input: { of: '${ node.output }' } },
    },
    ship: {
      type: 'forEach',
      items: [0, 1, 2],
      body: { nodes: { send: { type: 'task', task: 'e2e.echo', input: '${ item }', compensation: undo } } },
    },
    // A worker has it when the other branch fails, so it is awaited and undone.
    label: {
      type: 'task',
      task: 'e2e.slow',
      input: 1_500,
      compensation: { type: 'publish', event: 'e2e.unlabelled', key: '${ instance.id }' },
    },
    charge: { type: 'task', task: 'e2e.broken' },
  },
  edges: [
    { from: 'reserve', to: 'ship' },
    { from: 'ship', to: 'label' },
    { from: 'ship', to: 'charge' },
  ],
  onFailure: 'compensate',
};

describe('undoing on the whole stack', () => {
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await TestEngine.start({
      orchestrators: 2,
      workers: ['test/support/e2e-handlers.ts', 'test/support/e2e-handlers.ts'],
      env: { KAFKA_SESSION_TIMEOUT: '6s', MILLRACE_REDISPATCH_INTERVAL: '2s' },
    });
    for (const each of [release, definition]) await engine.deploy(each);
  }, 120_000);
  afterAll(() => engine.stop());

  test('what was done is undone in reverse order while an orchestrator and a worker are killed', async () => {
    const { client } = engine;
    const instanceIds = await Promise.all(Array.from({ length: 4 }, () => engine.startInstance(definition.id)));
    const [first = ''] = instanceIds;
    await eventuallyHas(
      () => client.instance(first),
      ({ status }) => status === 'ending' || status === 'undoing' || status === 'failed',
      { timeoutMs: 60_000, what: 'the first instance is ending' },
    );
    for (const victim of ['orchestrator-1', 'worker-1']) {
      await engine.kill(victim);
      await engine.startProcess(victim);
    }
    await eventuallyHas(
      () => queryInstances("SELECT id FROM instance WHERE id = ANY ($1::uuid[]) AND status <> 'failed'", [instanceIds]),
      (unfinished) => unfinished.length === 0,
      { timeoutMs: 150_000, intervalMs: 250, what: 'all instances have undone what they did' },
    );
    for (const instanceId of instanceIds) {
      expect(await client.instance(instanceId)).toMatchObject({ error: { code: 'BROKEN' }, ending: null, openCount: 0 });
      const { completed, undone, compensations } = await undoingOf(client, instanceId);
      expect(completed).toHaveLength(5);
      expect(undone).toEqual(completed.toReversed());
      expect(compensations).toEqual(undone.map((path) => `${path}.compensation`));
    }
    const undoers = await queryInstances('SELECT parent_id AS parent, status FROM instance WHERE parent_id = ANY ($1::uuid[]) ORDER BY 1', [
      instanceIds,
    ]);
    expect(undoers).toEqual(instanceIds.toSorted().map((parent) => ({ parent, status: 'completed' })));
    expect(await queryInstances('SELECT FROM child WHERE parent_id = ANY ($1::uuid[])', [instanceIds])).toEqual([]);
    const deadLetters = await queryInstances('SELECT code FROM dead_letter WHERE instance_id = ANY ($1::text[])', [instanceIds]);
    expect(deadLetters).toEqual([]);
  }, 240_000);

  test('a cancel shows what is awaited and how much is left, and a second one is refused', async () => {
    const { client } = engine;
    const waiting = { ...definition, id: 'e2e-undoing-cancel', nodes: { ...definition.nodes, charge: { type: 'wait', for: '1h' } } };
    await engine.deploy(waiting);
    const instanceId = await engine.startInstance(waiting.id);
    await eventuallyHas(
      () => client.instance(instanceId),
      ({ open }) => open.some(({ nodeId }) => nodeId === 'label'),
      { timeoutMs: 60_000, what: 'the label is with a worker' },
    );
    await client.cancel(instanceId, 'no longer wanted');
    const seen = await eventuallyHas(
      () => client.instance(instanceId),
      ({ ending }) => ending !== null,
      { timeoutMs: 30_000, what: 'it is ending' },
    );
    expect(seen.ending).toMatchObject({ as: 'cancelled', error: null });
    await expect(client.cancel(instanceId)).rejects.toMatchObject({ code: 'MR_ENDING' });
    await eventuallyHas(
      () => client.instance(instanceId),
      ({ status }) => status === 'cancelled',
      { timeoutMs: 60_000, what: 'it is cancelled' },
    );
    const { completed, undone } = await undoingOf(client, instanceId);
    expect(undone).toEqual(completed.toReversed());
  }, 180_000);
});

/** Paths of nodes with a compensation that completed, of those undone, and of the compensations that completed: in the order of the history. */
async function undoingOf(client: Client, instanceId: string) {
  const { items } = await client.history(instanceId, { limit: 500 });
  const pathsOf = (types: readonly string[], isMeant: (path: string) => boolean) =>
    items.flatMap(({ type, taskId }) => {
      const path = taskId?.slice(37) ?? '';
      return types.includes(type) && isMeant(path) ? [path] : [];
    });
  const isUndo = (path: string) => path.endsWith('.compensation');
  const hasUndo = (path: string) => path === 'reserve' || path === 'label' || path.endsWith('.send');
  return {
    completed: pathsOf(['TaskCompleted', 'AwaitedTaskEnded'], (path) => !isUndo(path) && hasUndo(path)),
    undone: pathsOf(['CompensationStarted'], () => true),
    compensations: pathsOf(['TaskCompleted'], isUndo),
  };
}
