/** Fires timers that came due by the database's clock: each becomes a message to its instance, taken by one process only. */
import type { DueTimer } from '../../core/due-timer.ts';
import type { OutgoingMessages } from '../../messaging/outgoing.ts';
import type { InstanceStore } from '../../store/instance-store.ts';

export type TimerTaskOptions = {
  readonly store: Pick<InstanceStore, 'fireTimers'>;
  readonly outgoing: Pick<OutgoingMessages, 'ofTimer'>;
  /** Longest wait between two queries. */
  readonly intervalMs: number;
  readonly onFired: (kind: DueTimer['kind']) => void;
  /** Most timers in one transaction; default 500. */
  readonly pageSize?: number;
};

/** The next timer may be locked by another process, which fires it: asking again at once would find nothing. */
const PAUSE_MS_MIN = 10;

/** @returns what `service.repeat` runs again and again: it resolves with the ms to wait. */
export function createTimerTask({ store, outgoing, intervalMs, onFired, pageSize = 500 }: TimerTaskOptions): () => Promise<number> {
  return async () => {
    const kinds: DueTimer['kind'][] = [];
    const { fired, nextDueAt, now } = await store.fireTimers(pageSize, (timer) => {
      kinds.push(timer.kind);
      return outgoing.ofTimer(timer);
    });
    for (const kind of kinds) onFired(kind);
    if (fired >= pageSize) return 0;
    return nextDueAt === null ? intervalMs : Math.min(intervalMs, Math.max(PAUSE_MS_MIN, nextDueAt - now));
  };
}
