/**
 * Reads the lifecycle topic to wake requests that wait for an instance; of each record it reads only the key, the instance id. It is
 * read while somebody waits, and for a while after: an API for which nobody waits does nothing for the instances that end. Each process
 * has its own consumer group, begins at the end of the topic and never commits: no request waits for older records. What ends before
 * the first fetch is found by `look-at-waited.ts`.
 */
import type { Logger } from '../core/logger.ts';
import type { Log, LogConsumer } from '../messaging/log.ts';
import { instanceIdOfChange } from '../messaging/records/instance-changed.ts';
import type { InstanceWatch } from './instance-watch.ts';

export type LifecycleOptions = { readonly log: Log; readonly topic: string; readonly groupId: string; readonly watch: InstanceWatch };

export function createLifecycleReader({ log, topic, groupId, watch }: LifecycleOptions): LogConsumer {
  return log.consumer({
    groupId,
    topics: [topic],
    from: 'latest',
    handlers: {
      onBatch({ records }) {
        if (watch.waiting === 0) return;
        for (const { key } of records) if (key !== null) watch.changed(instanceIdOfChange(key));
      },
      onAssigned: () => undefined,
      onRevoked: () => undefined,
    },
  });
}

export type LifecycleReadingOptions = {
  readonly open: () => LogConsumer;
  readonly watch: Pick<InstanceWatch, 'waiting'>;
  /** Called after a reader has stopped. */
  readonly onStopped: () => Promise<void>;
  readonly log: Pick<Logger, 'error'>;
  /** For how long it is read when nobody waits any more: joining a group takes longer than many requests wait. Default 30 s. */
  readonly idleMs?: number;
  /** Monotonic. */
  readonly clock?: () => number;
};

/** Opens a reader when somebody waits, and stops it once nobody has waited for a while. */
export class LifecycleReading {
  readonly #options: LifecycleReadingOptions;
  readonly #idleMs: number;
  readonly #clock: () => number;
  #reader: { readonly consumer: LogConsumer; readonly begun: Promise<void> } | null = null;
  /** The reader before has left the group. */
  #left: Promise<void> = Promise.resolve();
  #neededAt = 0;
  #isStopped = false;

  constructor(options: LifecycleReadingOptions) {
    this.#options = options;
    this.#idleMs = options.idleMs ?? 30_000;
    this.#clock = options.clock ?? (() => performance.now());
  }

  get isRead(): boolean {
    return this.#reader?.consumer.isMember() ?? false;
  }

  /** Somebody waits. */
  need(): void {
    this.#neededAt = this.#clock();
    if (this.#reader !== null || this.#isStopped) return;
    const consumer = this.#options.open();
    const begun = this.#left.then(() => {
      // Not awaited: until it is a member, whoever waits asks the database, and everything else works.
      consumer.start().catch((error: unknown) => this.#options.log.error({ err: error }, 'The lifecycle topic is not read'));
    });
    this.#reader = { consumer, begun };
  }

  /** Call it now and then. */
  restWhenIdle(): void {
    if (this.#options.watch.waiting > 0) this.need();
    else if (this.#clock() - this.#neededAt >= this.#idleMs) this.#end();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#end();
    await this.#left;
  }

  #end(): void {
    const reader = this.#reader;
    if (reader === null) return;
    this.#reader = null;
    this.#left = reader.begun
      .then(() => reader.consumer.stop())
      .then(() => this.#options.onStopped())
      .catch((error: unknown) => this.#options.log.error({ err: error }, 'The reader of the lifecycle topic did not stop'));
  }
}
