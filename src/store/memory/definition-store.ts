/** The definition database in memory. */
import { childrenNamedIn } from '../../core/definition/index.ts';
import { mayHoldMarks } from '../../core/definition/typed/marks-in-schemas.ts';
import { patterns } from '../cursor.ts';
import type { DefinitionStore, DefinitionSummary, StoredDefinition } from '../definition-store.ts';
import { wordsOf } from '../definition-words.ts';
import { versionsMax } from '../page-limits.ts';
import { createMemoryApiKeys } from './api-keys.ts';
import { type List, page } from './pages.ts';

const definitions: List<DefinitionSummary> = {
  ...{ name: 'definitions', patterns: [patterns.name], order: 'ascending' },
  position: ({ id }) => [id],
};

export function createMemoryDefinitionStore(): DefinitionStore {
  /** Versions of each definition, oldest first. */
  const deployed = new Map<string, StoredDefinition[]>();
  return {
    ...createMemoryApiKeys(),
    async deploy(id, document, contentHash, deployedBy) {
      const versions = deployed.get(id) ?? [];
      const latest = versions.at(-1);
      if (latest?.contentHash === contentHash) return { version: latest.version, created: false };
      const version = versions.length + 1;
      deployed.set(id, [...versions, { id, version, document, contentHash, deployedAt: Date.now(), deployedBy }]);
      return { version, created: true };
    },
    async get(id, version) {
      const versions = deployed.get(id) ?? [];
      return (version === 'latest' ? versions.at(-1) : versions[version - 1]) ?? null;
    },
    async latestVersion(id) {
      return deployed.get(id)?.at(-1)?.version ?? null;
    },
    async callers(id, after, limit) {
      const name = `"definition":${JSON.stringify(id)}`;
      return [...deployed.values()]
        .flatMap((versions) => versions.at(-1) ?? [])
        .filter((latest) => latest.id !== id && latest.id > after && JSON.stringify(latest.document).includes(name))
        .sort((a, b) => (a.id < b.id ? -1 : 1))
        .slice(0, limit)
        .map(({ id: caller, version, document }) => ({ id: caller, version, document }));
    },
    async hints(id, version) {
      const found = deployed.get(id)?.[version - 1];
      if (found === undefined) return null;
      return { mayHoldMarks: mayHoldMarks(found.document), mayHaveChildren: childrenNamedIn(found.document).length > 0 };
    },
    async list(limit, cursor) {
      const all = [...deployed.values()].flatMap((versions): DefinitionSummary[] => {
        const latest = versions.at(-1);
        if (latest === undefined) return [];
        const { id, version: latestVersion, deployedAt, document } = latest;
        return [{ id, latestVersion, versions: versions.length, deployedAt, ...wordsOf(document) }];
      });
      return page(definitions, all, limit, cursor, (row) => row);
    },
    async versions(id) {
      return (deployed.get(id) ?? [])
        .slice(-versionsMax)
        .map(({ document: _, ...version }) => version)
        .reverse();
    },
  };
}
