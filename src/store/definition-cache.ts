/**
 * Compiled definitions by id and version. A version never changes, so an entry leaves only when the cache is full. Requests
 * for the same version share one load. While the definition database is unavailable, `get` throws a retryable MillraceError.
 */
import { LRUCache } from 'lru-cache';
import { parseDefinition, storedDefinitionLimits } from '../core/definition/index.ts';
import type { Definition } from '../core/definition/types.ts';
import { MillraceError } from '../core/error.ts';
import type { DefinitionId } from '../core/ids.ts';
import type { Json } from '../core/json.ts';
import type { DefinitionStore } from './definition-store.ts';

const VERSIONS_KEPT = 1_000;

export type DefinitionCache = {
  /** @returns null when there is no such version. */
  get(id: DefinitionId, version: number): Promise<Definition | null>;
  /** The version if it is in the cache, without waiting. */
  peek(id: DefinitionId, version: number): Definition | undefined;
};

export function createDefinitionCache(store: Pick<DefinitionStore, 'get'>): DefinitionCache {
  const cache = new LRUCache<string, Definition, Version>({
    max: VERSIONS_KEPT,
    // A version that is evicted while it is loading is still given to those who wait for it.
    ignoreFetchAbort: true,
    fetchMethod: async (_key, _stale, { context: { id, version } }) => {
      const stored = await store.get(id, version);
      return stored === null ? undefined : compile(id, version, stored.document);
    },
  });
  return {
    get: async (id, version) => (await cache.fetch(`${id}@${version}`, { context: { id, version } })) ?? null,
    peek: (id, version) => cache.get(`${id}@${version}`),
  };
}

type Version = { readonly id: DefinitionId; readonly version: number };

function compile(id: DefinitionId, version: number, document: Json): Definition {
  const parsed = parseDefinition(document, { version, limits: storedDefinitionLimits });
  if (parsed.ok) return parsed.value;
  const errors = parsed.error.map(({ pointer, message }) => `${pointer}: ${message}`).join('; ');
  const message = `Version ${version} of ${id} was deployed once and is refused now: ${errors}`;
  throw new MillraceError('MR_DEFINITION_UNREADABLE', message, { retryable: false });
}
