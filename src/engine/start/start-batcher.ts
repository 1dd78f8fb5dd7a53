/**
 * Group commit of starts: what arrives while a transaction is under way goes into the next one, one round trip each. So a single
 * start does not wait, and many at once share the cost of a commit. Every promise settles after the commit. When a batch fails by
 * an error that one of its starts may have caused, each is tried alone; nothing starts twice.
 */
import { MillraceError } from '../../core/error.ts';
import type { InstanceStore, Start, StartResult } from '../../store/instance-store.ts';

export type StartBatcherOptions = {
  /** Most starts of one transaction; default 200. */
  readonly batchMax?: number;
  /** Transactions at a time; default 2. */
  readonly inFlightMax?: number;
  /** Starts that may wait; more are refused. Default 10 000. */
  readonly waitingMax?: number;
  readonly monotonic?: () => number;
};

type Waiting = {
  readonly start: Start;
  readonly at: number;
  readonly resolve: (result: StartResult) => void;
  readonly reject: (error: unknown) => void;
};

export interface StartBatcher {
  /** Resolves after the commit. Rejects at once with `MR_TOO_MANY_STARTS` (retryable) when too many wait already. */
  submit(start: Start): Promise<StartResult>;
  readonly waiting: number;
  /** How long the first of those has waited; 0 when none waits. */
  readonly oldestWaitMs: number;
}

export function createStartBatcher(
  store: Pick<InstanceStore, 'start'>,
  { batchMax = 200, inFlightMax = 2, waitingMax = 10_000, monotonic = () => performance.now() }: StartBatcherOptions = {},
): StartBatcher {
  let queue: Waiting[] = [];
  let inFlight = 0;
  let scheduled = false;

  async function commit(batch: readonly Waiting[]): Promise<void> {
    try {
      const results = await store.start(batch.map(({ start }) => start));
      batch.forEach(({ resolve, reject }, index) => {
        const result = results[index];
        if (result === undefined) reject(new Error('Bug: the store answered fewer starts than it was given'));
        else resolve(result);
      });
    } catch (error) {
      const mayBeOneOfThem = batch.length > 1 && !(error instanceof MillraceError && error.retryable);
      if (!mayBeOneOfThem) for (const { reject } of batch) reject(error);
      // Nothing was committed. Tried alone, each start succeeds except the one that the database refuses.
      else for (const each of batch) await commit([each]);
    }
  }

  function startTransactions(): void {
    scheduled = false;
    while (inFlight < inFlightMax && queue.length > 0) {
      const batch = distinctKeys(queue.slice(0, batchMax));
      const started = new Set(batch);
      queue = queue.filter((waiting) => !started.has(waiting));
      inFlight++;
      void commit(batch).finally(() => {
        inFlight--;
        startTransactions();
      });
    }
  }

  return {
    submit(start) {
      if (queue.length >= waitingMax)
        return Promise.reject(
          new MillraceError('MR_TOO_MANY_STARTS', 'Too many starts wait already. Try again in a second.', { retryable: true }),
        );
      return new Promise((resolve, reject) => {
        queue.push({ start, at: monotonic(), resolve, reject });
        if (scheduled) return;
        scheduled = true;
        // After this turn of the event loop: requests that arrived together leave together.
        setImmediate(startTransactions);
      });
    },
    get waiting() {
      return queue.length;
    },
    get oldestWaitMs() {
      const [first] = queue;
      return first === undefined ? 0 : monotonic() - first.at;
    },
  };
}

/** Two starts with one idempotency key are not put into one statement: the second has to find what the first has written. */
function distinctKeys(waiting: readonly Waiting[]): Waiting[] {
  const keys = new Set<string>();
  return waiting.filter(({ start }) => {
    if (start.idempotency === null) return true;
    const key = `${start.transition.after.definitionId}\n${start.idempotency.key}`;
    if (keys.has(key)) return false;
    keys.add(key);
    return true;
  });
}
