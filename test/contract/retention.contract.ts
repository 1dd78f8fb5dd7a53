/** What every store must do with instances that ended long ago. */
import { uuidv7 } from 'uuidv7';
import { beforeAll, describe, expect, it } from 'vitest';
import type { InstanceId, JobId, TaskPath } from '../../src/core/ids.ts';
import { start } from '../../src/core/instance/index.ts';
import { bookAt } from '../../src/core/instance/state/scopes.ts';
import { ENDED_CHILD_MS_MIN } from '../../src/store/books.ts';
import { issued, jobCommandsOf } from '../support/job-lab.ts';
import { httpNode, newDefinition, openLab, type StoreLab, type StoreUnderTest, transitionOf } from '../support/store-lab.ts';

const working = { nodes: { work: httpNode }, edges: [] };
const HOUR_MS = 3_600_000;

/** @param factory called once; the store may hold what other tests wrote. */
export function testRetention(factory: () => Promise<StoreUnderTest>): void {
  let given: StoreUnderTest;
  let lab: StoreLab;

  beforeAll(async () => {
    given = await factory();
    lab = await openLab(given);
  });

  const maintain = (instancesMs: number | null) => given.maintain({ jobsMs: 30 * 24 * HOUR_MS, instancesMs });
  const isThere = async (id: InstanceId): Promise<boolean> => (await lab.queries.find(id)) !== null;
  const cancelled = async (definition = newDefinition(working)): Promise<InstanceId> => {
    const id = await lab.start(definition, { n: 1 });
    await lab.step(definition, id, issued({ type: 'cancel', reason: null }));
    return id;
  };

  describe('finished instances go away by policy', () => {
    it('with their history, tasks and payloads, once they ended long enough ago', async () => {
      const definition = newDefinition(working);
      const [old, young, running] = [await cancelled(definition), await cancelled(definition), await lab.start(definition)];
      await given.ageInstance(old, 2 * HOUR_MS);
      expect((await maintain(HOUR_MS)).instance).toBeGreaterThanOrEqual(1);
      expect(await isThere(old)).toBe(false);
      expect(await lab.queries.fullHistory(old)).toEqual([]);
      expect((await lab.queries.tasks(old, 10, null)).items).toEqual([]);
      expect([await isThere(young), await isThere(running)]).toEqual([true, true]);
      expect((await lab.queries.list({ definition: definition.id }, 10, null)).items).toHaveLength(2);
    });

    it('and stay for ever where there is none', async () => {
      const id = await cancelled();
      await given.ageInstance(id, 10_000 * HOUR_MS);
      expect((await maintain(null)).instance).toBe(0);
      expect(await isThere(id)).toBe(true);
    });

    it('and stay while they have a child in their books, whose end they have not heard', async () => {
      const definition = newDefinition({ nodes: { n: { type: 'workflow', definition: 'ship', input: {} } } });
      const id = await lab.start(definition);
      const childId = bookAt((await lab.stored(id)).state, 'n' as TaskPath)?.childId ?? ('' as InstanceId);
      await lab.step(definition, id, issued({ type: 'cancel', reason: null }));
      await given.ageInstance(id, 2 * HOUR_MS);
      await maintain(HOUR_MS);
      expect(await isThere(id)).toBe(true);
      const parent = { kind: 'instance', instanceId: id, path: 'n' as TaskPath, attempt: 1 } as const;
      await lab.step(definition, id, { type: 'ChildEnd', childId, parent, result: { status: 'cancelled' } });
      await given.ageInstance(id, 2 * HOUR_MS);
      await maintain(HOUR_MS);
      expect(await isThere(id)).toBe(false);
    });

    it('and stay for thirty days at least where they are children, since their start may come back', async () => {
      const definition = newDefinition(working);
      const id = uuidv7() as InstanceId;
      const parent = { kind: 'instance', instanceId: uuidv7() as InstanceId, path: 'n' as TaskPath, attempt: 1 } as const;
      const command = { instanceId: id, input: {}, businessKey: null, by: 'parent', cause: 'n/0@1' };
      const child = { parent, depth: 1, detached: false, number: 1, isPaused: false };
      const started = start(definition, { ...command, child }, await lab.store.now());
      if (!started.ok) throw new Error('the start was refused');
      await lab.store.start([{ transition: transitionOf(id, null, 0, started.value), idempotency: null }]);
      await lab.step(definition, id, issued({ type: 'cancel', reason: null }));
      await given.ageInstance(id, 2 * HOUR_MS);
      await maintain(HOUR_MS);
      expect(await isThere(id)).toBe(true);
      await given.ageInstance(id, ENDED_CHILD_MS_MIN);
      await maintain(HOUR_MS);
      expect(await isThere(id)).toBe(false);
    });

    it('and leave the keys of their starts and the results of jobs, which have an age of their own', async () => {
      const definition = newDefinition(working);
      const key = uuidv7();
      const first = await lab.decideStart(definition, {}, { key });
      await lab.store.start([first]);
      const { instanceId } = first.transition;
      const created = await given.jobs.create(
        {
          ...{
            jobId: uuidv7() as JobId,
            operation: 'pause',
            toVersion: null,
            filter: { definition: definition.id },
            reason: null,
            by: 'ada',
          },
          ...{ rate: 100, canary: null, maxFailures: null },
        },
        null,
      );
      if (created.kind !== 'created') throw new Error(created.kind);
      while ((await given.jobs.advance(jobCommandsOf)).advanced !== null);
      await lab.step(definition, instanceId, issued({ type: 'cancel', reason: null }));
      await given.ageInstance(instanceId, 2 * HOUR_MS);
      await maintain(HOUR_MS);
      expect(await isThere(instanceId)).toBe(false);
      const again = await lab.decideStart(definition, {}, { key });
      expect(await lab.store.start([again])).toMatchObject([{ kind: 'repeated', instanceId }]);
      expect((await given.jobs.results(created.job.jobId, null, 10, null)).items).toMatchObject([{ instanceId }]);
    });
  });
}
