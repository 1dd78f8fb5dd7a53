/**
 * One query now and then for all that requests and streams of this process wait for: it wakes those whose instance has another version than at
 * the look before. So a change that no record announces, or whose record was not read, costs a moment, and a thousand that wait cost one
 * query. Who is new is woken once: what happened between its own look and ours cannot be told otherwise.
 */
import type { InstanceId } from '../core/ids.ts';
import type { InstanceQueries } from '../store/instance-queries.ts';
import type { InstanceWatch } from './instance-watch.ts';

/** @returns the look, which is not to be taken twice at a time. */
export function lookAtWaited(
  watch: Pick<InstanceWatch, 'ids' | 'changed'>,
  queries: Pick<InstanceQueries, 'versionsOf'>,
): () => Promise<void> {
  let seen: ReadonlyMap<InstanceId, number> = new Map();
  return async () => {
    const ids = watch.ids();
    if (ids.length === 0) {
      seen = new Map();
      return;
    }
    const before = seen;
    const versions = await queries.versionsOf(ids);
    seen = versions;
    for (const id of ids) if (versions.get(id) !== before.get(id)) watch.changed(id);
  };
}
