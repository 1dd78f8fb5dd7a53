/**
 * The latest version of each definition. Kept for a second, so that starts ask the database at most once a second; a
 * version that this process deploys is known at once. Concurrent requests share one query.
 */
import { LRUCache } from 'lru-cache';
import type { DefinitionId } from '../core/ids.ts';
import type { DefinitionStore } from './definition-store.ts';

const KEPT_MS = 1_000;

export interface LatestVersions {
  /** null: no such definition. */
  get(id: DefinitionId): number | null | Promise<number | null>;
  /** This process has just made the version. */
  deployed(id: DefinitionId, version: number): void;
}

export function createLatestVersions(definitions: Pick<DefinitionStore, 'latestVersion'>): LatestVersions {
  const known = new LRUCache<DefinitionId, number>({
    max: 10_000,
    ttl: KEPT_MS,
    // A query that was running during a deploy still answers its callers; the cache keeps the newer version.
    ignoreFetchAbort: true,
    fetchMethod: async (id) => (await definitions.latestVersion(id)) ?? undefined,
  });
  return {
    get: (id) => known.get(id) ?? known.fetch(id).then((version) => version ?? null),
    deployed: (id, version) => void known.set(id, version),
  };
}
