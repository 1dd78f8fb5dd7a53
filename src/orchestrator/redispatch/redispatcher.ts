/**
 * Sends open automated tasks again that have nothing in flight: their record was published and passed by its queue's group, their
 * `timeout` is over, and no outcome came (protocol, "A step" 9). A mark says that everything written before `publishedBefore` is
 * below its offsets. A task that is sent once too often only costs work: attempt and basis stay the same. All open tasks are looked at
 * in passes of rounds, and a round looks at a bounded number of rows, however many tasks are open.
 */
import { LRUCache } from 'lru-cache';
import type { EpochMs } from '../../core/ids.ts';
import { commandMessage } from '../../engine/command/command-message.ts';
import type { LogAdmin } from '../../messaging/log.ts';
import type { OutgoingMessages } from '../../messaging/outgoing.ts';
import { groupNames, topicNames } from '../../messaging/topics.ts';
import type { InstanceStore, OpenAutomatedTask, OpenTasksLimits, OpenTasksPosition } from '../../store/instance-store.ts';

export type RedispatcherOptions = {
  readonly store: Pick<InstanceStore, 'openAutomatedTasks' | 'publish' | 'now'>;
  readonly outgoing: Pick<OutgoingMessages, 'ofCommand'>;
  readonly admin: Pick<LogAdmin, 'describeTopics' | 'endOffsets' | 'committedOffsets'>;
  /** All rows of the outbox from before then are published; null while that is not known. */
  readonly publishedBefore: () => Promise<EpochMs | null>;
  readonly prefix: string;
  /** Longest from a decision to its commit in the database; default 60 s, beyond the limit of a statement. */
  readonly commitMs?: number;
  /** Of one round. */
  readonly limits?: OpenTasksLimits;
};

export type RedispatchCounts = {
  readonly redispatched: number;
  /** Tasks whose timeout is over, but whose record may still be in flight. */
  readonly waiting: number;
};

export type RedispatchRound = RedispatchCounts & {
  /** Whether all open tasks were looked at: the next round begins with the oldest instances again. */
  readonly endsPass: boolean;
};

type Offsets = ReadonlyMap<number, bigint>;
type Mark = { readonly publishedBefore: EpochMs; readonly ends: ReadonlyMap<string, Offsets> };

/** Of one round. */
const LIMITS = { instances: 5_000, tasks: 2_000 } as const satisfies OpenTasksLimits;
const COMMIT_MS = 60_000;
/** When there are more, every other one is dropped: some tasks wait longer then, none less. */
const MARKS_MAX = 64;
/** How long a command that was sent counts as in flight and is not sent again. */
const SENT_KEPT = { max: 100_000, ttl: 3_600_000 };

export class Redispatcher {
  readonly #options: RedispatcherOptions;
  readonly #names;
  readonly #groups;
  /** Oldest first. */
  #marks: Mark[] = [];
  /** Where the next round begins; null: at the oldest instance. */
  #position: OpenTasksPosition | null = null;
  /** Queues of tasks that were open in this pass and the one before. */
  #queues = new Set<string | null>();
  #queuesBefore: ReadonlySet<string | null> = new Set();
  readonly #sent = new LRUCache<string, true>(SENT_KEPT);

  constructor(options: RedispatcherOptions) {
    this.#options = options;
    this.#names = topicNames(options.prefix);
    this.#groups = groupNames(options.prefix);
  }

  /**
   * Looks at the next open tasks, by the marks that were set before.
   * @param partitions of the instances; another process looks at the rest.
   */
  async look(partitions: readonly number[]): Promise<RedispatchRound> {
    const { store, commitMs = COMMIT_MS } = this.#options;
    const now = await store.now();
    // Tasks of younger instances are not surely committed, and most have ended by the next pass.
    return await this.#look(partitions, now, now - commitMs, false);
  }

