/**
 * Which version of a definition is the latest. Kept for a second, so that starts ask the database once a second; a deploy
 * by this process is known at once.
 */
import { LRUCache } from 'lru-cache';
import type { DefinitionId } from '../core/ids.ts';
import type { DefinitionStore } from '../store/definition-store.ts';

const KEPT_MS = 1_000;

export interface LatestVersions {
  /** null: no such definition. */
  get(id: DefinitionId): number | null | Promise<number | null>;
  deployed(id: DefinitionId): void;
}

export function createLatestVersions(definitions: Pick<DefinitionStore, 'get'>): LatestVersions {
  const known = new LRUCache<DefinitionId, number>({ max: 10_000, ttl: KEPT_MS });
  const asking = new Map<DefinitionId, Promise<number | null>>();

  return {
    get(id) {
      const version = known.get(id);
      if (version !== undefined) return version;
      const underWay = asking.get(id);
      if (underWay !== undefined) return underWay;
      const promise: Promise<number | null> = definitions
        .get(id, 'latest')
        .then((stored) => {
          // An answer that was under way when this process deployed may be older than the deploy.
          if (stored !== null && asking.get(id) === promise) known.set(id, stored.version);
          return stored?.version ?? null;
        })
        .finally(() => {
          if (asking.get(id) === promise) asking.delete(id);
        });
      asking.set(id, promise);
      return promise;
    },
    deployed(id) {
      known.delete(id);
      asking.delete(id);
    },
  };
}
