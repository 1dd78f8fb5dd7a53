/** Tasks whose worker died: what workers note beside their committed offsets, and what the next one makes of it. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { eventually } from '../../test/support/eventually.ts';
import { defineTask } from '../worker/index.ts';
import { scheduled, WorkerFixture } from './testing/fixture.ts';

const NOTED = 'runs:';

function handlers() {
  const begun: string[] = [];
  const ends: (() => void)[] = [];
  const task = defineTask({
    name: 'echo',
    run: async (_input, { taskId }) => {
      begun.push(taskId);
      await new Promise<void>((resolve) => ends.push(resolve));
      return taskId;
    },
  });
  return { begun, ends, task };
}

async function fixtureWith(notes: ReadonlyMap<number, string> = new Map()) {
  const { begun, ends, task } = handlers();
  let reads = 0;
  const readRunNotes = async () => {
    reads++;
    return notes;
  };
  const fixture = await WorkerFixture.start([task], { readRunNotes });
  return { fixture, begun, ends, reads: () => reads };
}

describe('A task that another worker may have begun', () => {
  it('is noted before it begins, and no longer when its outcome is acknowledged', async () => {
    const { fixture, begun, ends } = await fixtureWith();
    fixture.give(7, scheduled());
    await eventually(() => expect(begun).toHaveLength(1));
    expect(fixture.consumer.notes.get(0)).toBe(`${NOTED}7`);
    ends[0]?.();
    await eventually(() => expect(fixture.outcomes).toMatchObject([{ status: 'completed' }]));
    fixture.producer.acknowledge();
    await eventually(() => expect(fixture.consumer.notes.get(0)).toBe(''));
  });

  it('fails with WORKER_LOST when the worker that noted it died, for now, and is not run', async () => {
    const { fixture, begun } = await fixtureWith(new Map([[0, `${NOTED}7 a`]]));
    fixture.give(7, scheduled());
    await eventually(() => expect(fixture.outcomes).toMatchObject([{ status: 'failed', retryable: true, attempt: 1 }]));
    expect(JSON.stringify(fixture.outcomes)).toContain('WORKER_LOST');
    expect(begun).toEqual([]);
    fixture.producer.acknowledge();
    await eventually(() => expect(fixture.consumer.committed.get(0)).toBe(8n));
  });

  it('keeps what was noted of others until their records have come', async () => {
    const { fixture, begun } = await fixtureWith(new Map([[0, `${NOTED}8`]]));
    fixture.consumer.give(0, [fixture.record(7, scheduled()), fixture.record(8, scheduled({ n: 2 }))]);
    await eventually(() => expect(begun).toHaveLength(1));
    await eventually(() => expect(fixture.outcomes).toHaveLength(1));
    expect(fixture.consumer.notes.get(0)).toMatch(/^runs:7/);
  });

  it('is run where nothing was noted, or something that no worker writes', async () => {
    const { fixture, begun } = await fixtureWith(new Map([[0, 'of another tool, 7']]));
    fixture.give(7, scheduled());
    await eventually(() => expect(begun).toHaveLength(1));
  });

  it('asks once for each assignment', async () => {
    const { fixture, begun, reads } = await fixtureWith();
    fixture.consumer.give(0, [fixture.record(1, scheduled()), fixture.record(2, scheduled({ n: 2 }))]);
    await eventually(() => expect(begun).toHaveLength(2));
    expect(reads()).toBe(1);
    fixture.consumer.assign(0);
    fixture.give(3, scheduled({ n: 3 }));
    await eventually(() => expect(begun).toHaveLength(3));
    expect(reads()).toBe(2);
  });

  it('that runs here already is joined after a rebalance, whatever stands in the notes', async () => {
    const notes = new Map<number, string>();
    const { fixture, begun, ends } = await fixtureWith(notes);
    fixture.give(7, scheduled());
    await eventually(() => expect(begun).toHaveLength(1));
    notes.set(0, `${NOTED}7`);
    fixture.consumer.assign(0);
    fixture.give(7, scheduled());
    ends[0]?.();
    await eventually(() => expect(fixture.outcomes).toMatchObject([{ status: 'completed' }]));
    expect(begun).toHaveLength(1);
  });
});

describe('A task that is about to be noted', () => {
  /** The notes are read when the test says so. */
  async function waiting() {
    const { begun, ends, task } = handlers();
    const read = Promise.withResolvers<ReadonlyMap<number, string>>();
    const fixture = await WorkerFixture.start([task], { readRunNotes: () => read.promise });
    fixture.give(7, scheduled());
    return { fixture, begun, ends, read };
  }

  it('is run for the record that came again, if its partition went and came back meanwhile', async () => {
    const { fixture, begun, ends, read } = await waiting();
    fixture.consumer.assign(0);
    fixture.give(7, scheduled());
    read.resolve(new Map());
    await eventually(() => expect(begun).toHaveLength(1));
    ends[0]?.();
    await eventually(() => expect(fixture.consumer.committed.get(0)).toBe(8n));
    expect(fixture.outcomes).toHaveLength(1);
  });

  it('is not run where its partition has gone, and comes again with the next assignment', async () => {
    const { fixture, begun, read } = await waiting();
    fixture.consumer.assign();
    read.resolve(new Map());
    fixture.consumer.assign(0);
    fixture.give(7, scheduled());
    await eventually(() => expect(begun).toHaveLength(1));
  });

  it('is left to others when the process is told to end meanwhile, and the worker still ends as it should', async () => {
    const { fixture, begun } = await waiting();
    const rejections: unknown[] = [];
    const onRejection = (error: unknown) => rejections.push(error);
    process.on('unhandledRejection', onRejection);
    onTestFinished(() => void process.off('unhandledRejection', onRejection));
    fixture.ending.abort(new Error('The process is about to end.'));
    // Other parts are closed first.
    await new Promise((resolve) => setImmediate(resolve));
    await fixture.worker.stop(1_000);
    expect(fixture.consumer.left).toBe(true);
    expect([begun, rejections]).toEqual([[], []]);
  });

  it('begins after the pause of its queue', async () => {
    const { fixture, begun, read } = await waiting();
    fixture.worker.setPaused(true);
    read.resolve(new Map());
    await eventually(() => expect(fixture.consumer.notes.get(0)).toBe(`${NOTED}7`));
    expect(begun).toEqual([]);
    fixture.worker.setPaused(false);
    await eventually(() => expect(begun).toHaveLength(1));
  });
});

describe('A task that comes after the assignment', () => {
  it('begins at once, and is noted when it has run for a second', async () => {
    const { fixture, begun } = await fixtureWith();
    fixture.give(1, scheduled());
    await eventually(() => expect(begun).toHaveLength(1));
    fixture.give(2, scheduled({ n: 2 }));
    expect(begun).toHaveLength(2);
    expect(fixture.consumer.notes.get(0)).toBe(`${NOTED}1`);
    await eventually(() => expect(fixture.consumer.notes.get(0)).toBe(`${NOTED}1 2`));
  });
});
