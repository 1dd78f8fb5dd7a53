/** The outbox on Postgres: making and dropping partitions, its age, and publishing again after a lost slot. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  createInstanceStore,
  createMaintenance,
  createOutboxGauge,
  createOutboxProbes,
  createPool,
  type Pool,
  republish,
} from '../../src/store/postgres/index.ts';
import { testOutboxProbes } from '../contract/outbox-probes.contract.ts';
import { eventually } from '../support/eventually.ts';
import { createFreshDatabases, type FreshDatabases } from '../support/fresh-databases.ts';
import { eventOf, matcher, message, topics } from '../support/store-lab.ts';

const HOUR_MS = 3_600_000;

let databases: FreshDatabases;
let pool: Pool;

beforeAll(async () => {
  databases = await createFreshDatabases('outbox_test');
  await databases.migrate();
  pool = createPool(databases.config.databases.instances, { connections: 5 });
});
/** As it is installed: no row, and another slot. */
beforeEach(async () => {
  await databases.query('SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1', [databases.slot]);
  await databases.query(`DO $$ DECLARE old text; BEGIN
    FOR old IN SELECT name FROM outbox_detached_partition UNION SELECT relname FROM pg_class
      WHERE relname ~ '^outbox_\\d' AND relkind = 'r' AND relname < to_char(now() AT TIME ZONE 'UTC', '"outbox_"YYYYMMDDHH24') LOOP
      EXECUTE 'DROP TABLE ' || old;
    END LOOP; END $$`);
  await databases.query(`TRUNCATE outbox, outbox_probe, outbox_detached_partition, outbox_slot, outbox_republish, heartbeat, event_buffer, event_delivery, received_event,
    idempotency, command, claim RESTART IDENTITY`);
  databases.log.lines.length = 0;
  await databases.migrate();
  await store().registerTopics(Object.values(topics));
});
afterAll(async () => {
  await pool.end();
  await databases.drop();
});

function store() {
  return createInstanceStore(pool, matcher, { eventTtlMs: 1_000 });
}

function maintenance({ outboxRetentionMs = HOUR_MS, eventTtlMs = 1_000 } = {}) {
  return createMaintenance(pool, { ...databases, outboxRetentionMs, eventTtlMs, retention: { jobsMs: HOUR_MS, instancesMs: null } });
}

async function maintain() {
  const report = await maintenance().run();
  if (report === null) throw new Error('another process maintains the database');
  expect(report.failed).toEqual([]);
  return report;
}

async function publish(n: number): Promise<void> {
  await store().publish([message('InstanceChanged', topics.lifecycle, `key-${n}`, { n })]);
}

/** Confirms what was read, like Debezium, without sending. */
async function confirm(): Promise<void> {
  const [{ written } = { written: '' }] = await databases.query<{ written: string }>('SELECT pg_current_wal_insert_lsn()::text AS written');
  // A slot cannot be beyond the flushed WAL, the last part of which may be of other databases.
  await eventually(async () => {
    await databases.query('SELECT pg_replication_slot_advance($1, pg_current_wal_flush_lsn())', [databases.slot]);
    const rows = await databases.query('SELECT FROM pg_replication_slots WHERE slot_name = $1 AND confirmed_flush_lsn >= $2::pg_lsn', [
      databases.slot,
      written,
    ]);
    expect(rows).toHaveLength(1);
  });
}

/** Keys of the rows that a reader of the slot gets, in their order. */
async function readSlot(): Promise<readonly string[]> {
  const rows = await databases.query<{ data: Buffer }>(
    `SELECT data FROM pg_logical_slot_get_binary_changes($1, NULL, NULL, 'proto_version', '1', 'publication_names', 'millrace_outbox')`,
    [databases.slot],
  );
  return rows.flatMap(({ data }) =>
    data.toString('latin1', 0, 1) === 'I' ? [/key-\d+/.exec(data.toString('latin1'))?.[0] ?? 'heartbeat'] : [],
  );
}

