/** What every store must do with outputs that are too large for a record. */
import { beforeAll, describe, expect, it } from 'vitest';
import { sha256Hex } from '../../src/core/hash.ts';
import type { Basis, InstanceId, TaskPath } from '../../src/core/ids.ts';
import { partitionOf } from '../../src/messaging/partition.ts';
import { outputKeyText, outputsOfAttemptMax, type TaskOutputKey } from '../../src/store/task-outputs.ts';
import { issued } from '../support/job-lab.ts';
import { httpNode, newDefinition, openLab, PARTITIONS, type StoreLab, type StoreUnderTest } from '../support/store-lab.ts';

const definition = newDefinition({ nodes: { work: httpNode }, edges: [] });

/** @param factory called once; the store may hold what other tests wrote. */
export function testTaskOutputs(factory: () => Promise<StoreUnderTest>): void {
  let given: StoreUnderTest;
  let lab: StoreLab;

  beforeAll(async () => {
    given = await factory();
    lab = await openLab(given);
  });

  const keep = (key: TaskOutputKey, output: string) => lab.store.keepOutput(partitionOf(key.instanceId, PARTITIONS), key, output);
  const kept = async (...keys: readonly TaskOutputKey[]): Promise<readonly (string | undefined)[]> => {
    const found = await lab.store.keptOutputs(0, keys);
    return keys.map((key) => found.get(outputKeyText(key)));
  };
  const maintain = () => given.maintain({ jobsMs: 86_400_000, instancesMs: null });

  function keyOf(instanceId: InstanceId, output: string, more: Partial<TaskOutputKey> = {}): TaskOutputKey {
    return { instanceId, path: 'work' as TaskPath, attempt: 1, basis: 'b' as Basis, sha256: sha256Hex(output), ...more };
  }

  describe('An output that is too large for a record', () => {
    it('is kept as it was given, once, until it is removed', async () => {
      const output = `{ "text" : "${'ü\\u0000'.repeat(100_000)}" }`;
      const key = keyOf(await lab.start(definition), output);
      expect([await keep(key, output), await keep(key, output)]).toEqual(['kept', 'kept']);
      expect(await kept(key)).toEqual([output]);
      await lab.store.removeOutputs(0, [key]);
      expect(await kept(key)).toEqual([undefined]);
      await lab.store.removeOutputs(0, [key]);
    });

    it('is that of one task, attempt, basis and hash', async () => {
      const [id, other] = [await lab.start(definition), await lab.start(definition)];
      const key = keyOf(id, '1');
      await keep(key, '1');
      expect(
        await kept(
          key,
          { ...key, instanceId: other },
          { ...key, path: 'other' as TaskPath },
          { ...key, attempt: 2 },
          { ...key, basis: 'other' as Basis },
          keyOf(id, '2'),
        ),
      ).toEqual(['1', undefined, undefined, undefined, undefined, undefined]);
      await lab.store.removeOutputs(0, [keyOf(id, '2')]);
      expect(await kept(key)).toEqual(['1']);
    });

    it('is not kept where its task is not there, or its attempt is not with a worker', async () => {
      const id = await lab.start(definition);
      expect(await keep(keyOf(id, '1', { path: 'other' as TaskPath }), '1')).toBe('unknown');
      expect(await keep(keyOf(id, '1', { attempt: 2 }), '1')).toBe('notOpen');
      await lab.fails(definition, id, 'work');
      expect(await keep(keyOf(id, '1'), '1')).toBe('notOpen');
      expect(await kept(keyOf(id, '1'))).toEqual([undefined]);
    });

    it('is one of a few of its attempt', async () => {
      const id = await lab.start(definition);
      const outputs = Array.from({ length: outputsOfAttemptMax }, (_, n) => String(n));
      for (const output of outputs) expect(await keep(keyOf(id, output), output)).toBe('kept');
      expect(await keep(keyOf(id, 'one more'), 'one more')).toBe('full');
      expect(await keep(keyOf(id, '0'), '0')).toBe('kept');
      expect(await kept(keyOf(id, 'one more'))).toEqual([undefined]);
    });

    it('stays while its attempt is open, and goes by maintenance afterwards', async () => {
      const [open, failed, ended] = [await lab.start(definition), await lab.start(definition), await lab.start(definition)];
      for (const id of [open, failed, ended]) await keep(keyOf(id, '1'), '1');
      await lab.fails(definition, failed, 'work');
      await lab.step(definition, ended, issued({ type: 'cancel', reason: null }));
      expect((await maintain()).task_output).toBeGreaterThanOrEqual(2);
      expect(await kept(keyOf(open, '1'), keyOf(failed, '1'), keyOf(ended, '1'))).toEqual(['1', undefined, undefined]);
      expect((await maintain()).task_output).toBe(0);
    });
  });
}
