/** The contract of definition stores, on Postgres, and what only Postgres can show. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { DefinitionId } from '../../src/core/ids.ts';
import { createDefinitionStore, createPool, type Pool } from '../../src/store/postgres/index.ts';
import { testDefinitionStore } from '../contract/definition-store.contract.ts';
import { createFreshDatabases, type FreshDatabases } from '../support/fresh-databases.ts';

let databases: FreshDatabases;
let pool: Pool;

beforeAll(async () => {
  databases = await createFreshDatabases('definition_store_test');
  await databases.migrate({ replication: null });
  pool = createPool(databases.config.databases.definitions, { connections: 8 });
});
afterAll(async () => {
  await pool.end();
  await databases.drop();
});

testDefinitionStore(async () => createDefinitionStore(pool));

it('never changes a version', async () => {
  await createDefinitionStore(pool).deploy('fixed' as DefinitionId, { n: 1 }, 'hash', 'ada');
  for (const sql of ["UPDATE definition_version SET deployed_by = 'eve'", 'DELETE FROM definition_version', 'TRUNCATE definition_version'])
    await expect(pool.query(sql)).rejects.toMatchObject({ message: 'a deployed version never changes' });
});
