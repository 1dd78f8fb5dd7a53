/** Reads the states of a batch's instances: from the cache, and what it lacks from the database. */
import { handleWhenResult, IterableBackoff, retry } from 'cockatiel';
import type { EpochMs, InstanceId } from '../../core/ids.ts';
import { timeOf } from '../../core/instance/children/child-id.ts';
import { type AddressedNotification, isForChild } from '../../core/instance/decide/notification.ts';
import { visibleAfterMs } from '../../messaging/visible-after.ts';
import type { InstanceStore, StoredInstance, WantedInstance } from '../../store/instance-store.ts';
import type { InstanceBatch } from './decision.ts';
import type { StateCache } from './state-cache.ts';
import { wantedScopes } from './wanted-scopes.ts';

export type LoadedStates = { readonly states: ReadonlyMap<InstanceId, StoredInstance>; readonly hits: number; readonly misses: number };

/** @returns no state for an id that no instance has. */
export async function loadStates(
  store: Pick<InstanceStore, 'load'>,
  partition: number,
  batches: readonly InstanceBatch<AddressedNotification>[],
  cache: StateCache,
  now: () => EpochMs,
): Promise<LoadedStates> {
  const states = new Map<InstanceId, StoredInstance>();
  const missing: WantedInstance[] = [];
  for (const { instanceId, notifications } of batches) {
    const cached = cache.get(instanceId);
    if (cached === undefined) missing.push({ instanceId, scopes: wantedScopes(notifications) });
    else states.set(instanceId, cached);
  }
  const hits = states.size;
  const asked = new Set(batches.filter(isOfChild).map(({ instanceId }) => instanceId));
  if (missing.length > 0) for (const [id, loaded] of await loadVisible(store, partition, missing, asked, now)) states.set(id, loaded);
  return { states, hits, misses: missing.length };
}

/** A child that is not there is started, or has nothing to be retried: the insert meets one that is there and not yet visible. */
function isOfChild({ notifications }: InstanceBatch<AddressedNotification>): boolean {
  return notifications.some(({ notification }) => isForChild(notification));
}

/**
 * Postgres sends a commit to Debezium before it shows it to other sessions, so an outcome can overtake the start of its
 * own instance: a young one that is not there is looked for again before it counts as unknown.
 */
async function loadVisible(
  store: Pick<InstanceStore, 'load'>,
  partition: number,
  all: readonly WantedInstance[],
  asked: ReadonlySet<InstanceId>,
  now: () => EpochMs,
): Promise<ReadonlyMap<InstanceId, StoredInstance>> {
  const found = new Map<InstanceId, StoredInstance>();
  const load = async (): Promise<boolean> => {
    const wanted = all.filter(({ instanceId }) => !found.has(instanceId));
    for (const [id, loaded] of await store.load(partition, wanted)) found.set(id, loaded);
    return all.some(({ instanceId }) => !found.has(instanceId) && !asked.has(instanceId) && isYoung(instanceId, now()));
  };
  if (await load()) await untilVisible.execute(load);
  return found;
}

const untilVisible = retry(
  handleWhenResult((isMissing) => isMissing === true),
  { maxAttempts: visibleAfterMs.length, backoff: new IterableBackoff([...visibleAfterMs]) },
);

/** Clocks of API processes may be wrong by as much. */
const YOUNG_MS = 2 * 3_600_000;

/** Whether a start of this id may have been committed just now. */
function isYoung(instanceId: InstanceId, now: EpochMs): boolean {
  return Math.abs(now - timeOf(instanceId)) < YOUNG_MS;
}