  async #look(partitions: readonly number[], now: EpochMs, startedBefore: EpochMs, force: boolean): Promise<RedispatchRound> {
    const { store, outgoing, commitMs = COMMIT_MS } = this.#options;
    const committed = new Map<string, Offsets>();
    const { tasks, next } = await store.openAutomatedTasks(partitions, startedBefore, this.#options.limits ?? LIMITS, this.#position);
    const sending: OpenAutomatedTask[] = [];
    let waiting = 0;
    for (const task of tasks) {
      this.#queues.add(task.queue);
      if (task.dispatchedAt + task.timeoutMs > now || this.#sent.has(keyOf(task))) continue;
      if (force || (await this.#isPassed(task, committed, commitMs))) sending.push(task);
      else waiting++;
    }
    const messages = sending.map(({ instanceId, path, attempt }) => {
      const command = { type: 'redispatch', path, attempt } as const;
      return commandMessage(outgoing, instanceId, command, 'redispatch', now).message;
    });
    if (messages.length > 0) await store.publish(messages);
    for (const task of sending) this.#sent.set(keyOf(task), true);
    this.#position = next;
    if (next === null) {
      this.#queuesBefore = this.#queues;
      this.#queues = new Set();
    }
    return { redispatched: messages.length, waiting, endsPass: next === null };
  }

  /**
   * Looks at all open tasks once, from the oldest on.
   * @param force sends also what may still be in flight.
   */
  async lookAtAll(partitions: readonly number[], force = false): Promise<RedispatchCounts> {
    this.#position = null;
    for (let redispatched = 0, waiting = 0; ; ) {
      const { store, commitMs = COMMIT_MS } = this.#options;
      const now = await store.now();
      // Clocks of processes may be ahead of the database's.
      const round = await this.#look(partitions, now, now + commitMs, force);
      redispatched += round.redispatched;
      waiting += round.waiting;
      if (round.endsPass) return { redispatched, waiting };
    }
  }

  /** Sets a mark for the queues of tasks that were seen. @returns false while it is not known what is published. */
  async mark(): Promise<boolean> {
    const { admin } = this.#options;
    const publishedBefore = await this.#options.publishedBefore();
    if (publishedBefore === null) return false;
    // Read afterwards, so that everything that was published by then is below.
    const ends = new Map<string, Offsets>();
    const topics = [
      this.#names.notifications,
      ...[...new Set([...this.#queuesBefore, ...this.#queues])].map((queue) => this.#names.tasks(queue)),
    ];
    // A queue whose topic is gone has no offsets.
    for (const { topic } of await admin.describeTopics(topics)) ends.set(topic, await admin.endOffsets(topic));
    this.#marks.push({ publishedBefore, ends });
    if (this.#marks.length > MARKS_MAX) this.#marks = this.#marks.filter((_, index) => index % 2 === 1);
    return true;
  }

  async #isPassed(task: OpenAutomatedTask, committed: Map<string, Offsets>, commitMs: number): Promise<boolean> {
    const topic = this.#names.tasks(task.queue);
    const mark = this.#marks.find(({ publishedBefore, ends }) => publishedBefore > task.dispatchedAt + commitMs && ends.has(topic));
    if (mark === undefined) return false;
    const { notifications } = this.#names;
    const isPast = async (group: string, of: string): Promise<boolean> => {
      const known = committed.get(of);
      const offsets = known ?? (await this.#options.admin.committedOffsets(group, of));
      committed.set(of, offsets);
      const end = mark.ends.get(of)?.get(task.partition) ?? 0n;
      return (offsets.get(task.partition) ?? 0n) >= end;
    };
    // The outcome may be in the topic of notifications and not applied yet.
    return (await isPast(this.#groups.tasks(task.queue), topic)) && (await isPast(this.#groups.orchestrator, notifications));
  }
}

function keyOf({ instanceId, path, attempt, dispatchedAt }: OpenAutomatedTask): string {
  return `${instanceId}.${path}#${attempt}@${dispatchedAt}`;
}
