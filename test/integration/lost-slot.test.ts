/**
 * A slot that Postgres invalidated, since it held back too much WAL: it is noticed and reported, kept until a person republishes,
 * and then replaced (protocol, "Outbox" 2 and 3). On a server of its own: the limit is the whole server's.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  createInstanceStore,
  createMaintenance,
  createOutboxGauge,
  createPool,
  type Pool,
  republish,
} from '../../src/store/postgres/index.ts';
import { eventually } from '../support/eventually.ts';
import { type ExtraPostgres, startExtraPostgres } from '../support/extra-postgres.ts';
import { createFreshDatabases, type FreshDatabases } from '../support/fresh-databases.ts';
import { matcher, message, topics } from '../support/store-lab.ts';

const HOUR_MS = 3_600_000;

let server: ExtraPostgres;
let databases: FreshDatabases;
let pool: Pool;

beforeAll(async () => {
  server = await startExtraPostgres('lost-slot', () => ({ max_slot_wal_keep_size: '1MB', min_wal_size: '32MB', max_wal_size: '32MB' }));
  databases = await createFreshDatabases('lost_slot_test', server.env);
  await databases.migrate();
  pool = createPool(databases.config.databases.instances, { connections: 3 });
  await store().registerTopics(Object.values(topics));
}, 180_000);
afterAll(async () => {
  await pool?.end();
  await databases?.drop();
  await server?.stop();
});

function store() {
  return createInstanceStore(pool, matcher, { eventTtlMs: HOUR_MS });
}

async function publish(n: number): Promise<void> {
  await store().publish([message('InstanceChanged', topics.lifecycle, `key-${n}`, { n })]);
}

async function walStatus(): Promise<string | undefined> {
  const [slot] = await databases.query<{ status: string }>('SELECT wal_status AS status FROM pg_replication_slots WHERE slot_name = $1', [
    databases.slot,
  ]);
  return slot?.status;
}

/** A partition of a past hour. */
async function addOldPartition(): Promise<void> {
  await pool.query(`CREATE TABLE outbox_2026010100 PARTITION OF outbox FOR VALUES FROM ('2026-01-01T00:00Z') TO ('2026-01-01T01:00Z')`);
}

it('is noticed, refuses starts, and is replaced by republishing only, which publishes everything again', async () => {
  const gauge = createOutboxGauge(pool, databases.slot);
  const maintenance = createMaintenance(pool, {
    slot: databases.slot,
    outboxRetentionMs: HOUR_MS,
    retention: { jobsMs: 3_600_000, instancesMs: null },
    eventTtlMs: HOUR_MS,
    log: databases.log,
  });
  await addOldPartition();
  for (let n = 1; n <= 3; n++) await publish(n);
  expect(await maintenance.run()).toMatchObject({ partitionsDetached: 1, partitionsDropped: 0, failed: [] });
  await databases.query('SELECT pg_replication_slot_advance($1, pg_current_wal_flush_lsn())', [databases.slot]);
  expect(await gauge.read()).toMatchObject({ slotExists: true, slotLost: false, confirmed: true });

  await eventually(async () => {
    await databases.query('SELECT pg_switch_wal()');
    await databases.query('INSERT INTO heartbeat DEFAULT VALUES');
    await databases.query('CHECKPOINT');
    expect(await walStatus()).toBe('lost');
  });
  expect(await gauge.read()).toMatchObject({ slotExists: false, slotLost: true, confirmed: false });

  await maintenance.noticeLostSlot();
  expect(databases.log.lines.join('\n')).toMatch(/what it had not confirmed is not published: run `millrace republish`/);
  expect(await gauge.read()).toMatchObject({ republishPending: true });
  // The slot had confirmed all of the detached partition, but rows that must be published again are kept.
  expect(await maintenance.run()).toMatchObject({ partitionsDropped: 0, failed: [] });

  databases.log.lines.length = 0;
  await databases.migrate();
  expect(databases.log.lines.join('\n')).toMatch(/The replication slot is lost, so nothing is published: run `millrace republish`/);
  expect(await walStatus()).toBe('lost');

  const options = { slot: databases.slot, replicationUrl: databases.config.databases.replication, log: databases.log };
  expect(await republish(pool, options)).toBe(3);
  expect(await walStatus()).toBe('reserved');
  const read = await databases.query<{ data: Buffer }>(
    `SELECT data FROM pg_logical_slot_peek_binary_changes($1, NULL, NULL, 'proto_version', '1', 'publication_names', 'millrace_outbox')`,
    [databases.slot],
  );
  const keys = read.flatMap(({ data }) => /key-\d/.exec(data.toString('latin1'))?.[0] ?? []);
  expect(keys).toEqual(['key-1', 'key-2', 'key-3']);
  await databases.query('SELECT pg_replication_slot_advance($1, pg_current_wal_flush_lsn())', [databases.slot]);
  expect(await gauge.read()).toMatchObject({ slotExists: true, slotLost: false, confirmed: true, republishPending: false });
  expect(await maintenance.run()).toMatchObject({ partitionsDropped: 1, failed: [] });
});
