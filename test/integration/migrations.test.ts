import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assertInstallation, createPool, type Pool } from '../../src/store/postgres/index.ts';
import { createFreshDatabases, type FreshDatabases } from '../support/fresh-databases.ts';

let databases: FreshDatabases;
let pool: Pool;

beforeAll(async () => {
  databases = await createFreshDatabases('migrations_test');
  pool = createPool(databases.config.databases.instances, { connections: 2 });
});
afterAll(async () => {
  await pool.end();
  await databases.drop();
});

/** Everything that a migration could have changed. */
async function everything(): Promise<unknown> {
  return await databases.query(`SELECT
    (SELECT json_agg(json_build_object('name', name) ORDER BY name) FROM migration_of_instances) AS migrations,
    (SELECT json_agg(c.relname || c.relkind::text ORDER BY c.relname) FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace) AS relations,
    (SELECT json_agg(pg_get_constraintdef(oid) ORDER BY oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace) AS constraints,
    (SELECT json_agg(s) FROM outbox_slot s) AS slot, (SELECT json_agg(i) FROM installation i) AS installation,
    (SELECT json_agg(r) FROM outbox_republish r) AS republish`);
}

describe('migrate', () => {
  it('refuses a process before it ran', async () => {
    await expect(assertInstallation(pool, 8)).rejects.toMatchObject({ code: 'MR_NOT_INSTALLED', retryable: false });
  });

  it('says which setting it lacks for the slot, and makes the rest', async () => {
    await databases.migrate({ replication: null });
    expect(databases.log.lines.join('\n')).toMatch(/REPLICATION_DATABASE_URL/);
    expect(await databases.query('SELECT FROM pg_replication_slots WHERE slot_name = $1', [databases.slot])).toHaveLength(0);
    await assertInstallation(pool, 8);
  });

  it('makes the slot for Debezium: pgoutput, in this database, kept over a failover', async () => {
    await databases.migrate();
    expect(
      await databases.query('SELECT plugin, database, temporary, failover, wal_status FROM pg_replication_slots WHERE slot_name = $1', [
        databases.slot,
      ]),
    ).toEqual([{ plugin: 'pgoutput', database: 'migrations_test_instances', temporary: false, failover: true, wal_status: 'reserved' }]);
    expect(await databases.query('SELECT FROM outbox_republish')).toHaveLength(0);
  });

  it('changes nothing the second time', async () => {
    const before = await everything();
    await databases.migrate();
    expect(await everything()).toEqual(before);
  });

  it('can run in several processes at once', async () => {
    const before = await everything();
    await Promise.all([databases.migrate(), databases.migrate(), databases.migrate()]);
    expect(await everything()).toEqual(before);
  });

  it('keeps the number of partitions for ever', async () => {
    await expect(databases.migrate({ partitions: 16 })).rejects.toMatchObject({ code: 'MR_PARTITIONS_FROZEN', retryable: false });
    await expect(assertInstallation(pool, 16)).rejects.toMatchObject({ code: 'MR_PARTITIONS_FROZEN', retryable: false });
    await assertInstallation(pool, 8);
  });

  it('follows the limit of a record when that changes, in every partition', async () => {
    const insert = (bytes: number) =>
      pool.query("INSERT INTO outbox (topic, key, message_type, payload) VALUES ('t', 'k', 'm', $1)", [Buffer.alloc(bytes)]);
    await insert(200_000);
    await databases.migrate({ maxMessageBytes: 100_000 });
    await expect(insert(100_000)).rejects.toMatchObject({ constraint: 'outbox_payload_size' });
    await insert(90_000);
    await databases.migrate();
    await insert(200_000);
    await expect(insert(1_048_576)).rejects.toMatchObject({ constraint: 'outbox_payload_size' });
  });

  it.each(['topic', 'key', 'message_type', 'payload'])(
    'lets no row into the outbox without its %s, which would halt the connector',
    async (column) => {
      const values = { topic: "'t'", key: "'k'", message_type: "'m'", payload: "''" };
      const insert = (row: Readonly<Record<string, string>>) =>
        pool.query(`INSERT INTO outbox (${Object.keys(row).join(', ')}) VALUES (${Object.values(row).join(', ')})`);
      await insert(values);
      await expect(insert({ ...values, [column]: 'NULL' })).rejects.toMatchObject({ code: '23502', column });
    },
  );

  it('makes partitions of the outbox ahead, so that nothing falls into the default one', async () => {
    const [row] = await databases.query<{ hours: number; stray: boolean }>(`SELECT
      (SELECT count(*)::int FROM pg_inherits WHERE inhparent = 'outbox'::regclass) AS hours, EXISTS (SELECT FROM outbox_default) AS stray`);
    expect(row).toMatchObject({ stray: false });
    expect(row?.hours).toBeGreaterThan(48);
  });

  it('lets the connector’s login read the outbox and write the heartbeat, and nothing else', async () => {
    const client = new pg.Client({ connectionString: databases.config.databases.replication ?? '' });
    await client.connect();
    try {
      await client.query('SELECT * FROM outbox LIMIT 1');
      await client.query('INSERT INTO heartbeat DEFAULT VALUES');
      for (const sql of [
        "INSERT INTO outbox (topic, key, message_type, payload) VALUES ('t', 'k', 'm', '')",
        'DELETE FROM outbox',
        'SELECT * FROM instance',
        'SELECT * FROM task',
        'SELECT * FROM history',
        'SELECT * FROM command',
        'UPDATE installation SET partitions = 1',
        'CREATE TABLE intruder ()',
      ])
        await expect(client.query(sql), sql).rejects.toMatchObject({ code: '42501' });
    } finally {
      await client.end();
    }
  });

  it('marks what a new slot cannot know, when the one before is gone', async () => {
    await databases.query('SELECT pg_drop_replication_slot($1)', [databases.slot]);
    await databases.migrate();
    expect(databases.log.lines.join('\n')).toMatch(/millrace republish/);
    expect(await databases.query('SELECT last_row_id FROM outbox_republish')).toEqual([{ last_row_id: null }]);
  });

  it('refuses a slot that belongs to another database', async () => {
    const other = await createFreshDatabases('migrations_other');
    try {
      await expect(other.migrate({ prefix: 'migrations_test' })).rejects.toMatchObject({ code: 'MR_SLOT_TAKEN', retryable: false });
    } finally {
      await other.drop();
    }
  });

  it('says which database it cannot reach', async () => {
    const { migrate } = await import('../../src/store/postgres/install/migrate.ts');
    const { databases: urls, topics } = databases.config;
    const nowhere = urls.instances.replace(/:\d+\//, ':1/');
    await expect(migrate({ databases: { ...urls, instances: nowhere }, topics }, databases.log)).rejects.toMatchObject({
      code: 'MR_DATABASE_UNAVAILABLE',
      retryable: true,
      message: expect.stringContaining('INSTANCE_DATABASE_URL') as string,
    });
  });
});
