/**
 * Compiled definitions by id and version. A version never changes, so an entry leaves only when the cache is full. Requests
 * for the same version share one load. While the definition database is unavailable, `get` throws a retryable MillraceError.
 */
import { LRUCache } from 'lru-cache';
import { storedDefinitionLimits } from '../core/definition/index.ts';
import type { Definition } from '../core/definition/types.ts';
import { MillraceError } from '../core/error.ts';
import type { DefinitionId } from '../core/ids.ts';
import type { Json } from '../core/json.ts';
import type { DefinitionStore } from './definition-store.ts';
import { createLatestVersions } from './latest-versions.ts';
import { parseInTurns } from './parse-in-turns.ts';
import { createVersionMarks, type MarksOfVersions } from './version-marks.ts';

const VERSIONS_KEPT = 1_000;
/** Of documents; what they compile to takes about ten times as much memory. */
const CHARACTERS_KEPT = 16 * 1_048_576;

export type DefinitionCache = {
  /** @returns null when there is no such version. */
  get(id: DefinitionId, version: number): Promise<Definition | null>;
  /** The version if it is in the cache, without waiting. */
  peek(id: DefinitionId, version: number): Definition | undefined;
};

export function createDefinitionCache(store: Pick<DefinitionStore, 'get' | 'hints' | 'latestVersion'>): DefinitionCache & MarksOfVersions {
  const cache = new LRUCache<string, Definition, Version>({
    max: VERSIONS_KEPT,
    maxSize: CHARACTERS_KEPT,
    sizeCalculation: ({ document }) => JSON.stringify(document).length,
    // A version that is evicted while it is loading is still given to those who wait for it.
    ignoreFetchAbort: true,
    fetchMethod: async (_key, _stale, { context: { id, version } }) => {
      const stored = await store.get(id, version);
      return stored === null ? undefined : compile(id, version, stored.document);
    },
  });
  const load = async (id: DefinitionId, version: number): Promise<Definition | null> =>
    (await cache.fetch(`${id}@${version}`, { context: { id, version } })) ?? null;
  return {
    ...createVersionMarks({ store, latest: createLatestVersions(store), load }),
    get: load,
    peek: (id, version) => cache.get(`${id}@${version}`),
  };
}

type Version = { readonly id: DefinitionId; readonly version: number };

async function compile(id: DefinitionId, version: number, document: Json): Promise<Definition> {
  const parsed = await parseInTurns(document, { version, limits: storedDefinitionLimits, checksTypes: false });
  if (parsed.ok) return parsed.value;
  const errors = parsed.error.map(({ pointer, message }) => `${pointer}: ${message}`).join('; ');
  const message = `Version ${version} of ${id} was deployed once and is refused now: ${errors}`;
  throw new MillraceError('MR_DEFINITION_UNREADABLE', message, { retryable: false });
}
