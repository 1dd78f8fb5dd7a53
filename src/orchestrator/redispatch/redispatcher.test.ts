import { expect, test } from 'vitest';
import type { TaskPath } from '../../core/ids.ts';
import type { OutboxMessage } from '../../core/outbox-message.ts';
import { createOutgoing } from '../../messaging/outgoing.ts';
import type { OpenAutomatedTask } from '../../store/instance-store.ts';
import { instanceIdOf, memoryCodec, NOTIFICATIONS, PREFIX, T0 } from '../testing/fixture.ts';
import { Redispatcher } from './redispatcher.ts';

const QUEUE_TOPIC = 'p.tasks.handlers';

class Stranded {
  now = T0;
  /** Everything that was written before then is published. */
  published: number | null = T0;
  tasks: OpenAutomatedTask[] = [];
  readonly ends = new Map([
    [QUEUE_TOPIC, 10n],
    [NOTIFICATIONS, 5n],
  ]);
  readonly committed = new Map([
    [QUEUE_TOPIC, 0n],
    [NOTIFICATIONS, 5n],
  ]);
  readonly sent: OutboxMessage[] = [];
  /** Tasks of each page. */
  readonly pages: number[] = [];
  readonly redispatcher: Redispatcher;

  private constructor(codec: Awaited<ReturnType<typeof memoryCodec>>['codec']) {
    this.redispatcher = new Redispatcher({
      store: {
        now: async () => this.now,
        openAutomatedTasks: async (partitions, before, limits, after = null) => {
          const open = this.tasks.filter(({ dispatchedAt, partition }) => dispatchedAt < before && partitions.includes(partition));
          const from = after === null ? 0 : open.findIndex(({ instanceId }) => instanceId === after.instanceId) + 1;
          const tasks = open.slice(from, from + limits.tasks);
          const last = tasks.at(-1);
          this.pages.push(tasks.length);
          return {
            tasks,
            next: last === undefined || tasks.length < limits.tasks ? null : { instanceId: last.instanceId, path: last.path },
          };
        },
        publish: async (messages) => {
          this.sent.push(...messages);
        },
      },
      outgoing: createOutgoing({ codec, prefix: PREFIX, partitions: 1, publishTopics: [] }),
      admin: {
        describeTopics: async (topics) =>
          topics.filter((topic) => this.ends.has(topic)).map((topic) => ({ topic, partitions: 1, config: {} })),
        endOffsets: async (topic) => new Map([[0, this.ends.get(topic) ?? 0n]]),
        committedOffsets: async (_group, topic) => new Map([[0, this.committed.get(topic) ?? 0n]]),
      },
      publishedBefore: async () => this.published,
      prefix: PREFIX,
      commitMs: 1_000,
    });
  }

  /** A task of 10 s that was dispatched at T0 and seen at the first look, and a mark that was set 20 s later. */
  static async open(): Promise<Stranded> {
    const stranded = new Stranded((await memoryCodec()).codec);
    stranded.tasks = [stranded.task(1)];
    stranded.now = T0 + 20_000;
    stranded.published = T0 + 20_000;
    await stranded.redispatcher.lookAtAll([0]);
    await stranded.redispatcher.mark();
    stranded.now = T0 + 40_000;
    return stranded;
  }

  task(n: number, more: Partial<OpenAutomatedTask> = {}): OpenAutomatedTask {
    const task = {
      instanceId: instanceIdOf(n),
      partition: 0,
      path: 'pick' as TaskPath,
      attempt: 1,
      type: 'task',
      queue: 'handlers',
    } as const;
    return { ...task, timeoutMs: 10_000, dispatchedAt: T0, ...more };
  }
}

test('leaves a task alone that its queue’s group has not passed', async () => {
  const stranded = await Stranded.open();
  stranded.committed.set(QUEUE_TOPIC, 9n);
  expect(await stranded.redispatcher.lookAtAll([0])).toEqual({ redispatched: 0, waiting: 1 });
  expect(stranded.sent).toEqual([]);
});

test('sends it again once the group has passed what was published by then', async () => {
  const stranded = await Stranded.open();
  stranded.committed.set(QUEUE_TOPIC, 10n);
  expect(await stranded.redispatcher.lookAtAll([0])).toEqual({ redispatched: 1, waiting: 0 });
  expect(stranded.sent).toMatchObject([{ topic: NOTIFICATIONS, messageType: 'CommandIssued', key: instanceIdOf(1), partition: 0 }]);
});

test('does not send the same dispatch twice while its command is on the way', async () => {
  const stranded = await Stranded.open();
  stranded.committed.set(QUEUE_TOPIC, 10n);
  await stranded.redispatcher.lookAtAll([0]);
  expect(await stranded.redispatcher.lookAtAll([0])).toEqual({ redispatched: 0, waiting: 0 });
  // It was dispatched again and stranded again.
  stranded.tasks = [stranded.task(1, { dispatchedAt: T0 + 15_000 })];
  expect(await stranded.redispatcher.lookAtAll([0])).toEqual({ redispatched: 1, waiting: 0 });
});

