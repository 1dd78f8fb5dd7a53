/**
 * Fires timers that came due by the database's clock: each becomes a message to its instance, taken by one process only. The
 * timeout of a wait fires once the events that came before it are correlated.
 */
import type { DueTimer } from '../../core/due-timer.ts';
import type { OutgoingMessages } from '../../messaging/outgoing.ts';
import type { InstanceStore } from '../../store/instance-store.ts';

import type { CorrelatedEvents } from './correlated-events.ts';

export type TimerTaskOptions = {
  readonly store: Pick<InstanceStore, 'fireTimers'>;
  readonly outgoing: Pick<OutgoingMessages, 'ofTimer'>;
  readonly events: Pick<CorrelatedEvents, 'until' | 'look'>;
  /** Longest wait between two queries. */
  readonly intervalMs: number;
  readonly onFired: (kind: DueTimer['kind']) => void;
  /** Most timers in one transaction; default 500. */
  readonly pageSize?: number;
};

/** How often to check whether the events are correlated for which a wait's timeout is held back. */
const HELD_MS = 50;
/** The next timer may be locked by another process, which fires it, so an immediate query would find nothing. */
const PAUSE_MS_MIN = 10;

/** @returns the task for `service.repeat`, which resolves with the ms to wait. */
export function createTimerTask({ store, outgoing, events, intervalMs, onFired, pageSize = 500 }: TimerTaskOptions): () => Promise<number> {
  return async () => {
    const kinds: DueTimer['kind'][] = [];
    const encode = (timer: DueTimer) => {
      kinds.push(timer.kind);
      return outgoing.ofTimer(timer);
    };
    const { fired, held, nextDueAt, now } = await store.fireTimers(pageSize, encode, events.until);
    for (const kind of kinds) onFired(kind);
    if (held && (await events.look(now)) >= now) return 0;
    if (fired >= pageSize) return 0;
    const pauseMs = nextDueAt === null ? intervalMs : Math.min(intervalMs, Math.max(PAUSE_MS_MIN, nextDueAt - now));
    return held ? Math.min(pauseMs, HELD_MS) : pauseMs;
  };
}
