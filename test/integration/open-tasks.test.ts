/** What a page of open tasks reads of Postgres, whatever is open and parked. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { InstanceId } from '../../src/core/ids.ts';
import type { OpenTasksPosition } from '../../src/store/instance-store.ts';
import { createPool, type Pool } from '../../src/store/postgres/index.ts';
import { copyRows } from '../support/copied-rows.ts';
import { createFreshDatabases, type FreshDatabases } from '../support/fresh-databases.ts';
import { storeOn } from '../support/postgres-store.ts';
import { httpNode, matcher, newDefinition, openLab, PARTITIONS, type StoreLab } from '../support/store-lab.ts';

const INSTANCES = 2_000;
const TASKS = 10;
const LIMITS = { instances: 100, tasks: 200 };

let databases: FreshDatabases;
let pool: Pool;
let lab: StoreLab;

beforeAll(async () => {
  databases = await createFreshDatabases('open_tasks_test');
  await databases.migrate({ replication: null });
  // One session, so that a transaction is that of the next call too.
  pool = createPool(databases.config.databases.instances, { connections: 1 });
  lab = await openLab(storeOn(pool, matcher));
}, 180_000);
afterAll(async () => {
  // They have no histories that their states could be compared with.
  await pool.query("DELETE FROM task WHERE instance_id < '01890000-0000-7000-9000-000000000000'");
  await pool.query("DELETE FROM instance WHERE id < '01890000-0000-7000-9000-000000000000'");
  await pool.end();
  await databases.drop();
}, 180_000);

/** Instances spread over the partitions, each with tasks that have ended. Every tenth has an open one behind them. */
async function park(of: InstanceId): Promise<void> {
  const id = "('01890000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid";
  const instances = `generate_series(1, ${INSTANCES}) AS n`;
  const status = `CASE WHEN k = ${TASKS} AND n % 10 = 0 THEN 'scheduled' ELSE 'completed' END`;
  await copyRows(pool, 'instance', { where: `t.id = '${of}'`, from: instances, own: { id, partition: `n % ${PARTITIONS}` } });
  const own = { instance_id: id, path: "'p' || lpad(k::text, 3, '0')", status };
  await copyRows(pool, 'task', { where: `t.instance_id = '${of}'`, from: `${instances}, generate_series(1, ${TASKS}) AS k`, own });
  await pool.query('VACUUM ANALYZE instance');
  await pool.query('VACUUM ANALYZE task');
}

/** Entries of indexes and rows of tables that the session has read since its counts were sent away, which no transaction does. */
async function read(): Promise<number> {
  const { rows } = await pool.query<{ read: number }>(
    `SELECT sum(pg_stat_get_xact_tuples_returned(oid))::float8 AS read FROM pg_class
      WHERE oid IN ('instance'::regclass, 'task'::regclass)
        OR oid IN (SELECT indexrelid FROM pg_index WHERE indrelid IN ('instance'::regclass, 'task'::regclass))`,
  );
  return rows[0]?.read ?? Number.NaN;
}

it('is bounded by its limits, and the pages of a pass find every open task', { timeout: 120_000 }, async () => {
  const instanceId = await lab.start(newDefinition({ nodes: { a: httpNode }, edges: [] }));
  await park(instanceId);
  const before = (await lab.store.now()) + 1;
  for (const partitions of [Array.from({ length: PARTITIONS }, (_, n) => n), [0]]) {
    let found = 0;
    let after: OpenTasksPosition | null = null;
    do {
      await pool.query('BEGIN');
      const readBefore = await read();
      const page = await lab.store.openAutomatedTasks(partitions, before, LIMITS, after);
      const reads = (await read()) - readBefore;
      // The instances of a page for its end, and again for its tasks; a group of the sort more than is wanted.
      expect(reads).toBeLessThan(2 * LIMITS.instances + LIMITS.tasks + 10 * TASKS);
      expect(reads).toBeGreaterThan(0);
      await pool.query('COMMIT');
      found += page.tasks.filter(({ path }) => path.startsWith('p')).length;
      after = page.next;
    } while (after !== null);
    const { rows } = await pool.query<{ open: number }>(
      `SELECT count(*)::int4 AS open FROM task t JOIN instance i ON i.id = t.instance_id
        WHERE t.status = 'scheduled' AND t.path LIKE 'p%' AND i.partition = ANY($1::int4[])`,
      [partitions],
    );
    expect(found).toBe(rows[0]?.open);
    expect(found).toBeGreaterThan(0);
  }
});
