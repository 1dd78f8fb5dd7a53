/** External events and waits, as rows in memory. `offers.ts` brings them together. */
import type { ExternalEvent } from '../../core/external-event.ts';
import type { EpochMs, InstanceId, TaskPath } from '../../core/ids.ts';
import type { Subscription } from '../instance-store.ts';

export type KeptEvent = {
  readonly rowId: string;
  readonly event: ExternalEvent;
  expiresAt: EpochMs;
  /** Who got it, by instance. */
  readonly deliveries: Map<InstanceId, { readonly path: TaskPath; readonly attempt: number; readonly isReturned: boolean }>;
};

/** How many events a task still takes. */
export type Wait = { readonly attempt: number; remaining: number; readonly subscriptions: readonly OpenSubscription[] };
export type OpenSubscription = Subscription & { readonly type: string; readonly key: string };

export class MemoryEvents {
  readonly types = new Set<string>();
  /** (source, id) of every event, by when it came. */
  readonly received = new Map<string, EpochMs>();
  readonly kept = new Map<string, KeptEvent>();
  /** By `taskKey`. */
  readonly waits = new Map<string, Wait>();
  /** By type and key, oldest first. */
  readonly #subscriptions = new Map<string, Set<OpenSubscription>>();
  readonly #byKey = new Map<string, Set<KeptEvent>>();

  subscriptionsOf(event: ExternalEvent): Iterable<OpenSubscription> {
    return this.#subscriptions.get(keyOf(event)) ?? [];
  }

  keptOf(key: { readonly type: string; readonly key: string }): Iterable<KeptEvent> {
    return this.#byKey.get(keyOf(key)) ?? [];
  }

  keep(kept: KeptEvent): void {
    this.kept.set(kept.rowId, kept);
    addTo(this.#byKey, keyOf(kept.event), kept);
  }

  forget(kept: KeptEvent): void {
    this.kept.delete(kept.rowId);
    removeFrom(this.#byKey, keyOf(kept.event), kept);
  }

  open(task: string, wait: Wait): void {
    this.waits.set(task, wait);
    for (const subscription of wait.subscriptions) addTo(this.#subscriptions, keyOf(subscription), subscription);
  }

  /** The wait takes no more events. Its row stays until its task ends. */
  endSubscriptions({ subscriptions }: Wait): void {
    for (const subscription of subscriptions) removeFrom(this.#subscriptions, keyOf(subscription), subscription);
  }

  close(task: string): void {
    const wait = this.waits.get(task);
    if (wait === undefined) return;
    this.endSubscriptions(wait);
    this.waits.delete(task);
  }
}

/** Whether no instance has the event. */
export function isUndelivered({ deliveries }: KeptEvent): boolean {
  return [...deliveries.values()].every(({ isReturned }) => isReturned);
}

function keyOf({ type, key }: { readonly type: string; readonly key: string }): string {
  return JSON.stringify([type, key]);
}

function addTo<T>(sets: Map<string, Set<T>>, key: string, item: T): void {
  const set = sets.get(key);
  if (set === undefined) sets.set(key, new Set([item]));
  else set.add(item);
}

function removeFrom<T>(sets: Map<string, Set<T>>, key: string, item: T): void {
  const set = sets.get(key);
  set?.delete(item);
  if (set?.size === 0) sets.delete(key);
}
