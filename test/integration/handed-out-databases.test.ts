/**
 * Databases as administrators hand them out: with settings by ALTER DATABASE and ALTER ROLE under which the stores could not work.
 * The contract of instance stores holds there too, and the tables are where Debezium looks for them.
 */
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inTransaction } from '../../src/store/postgres/connection/pools.ts';
import { assertSetup, createPools, type Pools } from '../../src/store/postgres/index.ts';
import { testEvents } from '../contract/events.contract.ts';
import { testInstanceStore } from '../contract/instance-store.contract.ts';
import { testWaitsForSeveralEvents } from '../contract/several-events.contract.ts';
import { createFreshDatabases, type FreshDatabases, type Setting } from '../support/fresh-databases.ts';
import { storeOn } from '../support/postgres-store.ts';
import { matcher, newDefinition, openLab } from '../support/store-lab.ts';

const ofTheRole: readonly Setting[] = [
  { by: 'role', name: 'search_path', value: 'app, public' },
  { by: 'role', name: 'lock_timeout', value: '1' },
  { by: 'role', name: 'idle_session_timeout', value: '1000' },
  { by: 'role', name: 'synchronous_commit', value: 'off' },
  { by: 'role', name: 'plan_cache_mode', value: 'force_custom_plan' },
];

const ofTheDatabase: readonly Setting[] = [
  { by: 'database', name: 'default_transaction_read_only', value: 'on' },
  { by: 'database', name: 'datestyle', value: "'German'" },
  { by: 'database', name: 'timezone', value: "'Asia/Kathmandu'" },
  { by: 'database', name: 'bytea_output', value: "'escape'" },
  { by: 'database', name: 'standard_conforming_strings', value: 'off' },
];

describe.each(['repeatable read', 'serializable'])('databases whose transactions are %s by default', (isolation) => {
  let databases: FreshDatabases;
  let pools: Pools;

  beforeAll(async () => {
    const name = `handed_out_${isolation.replace(' ', '_')}_test`;
    databases = await createFreshDatabases(name, undefined, [
      { by: 'database', name: 'default_transaction_isolation', value: `'${isolation}'` },
      ...ofTheRole,
      ...ofTheDatabase,
    ]);
    for (const url of [databases.config.databases.definitions, databases.config.databases.instances]) await makeSchema(url);
    await databases.migrate({ replication: null });
    const { definitions, instances } = databases.config.databases;
    pools = createPools({ definitions, instances }, { connections: 10 });
  });
  afterAll(async () => {
    await pools.close();
    await databases.drop();
  });

  testInstanceStore(async () => storeOn(pools.instances, matcher));
  testEvents(async () => storeOn(pools.instances, matcher));
  testWaitsForSeveralEvents(async () => storeOn(pools.instances, matcher));

  it('have everything where Debezium looks for it, and nothing in the schema of the role', async () => {
    await assertSetup(pools, 8);
    expect(await databases.query(`SELECT FROM pg_tables WHERE schemaname = 'app'`)).toEqual([]);
    expect(await databases.query(`SELECT schemaname, tablename FROM pg_publication_tables ORDER BY 2`)).toEqual([
      { schemaname: 'public', tablename: 'heartbeat' },
      { schemaname: 'public', tablename: 'outbox' },
    ]);
  });

  it('keep what was committed', async () => {
    expect((await pools.instances.query('SHOW synchronous_commit')).rows).toEqual([{ synchronous_commit: 'on' }]);
  });

  it('compress with lz4 where the server was built with it', async () => {
    const { rows } = await pools.instances.query<{ setting: string; best: string }>(
      `SELECT setting, CASE WHEN 'lz4' = ANY (enumvals) THEN 'lz4' ELSE 'pglz' END AS best FROM pg_settings WHERE name = 'default_toast_compression'`,
    );
    expect(rows.map(({ setting }) => setting)).toEqual(rows.map(({ best }) => best));
  });

  it('run a statement again that another one was in the way of', async () => {
    await pools.instances.query('CREATE SEQUENCE tries');
    await pools.instances.query(`CREATE FUNCTION third_time() RETURNS bigint LANGUAGE plpgsql AS $$ DECLARE tried bigint := nextval('tries');
      BEGIN IF tried < 3 THEN RAISE EXCEPTION 'could not serialize access' USING ERRCODE = '40001'; END IF; RETURN tried; END $$`);
    expect((await pools.instances.query<{ tried: string }>('SELECT third_time() AS tried')).rows).toEqual([{ tried: '3' }]);
  });

  it('let both of two transactions through that wait for each other', async () => {
    const lab = await openLab(storeOn(pools.instances, matcher));
    const definition = newDefinition({ nodes: { nap: { type: 'wait', for: '1h' } }, edges: [] });
    const ids = [await lab.start(definition), await lab.start(definition)];
    const bothHold = Promise.withResolvers<void>();
    let holding = 0;
    let runs = 0;
    const lockInOrder = (order: readonly string[]) =>
      inTransaction(pools.instances, async (client) => {
        runs++;
        for (const id of order) {
          await client.query('SELECT FROM instance WHERE id = $1 FOR UPDATE', [id]);
          holding++;
          if (holding >= 2) bothHold.resolve();
          await bothHold.promise;
        }
      });
    await Promise.all([lockInOrder(ids), lockInOrder(ids.toReversed())]);
    // On a busy machine the one that runs again may meet the other once more.
    expect(runs).toBeGreaterThanOrEqual(3);
  });
});

/** As the login whose search path names it. */
async function makeSchema(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query('SET default_transaction_read_only = off');
    await client.query('CREATE SCHEMA app');
  } finally {
    await client.end();
  }
}
