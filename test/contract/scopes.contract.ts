/** What every instance store must do with the scopes of loops: write those that change, and give those that are asked for. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { InstanceId, ScopePath, TaskPath } from '../../src/core/ids.ts';
import { fold } from '../../src/core/instance/index.ts';
import { rootPath } from '../../src/core/instance/state/scopes.ts';
import type { InstanceState } from '../../src/core/instance/state/state.ts';
import { newDefinition, openLab, type StoreLab, type StoreUnderTest } from '../support/store-lab.ts';

const scope = (path: string) => path as ScopePath;
const task = { type: 'task', task: 'work' };

/** @param factory called once; the store may hold what other tests wrote. */
export function testScopes(factory: () => Promise<StoreUnderTest>): void {
  let lab: StoreLab;

  beforeAll(async () => {
    lab = await openLab(await factory());
  });

  describe('scopes', () => {
    const orders = [[1, 2], [3], [4, 5, 6]];
    const line = { nodes: { ship: task, check: task }, edges: [{ from: 'ship', to: 'check' }] };
    const nested = () =>
      newDefinition({
        nodes: {
          order: {
            type: 'forEach',
            items: '${ input.orders }',
            body: { nodes: { line: { type: 'forEach', items: '${ item }', body: line } } },
          },
          order2: task,
        },
        edges: [],
      });
    const startNested = async (): Promise<{ readonly definition: ReturnType<typeof nested>; readonly id: InstanceId }> => {
      const definition = nested();
      return { definition, id: await lab.start(definition, { orders }) };
    };
    const load = async (id: InstanceId, ...scopes: readonly string[]) => {
      const found = (await lab.store.load(0, [{ instanceId: id, scopes: scopes.map(scope) }])).get(id);
      if (found === undefined) throw new Error('no instance');
      return found;
    };
    const pathsOf = ({ scopes }: InstanceState) => Object.keys(scopes).sort();

    it('come with the instance as they are wanted, with those around them', async () => {
      const { id } = await startNested();
      const whole = await lab.stateOf(id);
      expect(whole.partial).toBeUndefined();
      expect(pathsOf(whole)).toHaveLength(1 + 3 + 6);
      const root = await load(id);
      expect(pathsOf(root.state)).toEqual(['']);
      expect(root.state.partial).toEqual({ absent: [], whole: [] });
      const { state, version } = await load(id, 'order.0.line.1', 'order.9');
      expect(pathsOf(state)).toEqual(['', 'order.0', 'order.0.line.1']);
      expect(state.partial).toEqual({ absent: ['order.9'], whole: [] });
      for (const path of pathsOf(state).map(scope)) expect(state.scopes[path]).toEqual(whole.scopes[path]);
      const more = await lab.store.loadScopes(0, id, version, { paths: [scope('order.2.line.0')], below: null });
      expect(more?.map(({ path }) => path).sort()).toEqual(['order.2', 'order.2.line.0']);
      const below = await lab.store.loadScopes(0, id, version, { paths: [], below: 'order.0.line' as TaskPath });
      expect(below?.map(({ path }) => path).sort()).toEqual(['order.0.line.0', 'order.0.line.1']);
      const all = await lab.store.loadScopes(0, id, version, { paths: [], below: '' });
      expect(Object.fromEntries((all ?? []).map((each) => [each.path, each]))).toEqual(
        Object.fromEntries(Object.entries(whole.scopes).filter(([path]) => path !== rootPath)),
      );
    });

    it('are of one version with their instance, or not given', async () => {
      const { definition, id } = await startNested();
      const { version } = await load(id);
      await lab.completes(definition, id, 'order.0.line.0.ship');
      expect(await lab.store.loadScopes(0, id, version, { paths: [], below: '' })).toBeNull();
      expect(await lab.store.loadScopes(0, id, version + 1, { paths: [scope('order.9')], below: null })).toEqual([]);
    });

    it('say nothing of an instance that has none but its own', async () => {
      const id = await lab.start(newDefinition({ nodes: { work: task }, edges: [] }));
      expect((await load(id)).state.partial).toBeUndefined();
    });

    it('are the same whether a step was decided on all of them or on those that it needs', async () => {
      const { definition, id } = await startNested();
      for (let round = 0; round < 2; round++) {
        for (const order of [0, 1, 2]) {
          for (let item = 0; item < (orders[order]?.length ?? 0); item++) {
            const path = `order.${order}.line.${item}.${round === 0 ? 'ship' : 'check'}`;
            await lab.completesOnPart(definition, id, path, { order, item, round });
          }
        }
      }
      const state = await lab.completesOnPart(definition, id, 'order2', null);
      expect(state.phase).toBe('completed');
      expect(pathsOf(state)).toEqual(['']);
      expect(fold(id, await lab.queries.fullHistory(id))).toEqual(state);
      expect(await lab.queries.task(id, 'order.2.line.2.check' as TaskPath)).toMatchObject({
        status: 'completed',
        output: { order: 2, item: 2, round: 1 },
      });
    });
  });
}
