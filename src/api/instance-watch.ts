/**
 * The requests that wait for a change of an instance. A record of the lifecycle topic wakes them; only its key, the
 * instance id, is used. Requests that wait also query the database from time to time, so a missed record costs a moment.
 */

export interface InstanceWatch {
  /** Resolves at the next change of the instance, after `ms`, or when the signal aborts. Query the instance again then. */
  next(instanceId: string, ms: number, signal: AbortSignal): Promise<void>;
  changed(instanceId: string): void;
  /** Number of instances that requests wait for. */
  readonly waiting: number;
}

export function createInstanceWatch(): InstanceWatch {
  const waiting = new Map<string, Set<() => void>>();
  return {
    next(instanceId, ms, signal) {
      if (signal.aborted) return Promise.resolve();
      return new Promise((resolve) => {
        const set = waiting.get(instanceId) ?? new Set();
        waiting.set(instanceId, set);
        const wake = (): void => {
          clearTimeout(timer);
          signal.removeEventListener('abort', wake);
          set.delete(wake);
          if (set.size === 0 && waiting.get(instanceId) === set) waiting.delete(instanceId);
          resolve();
        };
        const timer = setTimeout(wake, ms);
        signal.addEventListener('abort', wake, { once: true });
        set.add(wake);
      });
    },
    changed(instanceId) {
      for (const wake of [...(waiting.get(instanceId) ?? [])]) wake();
    },
    get waiting() {
      return waiting.size;
    },
  };
}
