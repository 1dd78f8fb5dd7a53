/** API keys: only their hashes are stored. */
import type { ApiKey, DefinitionStore } from '../../definition-store.ts';
import { translating } from '../connection/errors.ts';
import type { Pool } from '../connection/pools.ts';
import { epochMs, instant } from '../sql/times.ts';

type ApiKeys = Pick<DefinitionStore, 'createApiKey' | 'reinstateApiKey' | 'findApiKey' | 'listApiKeys' | 'revokeApiKey'>;

const fields = `key_id AS "keyId", subject, role, task_roles AS "taskRoles", ${epochMs('created_at')} AS "createdAt"`;

export function createApiKeys(pool: Pool): ApiKeys {
  return {
    async createApiKey({ keyId, subject, role, taskRoles, createdAt }, hash) {
      // ON CONFLICT without a target: of two processes that insert the same key, the second may conflict on the id or on the hash.
      await translating(() =>
        pool.query(
          `INSERT INTO api_key (key_id, hash, subject, role, task_roles, created_at) VALUES ($1, $2, $3, $4, $5, ${instant('$6')})
            ON CONFLICT DO NOTHING`,
          [keyId, hash, subject, role, taskRoles, createdAt],
        ),
      );
    },
    async reinstateApiKey(hash) {
      await translating(() => pool.query('UPDATE api_key SET revoked_at = NULL WHERE hash = $1 AND revoked_at IS NOT NULL', [hash]));
    },
    async findApiKey(hash) {
      const { rows } = await translating(() =>
        pool.query<ApiKey>({
          name: 'find-api-key',
          text: `SELECT ${fields} FROM api_key WHERE hash = $1 AND revoked_at IS NULL`,
          values: [hash],
        }),
      );
      return rows[0] ?? null;
    },
    async listApiKeys() {
      const { rows } = await translating(() =>
        pool.query<ApiKey>(`SELECT ${fields} FROM api_key WHERE revoked_at IS NULL ORDER BY created_at, key_id`),
      );
      return rows;
    },
    async revokeApiKey(keyId) {
      const { rowCount } = await translating(() =>
        pool.query('UPDATE api_key SET revoked_at = now() WHERE key_id = $1 AND revoked_at IS NULL', [keyId]),
      );
      return (rowCount ?? 0) > 0;
    },
  };
}
