/** What every store must show of an instance whose data holds what Postgres cannot take apart. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { TaskPath } from '../../src/core/ids.ts';
import { taskAt } from '../../src/core/instance/state/scopes.ts';
import type { InstanceQueries, InstanceView } from '../../src/store/instance-queries.ts';
import { listedBytesMax } from '../../src/store/page-limits.ts';
import { newDefinition, openLab, type StoreLab, type StoreUnderTest } from '../support/store-lab.ts';

/** @param factory called once; the store may hold what other tests wrote. */
export function testOddData(factory: () => Promise<StoreUnderTest>): void {
  let queries: InstanceQueries;
  let lab: StoreLab;

  beforeAll(async () => {
    lab = await openLab(await factory());
    queries = lab.queries;
  });

  const task = { type: 'task', task: 'work', input: '${ input }' };
  const itemsIn = (view: InstanceView | null) => {
    const found = view === null ? undefined : taskAt(view.state, 'loop' as TaskPath);
    return found?.type === 'forEach' && found.status === 'open' ? found.items : null;
  };

  describe('an instance with odd data', () => {
    it('is shown with all of it: U+0000, half of a surrogate pair, what looks like an escape', async () => {
      const odd = ['a\u0000b\u0000\u0000', '\ud800', '\\u0000', '\\\\\u0000\\', '\u0007"\\\\u', '🦆'];
      const body = { nodes: { each: { type: 'task', task: 'work', input: '${ item }' } } };
      const loop = { type: 'forEach', items: '${ input.odd }', body };
      const definition = newDefinition({ vars: { kept: '${ input.odd }' }, nodes: { loop, work: task }, edges: [] });
      const id = await lab.start(definition, { odd });
      await lab.completes(definition, id, 'work', { odd });
      const shown = await queries.get(id);
      expect(shown?.state).toMatchObject({ input: { odd }, vars: { kept: odd } });
      expect(itemsIn(shown)).toHaveLength(odd.length);
      const whole = await queries.getWhole(id);
      expect(itemsIn(whole)).toEqual(odd);
      expect(whole?.state).toEqual((await lab.stored(id)).state);
      expect(await queries.find(id)).toMatchObject({ seq: whole?.state.seq });
      expect((await queries.history(id, 0, 500)).entries).toEqual(await queries.fullHistory(id));
      expect(await queries.task(id, 'work' as TaskPath)).toMatchObject({ input: { odd }, output: { odd } });
      const { items } = await queries.tasks(id, 50, null);
      const ofItems = items.filter(({ nodeId }) => nodeId === 'loop/each').map(({ input }) => input);
      expect(ofItems.toSorted()).toEqual(odd.toSorted());
      expect(items.find(({ path }) => path === 'work')).toMatchObject({ input: { odd }, output: { odd }, omitted: [] });
    });

    it('is measured as it is stored', async () => {
      const definition = newDefinition({ nodes: { work: task }, edges: [] });
      // Each character is six bytes of JSON, and eight are around them.
      const n = '\u0000'.repeat(Math.floor((listedBytesMax - 8) / 6));
      const small = await lab.start(definition, { n });
      expect((await queries.tasks(small, 10, null)).items).toMatchObject([{ input: { n }, omitted: [] }]);
      const large = await lab.start(definition, { n: `${n}\u0000` });
      expect((await queries.tasks(large, 10, null)).items).toMatchObject([{ input: null, omitted: ['input'] }]);
    });
  });
}
