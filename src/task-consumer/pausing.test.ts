import { describe, expect, it } from 'vitest';
import { eventually } from '../../test/support/eventually.ts';
import type { Json } from '../core/json.ts';
import { schemaTexts } from '../messaging/generated/records.ts';
import { defineTask } from '../worker/index.ts';
import { scheduled, WorkerFixture } from './testing/fixture.ts';

function manual() {
  const runs: { end(output?: Json): void }[] = [];
  const task = defineTask({
    name: 'manual',
    run: () => {
      const { promise, resolve } = Promise.withResolvers<Json>();
      runs.push({ end: (output = null) => resolve(output) });
      return promise;
    },
  });
  return { task, runs };
}

const given = (n: number) => scheduled({ n, task: 'manual' });

describe('A worker whose queue is paused', () => {
  it('ends what runs, sends and commits its outcome, and begins nothing until it is resumed', async () => {
    const { task, runs } = manual();
    const fixture = await WorkerFixture.start([task], { concurrency: 1 });
    for (const n of [1, 2, 3]) fixture.give(n, given(n));
    expect(runs).toHaveLength(1);
    fixture.worker.setPaused(true);
    expect(fixture.consumer.paused).toEqual(new Set([0]));
    runs[0]?.end();
    await eventually(() => expect(fixture.consumer.committed.get(0)).toBe(2n));
    expect(fixture.outcomes).toMatchObject([{ status: 'completed' }]);
    expect(runs).toHaveLength(1);
    expect(fixture.worker.isMember).toBe(true);
    fixture.worker.setPaused(false);
    expect(fixture.consumer.paused).toEqual(new Set());
    expect(runs).toHaveLength(2);
    runs[1]?.end();
    await eventually(() => expect(runs).toHaveLength(3));
    runs[2]?.end();
    await eventually(() => expect(fixture.consumer.committed.get(0)).toBe(4n));
    expect(fixture.outcomes).toHaveLength(3);
  });

  it('begins nothing that comes meanwhile, in partitions of a new assignment too', async () => {
    const { task, runs } = manual();
    const fixture = await WorkerFixture.start([task], { isPaused: true });
    fixture.consumer.assign(0, 1);
    expect(fixture.consumer.paused).toEqual(new Set([0, 1]));
    // A fetch that was under way.
    fixture.give(1, given(1), 1);
    expect(runs).toHaveLength(0);
    fixture.worker.setPaused(false);
    expect(fixture.consumer.paused).toEqual(new Set());
    expect(runs).toHaveLength(1);
  });

  it('leaves a partition paused that is full, until there is room', async () => {
    const { task, runs } = manual();
    const fixture = await WorkerFixture.start([task], { concurrency: 1, limits: { waitingRecordsMax: 2 } });
    for (const n of [1, 2, 3, 4]) fixture.give(n, given(n));
    expect(fixture.consumer.paused).toEqual(new Set([0]));
    fixture.worker.setPaused(true);
    fixture.worker.setPaused(false);
    expect(fixture.consumer.paused).toEqual(new Set([0]));
    for (let n = 0; n < 4; n++) {
      await eventually(() => expect(runs).toHaveLength(n + 1));
      runs[n]?.end();
    }
    await eventually(() => expect(fixture.consumer.paused).toEqual(new Set()));
  });

  it('does not begin a record whose schema was still being read', async () => {
    const { task, runs } = manual();
    const fixture = await WorkerFixture.start([task]);
    const record = fixture.record(1, given(1));
    // The same schema by another id, which the registry has to be asked for.
    record.value.writeInt32BE(await fixture.registry.register('tasks', `${schemaTexts.TaskScheduled} `), 1);
    fixture.consumer.give(0, [record]);
    fixture.worker.setPaused(true);
    await new Promise((resolve) => setImmediate(resolve));
    expect(runs).toHaveLength(0);
    fixture.worker.setPaused(false);
    await eventually(() => expect(runs).toHaveLength(1));
    runs[0]?.end();
    await eventually(() => expect(fixture.consumer.committed.get(0)).toBe(2n));
  });

  it('can stop', async () => {
    const { task, runs } = manual();
    const fixture = await WorkerFixture.start([task], { isPaused: true });
    fixture.give(1, given(1));
    await fixture.worker.stop(1_000);
    expect(runs).toHaveLength(0);
    expect(fixture.consumer.left).toBe(true);
  });
});
