/** Instances by the codes of their open incidents: what lists and jobs of every store find. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { InstanceId, TaskPath } from '../../src/core/ids.ts';
import type { CommandIssued } from '../../src/core/instance/decide/notification.ts';
import type { InstanceQueries } from '../../src/store/instance-queries.ts';
import type { JobStore } from '../../src/store/jobs.ts';
import { commandOf, newDefinition, openLab, type StoreLab, type StoreUnderTest } from '../support/store-lab.ts';

const task = { type: 'task', task: 'work' };

/** @param factory called once; the store may hold what other tests wrote. */
export function testIncidentCodes(factory: () => Promise<StoreUnderTest & { readonly jobs: JobStore }>): void {
  let queries: InstanceQueries;
  let jobs: JobStore;
  let lab: StoreLab;

  beforeAll(async () => {
    const store = await factory();
    lab = await openLab(store);
    ({ queries } = lab);
    ({ jobs } = store);
  });

  async function all(filter: Parameters<InstanceQueries['list']>[0]): Promise<readonly InstanceId[]> {
    const found: InstanceId[] = [];
    let cursor: string | null = null;
    do {
      const page: Awaited<ReturnType<InstanceQueries['list']>> = await queries.list(filter, 1, cursor);
      found.push(...page.items.map(({ instanceId }) => instanceId));
      cursor = page.nextCursor;
    } while (cursor !== null);
    return found;
  }

  describe('codes of incidents', () => {
    it('find instances, whichever node or item they are of, while they are open', async () => {
      const each = { type: 'forEach', items: '${ input.items }', body: { nodes: { work: task }, edges: [] } };
      const broken = { type: 'transform', output: '${ input.missing }' };
      const definition = newDefinition({
        nodes: { work: task, other: task, each, broken },
        edges: [{ from: 'other', to: 'broken' }],
      });
      const ids: InstanceId[] = [];
      for (let n = 0; n < 5; n++) ids.push(await lab.start(definition, { n, items: [1, 2] }));
      const [paused, item, twice, over, runs] = ids as [InstanceId, InstanceId, InstanceId, InstanceId, InstanceId];
      const find = async (incidentCode: string, filter: Parameters<InstanceQueries['list']>[0] = {}) =>
        await all({ definition: definition.id, incidentCode, ...filter });
      for (const id of [paused, twice, over]) await lab.fails(definition, id, 'work', false);
      await lab.fails(definition, item, 'each.0.work', false);
      await lab.fails(definition, item, 'each.1.work', false);
      await lab.fails(definition, runs, 'work', true);
      await lab.completes(definition, twice, 'other');
      expect(await find('BROKEN')).toEqual([over, twice, item, paused]);
      expect(await find('BROKEN', { status: 'running' })).toEqual([]);
      expect(await find('BROKEN', { status: 'incident', version: 1 })).toEqual([over, twice, item, paused]);
      expect(await find('MR_EXPRESSION_FAILED')).toEqual([twice]);
      expect(await find('BROKE')).toEqual([]);

      const command = async (id: InstanceId, given: CommandIssued['command']) => {
        const { commandId } = commandOf(id, 'retry');
        await lab.step(definition, id, { type: 'CommandIssued', commandId, by: 'ada', command: given });
      };
      await command(paused, { type: 'pause' });
      await command(over, { type: 'cancel', reason: null });
      await command(twice, { type: 'retry', path: 'work' as TaskPath });
      await command(item, { type: 'retry', path: 'each.0.work' as TaskPath });
      expect(await find('BROKEN')).toEqual([item, paused]);
      expect(await find('BROKEN', { status: 'paused' })).toEqual([paused]);
      expect(await find('MR_EXPRESSION_FAILED')).toEqual([twice]);
      await command(item, { type: 'skipNode', path: 'each.1.work' as TaskPath, attempt: 1, reason: null });
      expect(await find('BROKEN')).toEqual([paused]);
    });

    it('are asked for by jobs', async () => {
      const definition = newDefinition({ nodes: { work: task } });
      const [stands] = [await lab.start(definition, {}), await lab.start(definition, {})];
      await lab.fails(definition, stands, 'work', false);
      for (const [incidentCode, selected] of [
        ['BROKEN', 1],
        ['HTTP_503', 0],
      ] as const) {
        const filter = { definition: definition.id, incidentCode };
        expect(await jobs.preview({ operation: 'retry', toVersion: null, filter }, 10)).toMatchObject({
          ...{ selected, sample: selected === 0 ? [] : [{ instanceId: stands }] },
        });
        expect(await jobs.preview({ operation: 'resume', toVersion: null, filter }, 10)).toMatchObject({ selected: 0 });
      }
    });
  });
}
