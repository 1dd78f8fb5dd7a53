/**
 * Compiled definitions by id and version. Versions are immutable, so an entry is right for ever; only room makes it go.
 * Requests for the same version share one load. The definition database away: `get` throws a retryable `MillraceError`.
 */
import { LRUCache } from 'lru-cache';
import { parseDefinition, storedDefinitionLimits } from '../core/definition/index.ts';
import type { Definition } from '../core/definition/types.ts';
import { MillraceError } from '../core/error.ts';
import type { DefinitionId } from '../core/ids.ts';
import type { DefinitionStore } from './definition-store.ts';

const VERSIONS_KEPT = 1_000;

export type DefinitionCache = {
  /** @returns null when there is no such version. */
  get(id: DefinitionId, version: number): Promise<Definition | null>;
  /** The version if it is at hand, without waiting. */
  peek(id: DefinitionId, version: number): Definition | undefined;
};

export function createDefinitionCache(store: Pick<DefinitionStore, 'get'>): DefinitionCache {
  const cache = new LRUCache<string, Definition>({ max: VERSIONS_KEPT });
  const loading = new Map<string, Promise<Definition | null>>();

  async function load(key: string, id: DefinitionId, version: number): Promise<Definition | null> {
    const stored = await store.get(id, version);
    if (stored === null) return null;
    const parsed = parseDefinition(stored.document, { version, limits: storedDefinitionLimits });
    if (!parsed.ok) {
      const faults = parsed.error.map(({ pointer, message }) => `${pointer}: ${message}`).join('; ');
      throw new MillraceError('MR_DEFINITION_UNREADABLE', `Version ${version} of ${id} was deployed once and is refused now: ${faults}`, {
        retryable: false,
      });
    }
    cache.set(key, parsed.value);
    return parsed.value;
  }

  return {
    get(id, version) {
      const key = `${id}@${version}`;
      const cached = cache.get(key);
      if (cached !== undefined) return Promise.resolve(cached);
      const underWay = loading.get(key);
      if (underWay !== undefined) return underWay;
      const promise = load(key, id, version).finally(() => loading.delete(key));
      loading.set(key, promise);
      return promise;
    },
    peek: (id, version) => cache.get(`${id}@${version}`),
  };
}
