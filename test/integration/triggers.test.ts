/** Triggers on Postgres. */
import { afterAll, beforeAll } from 'vitest';
import { createPool, type Pool } from '../../src/store/postgres/index.ts';
import { testSchedules } from '../contract/schedules.contract.ts';
import { testTriggers } from '../contract/triggers.contract.ts';
import { createFreshDatabases, type FreshDatabases } from '../support/fresh-databases.ts';
import { storeOn } from '../support/postgres-store.ts';
import { matcher } from '../support/store-lab.ts';

let databases: FreshDatabases;
let pool: Pool;

beforeAll(async () => {
  databases = await createFreshDatabases('triggers_test');
  await databases.migrate({ replication: null });
  pool = createPool(databases.config.databases.instances, { connections: 10 });
});
afterAll(async () => {
  await pool.end();
  await databases.drop();
});

testTriggers(async () => storeOn(pool, matcher));
testSchedules(async () => storeOn(pool, matcher));
