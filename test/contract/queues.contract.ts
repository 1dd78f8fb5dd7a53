/** What every store must do with pauses of queues: tell them once they are written, and let the timers of what waits stand still. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Definition } from '../../src/core/definition/types.ts';
import type { EpochMs, InstanceId } from '../../src/core/ids.ts';
import type { QueueState } from '../../src/core/queues.ts';
import type { QueueStore } from '../../src/store/queues.ts';
import { eventually } from '../support/eventually.ts';
import { message, newDefinition, ofTimer, openLab, type StoreLab, type StoreUnderTest, topics } from '../support/store-lab.ts';

let made = 0;

/** @param factory called once; the store may hold what other tests wrote. */
export function testQueues(factory: () => Promise<StoreUnderTest>): void {
  let queues: QueueStore;
  let lab: StoreLab;

  beforeAll(async () => {
    const given = await factory();
    ({ queues } = given);
    lab = await openLab(given);
  });

  const encode = ({ queue, ...state }: QueueState) => message('QueueState', topics.queues, queue, state);

  /** A queue that no other test has. */
  async function newQueue(): Promise<string> {
    const queue = `q-${process.pid}-${++made}`;
    await lab.store.registerTopics([`${topics.tasks}.${queue}`]);
    return queue;
  }

  const pauseOf = async (queue: string) => (await queues.list()).find((row) => row.queue === queue);
  const waitingIn = (queue: string): Definition =>
    newDefinition({ nodes: { work: { type: 'task', task: 'work', queue, timeout: '1ms', queueTimeout: '50ms' } }, edges: [] });

  async function dueAtOf(id: InstanceId): Promise<EpochMs> {
    const timer = (await lab.stateOf(id)).timers['work#queueTimeout'];
    if (timer?.state !== 'armed') throw new Error('the task has no queueTimeout');
    return timer.dueAt;
  }

  /** When the timers of the instance were due, of those that have fired. */
  async function fired(id: InstanceId): Promise<readonly unknown[]> {
    await lab.store.fireTimers(1_000, ofTimer, await lab.store.now());
    return (await lab.sent(id)).flatMap(({ type, payload }) => (type === 'TimerFired' ? [payload.dueAt] : []));
  }

  const isPast = async (at: EpochMs) => await eventually(async () => expect(await lab.store.now()).toBeGreaterThan(at));

  describe('A queue', () => {
    it('is known by its topic, and that of http nodes by its name', async () => {
      const queue = await newQueue();
      const rows = await queues.list();
      expect(rows).toContainEqual({ queue, pause: null });
      expect(rows.map((row) => row.queue)).toContain('http');
      expect(rows.map((row) => row.queue)).toEqual(rows.map((row) => row.queue).toSorted());
      expect(await queues.pause('no-such-queue', 'ada', null, encode)).toBeNull();
      expect(await queues.resume('no-such-queue', 'ada', encode)).toBeNull();
      expect(await lab.sent('no-such-queue')).toEqual([]);
    });

    it('is paused once, by the first who said so, and its workers are told each time', async () => {
      const queue = await newQueue();
      const paused = await queues.pause(queue, 'ada', 'the bank is away', encode);
      expect(paused).toMatchObject({ queue, pause: { by: 'ada', reason: 'the bank is away' } });
      expect(await queues.pause(queue, 'bob', 'other', encode)).toEqual(paused);
      expect(await pauseOf(queue)).toEqual(paused);
      expect(await queues.resume(queue, 'bob', encode)).toEqual({ queue, pause: null });
      expect(await queues.resume(queue, 'bob', encode)).toEqual({ queue, pause: null });
      expect(await pauseOf(queue)).toEqual({ queue, pause: null });
      expect((await queues.pause(queue, 'eve', null, encode))?.pause).toMatchObject({ by: 'eve', reason: null });
      const told = (await lab.sent(queue)).map(({ payload: { isPaused, by, reason } }) => [isPaused, by, reason]);
      const first = [true, 'ada', 'the bank is away'];
      expect(told).toEqual([first, first, [false, 'bob', null], [false, 'bob', null], [true, 'eve', null]]);
    });

    it('that cannot tell its workers stays as it is', async () => {
      const queue = await newQueue();
      const unsendable = ({ queue: key }: QueueState) => message('QueueState', 'no.such.topic', key, {});
      await expect(queues.pause(queue, 'ada', null, unsendable)).rejects.toMatchObject({ code: 'MR_OUTBOX_TOPIC_UNKNOWN' });
      expect(await pauseOf(queue)).toEqual({ queue, pause: null });
    });

    it('lets the queueTimeout of what waits stand still while it is paused, and no other', async () => {
      const [queue, other] = [await newQueue(), await newQueue()];
      const id = await lab.start(waitingIn(queue));
      await queues.pause(queue, 'ada', null, encode);
      const pausedBefore = await lab.store.now();
      const [during, beside] = [await lab.start(waitingIn(queue)), await lab.start(waitingIn(other))];
      const [dueAt, laterDueAt] = [await dueAtOf(id), await dueAtOf(during)];
      await isPast(laterDueAt + 100);
      await eventually(async () => expect(await fired(beside)).toEqual([await dueAtOf(beside)]));
      expect([await fired(id), await fired(during)]).toEqual([[], []]);
      const resumedAfter = await lab.store.now();
      await queues.resume(queue, 'ada', encode);
      await eventually(async () => expect(await fired(id)).toEqual([dueAt]));
      // Both are rounded down.
      expect(await lab.store.now()).toBeGreaterThanOrEqual(dueAt + resumedAfter - pausedBefore - 1);
      await eventually(async () => expect(await fired(during)).toEqual([laterDueAt]));
    });

    it('counts pauses that were over before the timer was due', async () => {
      const queue = await newQueue();
      const id = await lab.start(waitingIn(queue));
      const dueAt = await dueAtOf(id);
      await queues.pause(queue, 'ada', null, encode);
      const pausedBefore = await lab.store.now();
      await isPast(dueAt);
      const resumedAfter = await lab.store.now();
      await queues.resume(queue, 'ada', encode);
      await eventually(async () => expect(await fired(id)).toEqual([dueAt]));
      expect(await lab.store.now()).toBeGreaterThanOrEqual(dueAt + resumedAfter - pausedBefore - 1);
    });
  });
}
