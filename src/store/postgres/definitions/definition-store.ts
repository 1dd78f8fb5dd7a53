/**
 * Definitions and their versions. A deploy locks the row of its definition first, so that each of several sees the version before
 * it. The same content as the latest version is that version; any other content is the next one.
 */
import type { DefinitionId } from '../../../core/ids.ts';
import { decodeCursor, pageOf, patterns } from '../../cursor.ts';
import type { DefinitionDocument, DefinitionHints, DefinitionStore, DefinitionSummary, StoredDefinition } from '../../definition-store.ts';
import { wordsOf } from '../../definition-words.ts';
import { versionsMax } from '../../page-limits.ts';
import { translating } from '../connection/errors.ts';
import { inTransaction, type Pool } from '../connection/pools.ts';
import { epochMs } from '../sql/times.ts';
import { createApiKeys } from './api-keys.ts';

const list = 'definitions';
const versionFields = `id, version, content_hash AS "contentHash", ${epochMs('deployed_at')} AS "deployedAt", deployed_by AS "deployedBy"`;

export function createDefinitionStore(pool: Pool): DefinitionStore {
  return {
    ...createApiKeys(pool),

    async deploy(id, document, contentHash, by) {
      return await inTransaction(pool, async (client) => {
        await client.query('INSERT INTO definition (id) VALUES ($1) ON CONFLICT DO NOTHING', [id]);
        await client.query('SELECT FROM definition WHERE id = $1 FOR UPDATE', [id]);
        const { rows } = await client.query<{ version: number; content_hash: string }>(
          'SELECT version, content_hash FROM definition_version WHERE id = $1 ORDER BY version DESC LIMIT 1',
          [id],
        );
        const [latest] = rows;
        if (latest?.content_hash === contentHash) return { version: latest.version, created: false };
        const version = (latest?.version ?? 0) + 1;
        const { title, description, labels } = wordsOf(document);
        await client.query(
          `INSERT INTO definition_version (id, version, document, content_hash, deployed_by, title, description, labels)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
          [id, version, JSON.stringify(document), contentHash, by, title, description, JSON.stringify(labels)],
        );
        return { version, created: true };
      });
    },

    async get(id, version) {
      const { rows } = await translating(() =>
        pool.query<StoredDefinition>({
          name: 'get-definition',
          text: `SELECT ${versionFields}, document FROM definition_version WHERE id = $1 AND ($2::integer IS NULL OR version = $2)
            ORDER BY version DESC LIMIT 1`,
          values: [id, version === 'latest' ? null : version],
        }),
      );
      return rows[0] ?? null;
    },

    async latestVersion(id) {
      const { rows } = await translating(() =>
        pool.query<{ version: number }>({
          name: 'latest-version',
          text: 'SELECT version FROM definition_version WHERE id = $1 ORDER BY version DESC LIMIT 1',
          values: [id],
        }),
      );
      return rows[0]?.version ?? null;
    },

    async callers(id, after, limit) {
      const { rows } = await translating(() =>
        pool.query<DefinitionDocument>({
          name: 'callers-of-definition',
          text: `SELECT id, version, document FROM definition_version AS v
            WHERE named_definitions(document) @> ARRAY[$1::text] AND id <> $1 AND id COLLATE "C" > $2
              AND NOT EXISTS (SELECT FROM definition_version AS newer WHERE newer.id = v.id AND newer.version > v.version)
            ORDER BY id COLLATE "C" LIMIT $3`,
          values: [id, after, limit],
        }),
      );
      return rows;
    },

    async hints(id, version) {
      const { rows } = await translating(() =>
        pool.query<DefinitionHints>({
          name: 'definition-hints',
          // Documents are stored as they are deployed here: compact.
          text: `SELECT position('"sensitive":true' IN document::text) > 0 AS "mayHoldMarks",
              position('"definition":' IN document::text) > 0 AS "mayHaveChildren"
            FROM definition_version WHERE id = $1 AND version = $2`,
          values: [id, version],
        }),
      );
      return rows[0] ?? null;
    },

    async list(limit, cursor) {
      const after = cursor === null ? '' : (decodeCursor(list, cursor, [patterns.name])[0] ?? '');
      const { rows } = await translating(() =>
        pool.query<DefinitionSummary>(
          `SELECT d.id, v.version AS "latestVersion", v.version AS versions, ${epochMs('v.deployed_at')} AS "deployedAt",
            v.title, v.description, coalesce(v.labels, '{}') AS labels
          FROM definition d CROSS JOIN LATERAL (
            SELECT version, deployed_at, title, description, labels FROM definition_version v WHERE v.id = d.id ORDER BY version DESC LIMIT 1) AS v
          WHERE d.id > $1 ORDER BY d.id LIMIT $2`,
          [after, limit + 1],
        ),
      );
      return pageOf(
        rows,
        limit,
        list,
        ({ id }) => [id],
        (row) => row,
      );
    },

    async versions(id: DefinitionId) {
      const { rows } = await translating(() =>
        pool.query<Omit<StoredDefinition, 'document'>>(
          `SELECT ${versionFields} FROM definition_version WHERE id = $1 ORDER BY version DESC LIMIT ${versionsMax}`,
          [id],
        ),
      );
      return rows;
    },
  };
}