/** An hour's partition with rows of that hour. */
async function fillOldHour(hoursAgo: number): Promise<string> {
  const from = new Date(Math.floor((Date.now() - hoursAgo * HOUR_MS) / HOUR_MS) * HOUR_MS).toISOString();
  const name = `outbox_${from.slice(0, 13).replaceAll(/[-T]/g, '')}`;
  await pool.query(
    `CREATE TABLE ${name} PARTITION OF outbox FOR VALUES FROM ('${from}') TO ('${new Date(Date.parse(from) + HOUR_MS).toISOString()}')`,
  );
  await pool.query(
    `INSERT INTO outbox (topic, key, message_type, payload, created_at) VALUES ('lab.tasks', 'key-${hoursAgo}', 'm', 'x', '${from}')`,
  );
  return name;
}

async function tables(): Promise<readonly string[]> {
  const rows = await databases.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class WHERE relname ~ '^outbox_\\d' AND relkind = 'r'`,
  );
  return rows.map(({ name }) => name);
}

describe('maintenance', () => {
  it('makes partitions ahead, once', async () => {
    await pool.query(`DO $$ DECLARE name text; BEGIN
      FOR name IN SELECT relname FROM pg_class WHERE relname ~ '^outbox_\\d' AND relkind = 'r' ORDER BY 1 DESC LIMIT 10 LOOP
        EXECUTE 'DROP TABLE ' || name;
      END LOOP; END $$`);
    const before = await tables();
    expect(await maintain()).toMatchObject({ partitionsMade: 10, rowsInDefault: false });
    expect(await maintain()).toMatchObject({ partitionsMade: 0 });
    expect(await tables()).toHaveLength(before.length + 10);
  });

  it('takes old partitions off, and drops them only when the slot has confirmed what was written until then', async () => {
    const [old, older, young] = [await fillOldHour(3), await fillOldHour(30), await fillOldHour(1)];
    expect(await maintain()).toMatchObject({ partitionsDetached: 2, partitionsDropped: 0 });
    expect(await tables()).toEqual(expect.arrayContaining([old, older, young]));
    expect(await readSlot()).toEqual(['key-3', 'key-30', 'key-1']);
    await confirm();
    expect(await maintain()).toMatchObject({ partitionsDetached: 0, partitionsDropped: 2 });
    expect(await tables()).toContain(young);
    expect(await tables()).not.toContain(old);
    expect(await tables()).not.toContain(older);
  });

  it('does not hold up whoever writes while an old writer holds a partition, and takes it off later', async () => {
    await fillOldHour(3);
    const writer = await pool.connect();
    try {
      await writer.query('BEGIN');
      await writer.query(`INSERT INTO outbox (topic, key, message_type, payload) VALUES ('lab.tasks', 'k', 'm', 'x')`);
      const run = maintenance().run();
      // It gives up waiting for the lock again and again, so inserts succeed.
      for (let n = 0; n < 20; n++) await publish(n);
      expect(await run).toMatchObject({ partitionsDetached: 0, failed: ['detach partitions'] });
      await writer.query('COMMIT');
    } finally {
      writer.release();
    }
    expect(await maintain()).toMatchObject({ partitionsDetached: 1 });
  });

  it('raises an alarm for rows in the default partition, and clears them when they are old and confirmed', async () => {
    const insert = (at: string) =>
      pool.query(`INSERT INTO outbox (topic, key, message_type, payload, created_at) VALUES ('lab.tasks', 'k', 'm', 'x', ${at})`);
    await insert(`now() - interval '5 hours'`);
    await insert(`now() - interval '2 hours'`);
    const one = maintenance({ outboxRetentionMs: 3 * HOUR_MS });
    expect(await one.run()).toMatchObject({ rowsInDefault: true, failed: [] });
    expect(databases.log.lines.join('\n')).toMatch(/partitions were not made ahead/);
    expect(await one.run()).toMatchObject({ rowsInDefault: true });
    await confirm();
    await one.run();
    expect(await databases.query('SELECT FROM outbox_default')).toHaveLength(1);
  });

  it('leaves it to the process that is at it', async () => {
    const other = await pool.connect();
    try {
      await other.query('SELECT pg_advisory_lock(7301450020)');
      expect(await maintenance().run()).toBeNull();
      await other.query('SELECT pg_advisory_unlock(7301450020)');
    } finally {
      other.release();
    }
    expect(await maintenance().run()).not.toBeNull();
  });

  it('deletes what is old, and keeps ids of events for longer than the events', async () => {
    await store().registerEventTypes(['t']);
    const [old, young] = [eventOf('t', 'k'), eventOf('t', 'k')];
    await store().correlate([old, young], matcher);
    await pool.query(`INSERT INTO heartbeat (at) VALUES (now() - interval '2 hours'), (now())`);
    await pool.query(
      `INSERT INTO idempotency VALUES ('d', 'old', '', gen_random_uuid(), 1, now() - interval '25 hours'), ('d', 'young', '', gen_random_uuid(), 1, now())`,
    );
    const command = `INSERT INTO command (id, instance_id, partition, type, issued_by, issued_at, status, result_at)
      VALUES (gen_random_uuid(), gen_random_uuid(), 0, 'pause', 'ada', now() - interval '30 hours'`;
    await pool.query(`${command}, 'applied', now() - interval '25 hours')`);
    await pool.query(`${command}, 'pending', NULL)`);
    await pool.query(`INSERT INTO claim VALUES (gen_random_uuid(), 'p', 1, 'ada', now() - interval '25 hours')`);
    await pool.query('UPDATE event_buffer SET expires_at = now() WHERE id = $1', [old.id]);
    await pool.query(`UPDATE received_event SET received_at = now() - interval '47 hours' WHERE id = $1`, [old.id]);
    expect((await maintain()).deleted).toMatchObject({ heartbeat: 1, received_event: 0, idempotency: 1, command: 1, claim: 1 });
    expect(await store().correlate([old], matcher)).toMatchObject({ duplicates: 1 });
    await pool.query(`UPDATE received_event SET received_at = now() - interval '49 hours'`);
    await pool.query('UPDATE event_buffer SET expires_at = now()');
    expect((await maintain()).deleted).toMatchObject({ received_event: 2, event_buffer: 1 });
  });

  it('keeps ids of events for twice as long as the events where those live for more than a day', async () => {
    const age = (hours: number) => `now() - interval '${hours} hours'`;
    await pool.query(
      `INSERT INTO received_event (source, id, received_at) VALUES ('s', 'kept', ${age(5 * 24)}), ('s', 'gone', ${age(7 * 24)})`,
    );
    const report = await maintenance({ eventTtlMs: 3 * 24 * HOUR_MS }).run();
    expect(report).toMatchObject({ failed: [], deleted: { received_event: 1 } });
    expect(await databases.query('SELECT id FROM received_event')).toEqual([{ id: 'kept' }]);
  });

  it('keeps idempotency keys and results of commands for a day', async () => {
    const age = (hours: number) => `now() - interval '${hours} hours'`;
    for (const hours of [23, 25]) {
      await pool.query(`INSERT INTO idempotency VALUES ('d', '${hours} h', '', gen_random_uuid(), 1, ${age(hours)})`);
      await pool.query(`INSERT INTO command (id, instance_id, partition, type, issued_by, issued_at, status, result_at)
        VALUES (gen_random_uuid(), gen_random_uuid(), 0, 'pause', '${hours} h', ${age(30)}, 'applied', ${age(hours)})`);
    }
    expect((await maintain()).deleted).toMatchObject({ idempotency: 1, command: 1 });
    expect(await databases.query('SELECT key FROM idempotency')).toEqual([{ key: '23 h' }]);
    expect(await databases.query('SELECT issued_by FROM command')).toEqual([{ issued_by: '23 h' }]);
  });
});

describe('the gauge', () => {
  it('tells the age of the oldest row that is not confirmed, and nothing of an idle outbox', async () => {
    const gauge = createOutboxGauge(pool, databases.slot);
    expect(await gauge.read()).toMatchObject({ slotExists: true, slotLost: false, confirmed: false });
    await confirm();
    expect(await gauge.read()).toMatchObject({ confirmed: true });
    await confirm();
    expect((await gauge.read()).oldestAgeSeconds).toBe(0);
    // The WAL grows by other things than rows of the outbox.
    await pool.query('INSERT INTO heartbeat DEFAULT VALUES');
    const since = await store().now();
    await eventually(async () => expect(await store().now()).toBeGreaterThan(since + 50));
    expect((await gauge.read()).oldestAgeSeconds).toBe(0);
    await publish(1);
    const first = await eventually(async () => {
      const reading = await gauge.read();
      expect(reading.oldestAgeSeconds).toBeGreaterThan(0.1);
      return reading;
    });
    expect(first.slotLagBytes).toBeGreaterThan(0);
    await confirm();
    expect((await gauge.read()).oldestAgeSeconds).toBeLessThan(first.oldestAgeSeconds);
  });

  it('takes Debezium’s last heartbeat for the time before its own first sample', async () => {
    await pool.query(`INSERT INTO heartbeat (at) VALUES (now() - interval '10 minutes')`);
    await publish(1);
    expect((await createOutboxGauge(pool, databases.slot).read()).oldestAgeSeconds).toBeGreaterThanOrEqual(600);
    await confirm();
    const gauge = createOutboxGauge(pool, databases.slot);
    await gauge.read();
    await confirm();
    expect((await gauge.read()).oldestAgeSeconds).toBe(0);
  });

  it('says when the slot is gone, and takes no other one for it until everything is published again', async () => {
    const gauge = createOutboxGauge(pool, databases.slot);
    await confirm();
    await publish(1);
    await databases.query('SELECT pg_drop_replication_slot($1)', [databases.slot]);
    expect(await gauge.read()).toMatchObject({ slotExists: false, confirmed: false });
    await maintenance().noticeLostSlot();
    expect(databases.log.lines.join('\n')).toMatch(/millrace republish/);
    await makeSlotAsDebezium();
    await confirm();
    expect(await gauge.read()).toMatchObject({ slotExists: true, confirmed: false, republishPending: true });
  });

  it('notices that Debezium made another slot, though nobody saw the first one missing', async () => {
    const gauge = createOutboxGauge(pool, databases.slot);
    await confirm();
    expect(await gauge.read()).toMatchObject({ slotExists: true, confirmed: true });
    await publish(1);
    await databases.query('SELECT pg_drop_replication_slot($1)', [databases.slot]);
    await makeSlotAsDebezium();
    await confirm();
    expect(await gauge.read()).toMatchObject({ slotExists: false, slotLost: false, confirmed: false });
    await maintenance().noticeLostSlot();
    expect(await gauge.read()).toMatchObject({ slotExists: true, confirmed: false, republishPending: true });
  });
});

/** What Debezium does when it finds no slot. */
async function makeSlotAsDebezium(): Promise<void> {
  await databases.query(`SELECT pg_create_logical_replication_slot($1, 'pgoutput')`, [databases.slot]);
}

describe('republish', () => {
  const again = () => republish(pool, { slot: databases.slot, replicationUrl: databases.config.databases.replication, log: databases.log });

  it('has nothing to do while the slot is there', async () => {
    await publish(1);
    expect(await again()).toBeNull();
    expect(await readSlot()).toEqual(['key-1']);
  });

  it('publishes everything that the outbox holds, partitions that were taken off too, and drops nothing before', async () => {
    await fillOldHour(3);
    await maintain();
    for (let n = 100; n < 110; n++) await publish(n);
    await databases.query('SELECT pg_drop_replication_slot($1)', [databases.slot]);
    await publish(110);
    await maintain();
    await databases.migrate();
    await publish(111);
    await confirm();
    await fillOldHour(5);
    expect(await maintain()).toMatchObject({ partitionsDetached: 0, partitionsDropped: 0 });
    expect(await again()).toBe(14);
    const read = await readSlot();
    expect(new Set(read)).toEqual(new Set(['key-3', 'key-5', ...Array.from({ length: 12 }, (_, n) => `key-${100 + n}`)]));
    expect(await again()).toBeNull();
    await confirm();
    expect(await maintain()).toMatchObject({ partitionsDetached: 1, partitionsDropped: 1 });
    expect(await createOutboxGauge(pool, databases.slot).read()).toMatchObject({ confirmed: true, republishPending: false });
  });

  it('publishes what was written before the first slot', async () => {
    await databases.query('SELECT pg_drop_replication_slot($1)', [databases.slot]);
    await databases.query('TRUNCATE outbox_slot');
    await publish(1);
    await databases.migrate();
    expect(databases.log.lines.join('\n')).toMatch(/from before the slot are not published by themselves/);
    expect(await createOutboxGauge(pool, databases.slot).read()).toMatchObject({ slotExists: true, republishPending: true });
    expect(await readSlot()).toEqual([]);
    expect(await again()).toBe(1);
    expect(await readSlot()).toEqual(['key-1']);
  });

  it('accepts the slot that Debezium made in the place of a missing one', async () => {
    await publish(1);
    await databases.query('SELECT pg_drop_replication_slot($1)', [databases.slot]);
    await makeSlotAsDebezium();
    await maintenance().noticeLostSlot();
    expect(await again()).toBe(1);
    expect(await readSlot()).toEqual(['key-1']);
    await confirm();
    await maintenance().noticeLostSlot();
    expect(await createOutboxGauge(pool, databases.slot).read()).toMatchObject({
      slotExists: true,
      confirmed: true,
      republishPending: false,
    });
  });

  it('goes on in the middle of a table, at the page where it failed', async () => {
    // Four rows a block: more than the blocks of one transaction.
    await pool.query(
      `INSERT INTO outbox (topic, key, message_type, payload)
        SELECT 'lab.tasks', 'key-' || n, 'm', decode(repeat(md5(n::text), 112), 'hex') FROM generate_series(1, 4500) AS n`,
    );
    await databases.query('SELECT pg_drop_replication_slot($1)', [databases.slot]);
    await databases.migrate();
    await databases.query(`CREATE FUNCTION refuse_it() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF NEW.key = 'key-4500' THEN RAISE EXCEPTION 'not now'; END IF; RETURN NEW; END $$`);
    await databases.query('CREATE TRIGGER refuse_it BEFORE INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION refuse_it()');
    try {
      await expect(again()).rejects.toThrow();
    } finally {
      await databases.query('DROP FUNCTION refuse_it CASCADE');
    }
    const first = await readSlot();
    expect(first.length).toBeGreaterThan(1_000);
    expect(await again()).toBe(4_500 - first.length);
    const rest = await readSlot();
    expect(new Set([...first, ...rest]).size).toBe(4_500);
  });

  it('goes on where it was broken off', async () => {
    for (let n = 0; n < 5; n++) await publish(n);
    await databases.query('SELECT pg_drop_replication_slot($1)', [databases.slot]);
    await databases.migrate();
    const [table = ''] = await databases
      .query<{ name: string }>('SELECT tableoid::regclass::text AS name FROM outbox LIMIT 1')
      .then((rows) => rows.map(({ name }) => name));
    // As a process leaves it that died after the whole of this table.
    await databases.query(`UPDATE outbox_republish SET last_row_id = 5, finished_tables = ARRAY[$1]`, [table]);
    expect(await again()).toBe(0);
    expect(await readSlot()).toEqual([]);
    expect(await databases.query('SELECT FROM outbox_republish')).toHaveLength(0);
  });

  it('says what it lacks when it cannot make the slot', async () => {
    await databases.query('SELECT pg_drop_replication_slot($1)', [databases.slot]);
    await expect(republish(pool, { slot: databases.slot, replicationUrl: null, log: databases.log })).rejects.toMatchObject({
      code: 'MR_SLOT_MISSING',
      retryable: false,
    });
  });
});

testOutboxProbes(async () => ({
  probes: createOutboxProbes(pool),
  gauge: createOutboxGauge(pool, databases.slot),
  topic: topics.lifecycle,
  sent: () => databases.query("SELECT key, convert_from(payload, 'UTF8') AS payload FROM outbox ORDER BY id"),
  // Before each test.
  clear: async () => undefined,
}));