test('waits while its outcome may stand among the notifications', async () => {
  const stranded = await Stranded.open();
  stranded.committed.set(QUEUE_TOPIC, 10n).set(NOTIFICATIONS, 4n);
  expect(await stranded.redispatcher.lookAtAll([0])).toEqual({ redispatched: 0, waiting: 1 });
});

test('leaves a task alone whose timeout is not over', async () => {
  const stranded = await Stranded.open();
  stranded.committed.set(QUEUE_TOPIC, 10n);
  stranded.tasks = [stranded.task(1, { timeoutMs: 60_000 })];
  expect(await stranded.redispatcher.lookAtAll([0])).toEqual({ redispatched: 0, waiting: 0 });
});

test('waits for a task that was not published, or not surely committed, when the mark was set', async () => {
  const stranded = await Stranded.open();
  stranded.committed.set(QUEUE_TOPIC, 10n);
  stranded.tasks = [stranded.task(1, { dispatchedAt: T0 + 19_500 })];
  expect(await stranded.redispatcher.lookAtAll([0])).toEqual({ redispatched: 0, waiting: 1 });
  stranded.published = T0 + 30_000;
  await stranded.redispatcher.mark();
  expect(await stranded.redispatcher.lookAtAll([0])).toEqual({ redispatched: 1, waiting: 0 });
});

test('sets no mark while nobody can tell what is published', async () => {
  const stranded = await Stranded.open();
  stranded.published = null;
  expect(await stranded.redispatcher.mark()).toBe(false);
});

test('leaves the instances of other processes to them', async () => {
  const stranded = await Stranded.open();
  stranded.committed.set(QUEUE_TOPIC, 10n);
  expect(await stranded.redispatcher.lookAtAll([1])).toEqual({ redispatched: 0, waiting: 0 });
});

test('is told to send everything that is over', async () => {
  const stranded = await Stranded.open();
  expect(await stranded.redispatcher.lookAtAll([0], true)).toEqual({ redispatched: 1, waiting: 0 });
});

test('looks at a bounded page in each round, and goes on there in the next', async () => {
  const stranded = await Stranded.open();
  stranded.committed.set(QUEUE_TOPIC, 10n);
  stranded.tasks = Array.from({ length: 5_000 }, (_, n) => stranded.task(n));
  stranded.pages.length = 0;
  const look = async () => await stranded.redispatcher.look([0]);
  expect(await look()).toEqual({ redispatched: 2_000, waiting: 0, endsPass: false });
  expect(await look()).toEqual({ redispatched: 2_000, waiting: 0, endsPass: false });
  expect(await look()).toEqual({ redispatched: 1_000, waiting: 0, endsPass: true });
  expect(await look()).toEqual({ redispatched: 0, waiting: 0, endsPass: false });
  expect(stranded.pages).toEqual([2_000, 2_000, 1_000, 2_000]);
});

test('looks at instances that have just started only where it is to look at all', async () => {
  const stranded = await Stranded.open();
  stranded.tasks = [stranded.task(1, { dispatchedAt: stranded.now - 500, timeoutMs: 100 })];
  expect(await stranded.redispatcher.look([0])).toEqual({ redispatched: 0, waiting: 0, endsPass: true });
  expect(await stranded.redispatcher.lookAtAll([0])).toEqual({ redispatched: 0, waiting: 1 });
});

test('marks the queues of a pass that has not ended, and of the one before', async () => {
  const stranded = await Stranded.open();
  stranded.committed.set(QUEUE_TOPIC, 10n);
  stranded.tasks = Array.from({ length: 2_001 }, (_, n) => stranded.task(n, { dispatchedAt: T0 + 25_000 }));
  stranded.now = T0 + 60_000;
  expect(await stranded.redispatcher.look([0])).toEqual({ redispatched: 0, waiting: 2_000, endsPass: false });
  stranded.published = T0 + 50_000;
  await stranded.redispatcher.mark();
  expect(await stranded.redispatcher.lookAtAll([0])).toEqual({ redispatched: 2_001, waiting: 0 });
});

test('keeps marks for long, and never sends earlier for having thinned them out', async () => {
  const stranded = await Stranded.open();
  for (let attempt = 0; attempt < 200; attempt++) {
    stranded.ends.set(QUEUE_TOPIC, 11n + BigInt(attempt));
    stranded.published = T0 + 20_000 + attempt;
    await stranded.redispatcher.mark();
  }
  stranded.committed.set(QUEUE_TOPIC, 9n);
  expect(await stranded.redispatcher.lookAtAll([0])).toEqual({ redispatched: 0, waiting: 1 });
  stranded.committed.set(QUEUE_TOPIC, 211n);
  expect(await stranded.redispatcher.lookAtAll([0])).toEqual({ redispatched: 1, waiting: 0 });
});
