/**
 * The requests that wait for a change of an instance. A record of the lifecycle topic wakes them (only its key, the instance id, is
 * used), and so does a look at all of them at once (`look-at-waited.ts`), so a missed record costs a moment.
 */
import type { InstanceId } from '../core/ids.ts';

export interface InstanceWatch {
  /** Resolves at the next change of the instance, after `ms`, or when the signal aborts. Query the instance again then. */
  next(instanceId: InstanceId, ms: number, signal: AbortSignal): Promise<void>;
  /** @param instanceId as a record has it. */
  changed(instanceId: string): void;
  /** The instances that requests wait for. */
  ids(): readonly InstanceId[];
  /** Number of instances that requests wait for. */
  readonly waiting: number;
}

/** @param onWaiting called when a request waits. */
export function createInstanceWatch(onWaiting: () => void = () => undefined): InstanceWatch {
  const waiting = new Map<string, { readonly id: InstanceId; readonly wakes: Set<() => void> }>();
  return {
    next(instanceId, ms, signal) {
      if (signal.aborted) return Promise.resolve();
      onWaiting();
      return new Promise((resolve) => {
        const all = waiting.get(instanceId) ?? { id: instanceId, wakes: new Set() };
        const { wakes } = all;
        waiting.set(instanceId, all);
        const wake = (): void => {
          clearTimeout(timer);
          signal.removeEventListener('abort', wake);
          wakes.delete(wake);
          if (wakes.size === 0 && waiting.get(instanceId) === all) waiting.delete(instanceId);
          resolve();
        };
        const timer = setTimeout(wake, ms);
        signal.addEventListener('abort', wake, { once: true });
        wakes.add(wake);
      });
    },
    changed(instanceId) {
      for (const wake of [...(waiting.get(instanceId)?.wakes ?? [])]) wake();
    },
    ids: () => [...waiting.values()].map(({ id }) => id),
    get waiting() {
      return waiting.size;
    },
  };
}
