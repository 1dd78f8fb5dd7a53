/**
 * Sends open automated tasks again that have nothing in flight: their record was published and passed by its queue's group, their
 * `timeout` is over, and no outcome came (protocol, "A step" 9). A mark says that everything written before `publishedBefore` is
 * below its offsets. A task that is sent once too often only costs work: attempt and basis stay the same.
 */
import { LRUCache } from 'lru-cache';
import type { EpochMs } from '../../core/ids.ts';
import { commandMessage } from '../../engine/command/command-message.ts';
import type { LogAdmin } from '../../messaging/log.ts';
import type { OutgoingMessages } from '../../messaging/outgoing.ts';
import { groupNames, topicNames } from '../../messaging/topics.ts';
import type { InstanceStore, OpenAutomatedTask } from '../../store/instance-store.ts';

export type RedispatcherOptions = {
  readonly store: Pick<InstanceStore, 'openAutomatedTasks' | 'publish' | 'now'>;
  readonly outgoing: Pick<OutgoingMessages, 'ofCommand'>;
  readonly admin: Pick<LogAdmin, 'describeTopics' | 'endOffsets' | 'committedOffsets'>;
  /** All rows of the outbox from before then are published; null while that is not known. */
  readonly publishedBefore: () => Promise<EpochMs | null>;
  readonly prefix: string;
  /** Longest from a decision to its commit in the database; default 60 s, beyond the limit of a statement. */
  readonly commitMs?: number;
};

export type RedispatchCounts = {
  readonly redispatched: number;
  /** Tasks whose timeout is over, but whose record may still be in flight. */
  readonly waiting: number;
};

type Offsets = ReadonlyMap<number, bigint>;
type Mark = { readonly publishedBefore: EpochMs; readonly ends: ReadonlyMap<string, Offsets> };

const PAGE = 1_000;
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
  /** Queues of tasks that were open at the last look. */
  #queues = new Set<string | null>();
  readonly #sent = new LRUCache<string, true>(SENT_KEPT);

  constructor(options: RedispatcherOptions) {
    this.#options = options;
    this.#names = topicNames(options.prefix);
    this.#groups = groupNames(options.prefix);
  }

  /**
   * Looks at all open tasks once, by the marks that were set before.
   * @param partitions of the instances; another process looks at the rest.
   * @param force sends also what may still be in flight.
   */
  async look(partitions: readonly number[], force = false): Promise<RedispatchCounts> {
    const { store, outgoing, commitMs = 60_000 } = this.#options;
    const now = await store.now();
    const committed = new Map<string, Offsets>();
    const queues = new Set<string | null>();
    let redispatched = 0;
    let waiting = 0;
    let after: OpenAutomatedTask | null = null;
    do {
      const page: readonly OpenAutomatedTask[] = await store.openAutomatedTasks(partitions, now, PAGE, after);
      const sending: OpenAutomatedTask[] = [];
      for (const task of page) {
        queues.add(task.queue);
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
      redispatched += messages.length;
      after = page.length === PAGE ? (page.at(-1) ?? null) : null;
    } while (after !== null);
    this.#queues = queues;
    return { redispatched, waiting };
  }

  /** Sets a mark for the tasks that the last look saw. @returns false while it is not known what is published. */
  async mark(): Promise<boolean> {
    const { admin } = this.#options;
    const publishedBefore = await this.#options.publishedBefore();
    if (publishedBefore === null) return false;
    // Read afterwards, so that everything that was published by then is below.
    const ends = new Map<string, Offsets>();
    const topics = [this.#names.notifications, ...[...this.#queues].map((queue) => this.#names.tasks(queue))];
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
