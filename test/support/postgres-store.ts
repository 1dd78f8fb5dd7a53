/** A store on a database, with what the contracts and the lab look at beside it. */
import { pino } from 'pino';
import type { JsonObject } from '../../src/core/json.ts';
import type { EventMatcher } from '../../src/store/instance-store.ts';
import {
  createInstanceQueries,
  createInstanceStore,
  createJobStore,
  createMaintenance,
  createQueueStore,
  type Pool,
} from '../../src/store/postgres/index.ts';
import { type StoreUnderTest, topics } from './store-lab.ts';

export function storeOn(pool: Pool, matcher: EventMatcher): StoreUnderTest {
  return {
    store: createInstanceStore(pool, matcher, { eventTtlMs: 3_600_000 }),
    inPieces: createInstanceStore(pool, matcher, {
      eventTtlMs: 3_600_000,
      offerLimits: { subscriptions: 20, pairs: 30, bytes: 1_000, ms: 0 },
    }),
    queries: createInstanceQueries(pool),
    jobs: createJobStore(pool),
    queues: createQueueStore(pool, topics.tasks),
    async sent(key) {
      const { rows } = await pool.query<{ topic: string; key: string; type: string; partition: number | null; payload: Buffer }>(
        'SELECT topic, key, message_type AS type, partition, payload FROM outbox WHERE key = $1 ORDER BY id',
        [key],
      );
      return rows.map((row) => ({ ...row, payload: JSON.parse(row.payload.toString()) as JsonObject }));
    },
    async moveSchedule(definitionId, name, ms) {
      await pool.query(
        "UPDATE schedule SET next_at = next_at + $3::float8 * interval '1 millisecond' WHERE definition_id = $1 AND name = $2",
        [definitionId, name, ms],
      );
    },
    async forget(instanceId) {
      await pool.query('DELETE FROM instance WHERE id = $1', [instanceId]);
    },
    async ageBooks(parent, ms) {
      await pool.query("UPDATE child SET ask_at = ask_at - $2::float8 * interval '1 millisecond' WHERE parent_id = $1", [parent, ms]);
    },
    async ageInstance(instanceId, ms) {
      await pool.query("UPDATE instance SET ended_at = ended_at - $2::float8 * interval '1 millisecond' WHERE id = $1", [instanceId, ms]);
    },
    async ageJob(jobId, ms) {
      const aged = (column: string): string => `${column} = ${column} - $2::float8 * interval '1 millisecond'`;
      await pool.query(`UPDATE job SET ${['next_at', 'paced_from', 'finished_at'].map(aged).join(', ')} WHERE id = $1`, [jobId, ms]);
      await pool.query(`UPDATE command SET ${aged('result_at')} WHERE job_id = $1`, [jobId, ms]);
    },
    async maintain(retention) {
      const options = { slot: 'none', outboxRetentionMs: 86_400_000, eventTtlMs: 3_600_000, retention, log: pino({ level: 'silent' }) };
      const report = await createMaintenance(pool, options).run();
      if (report === null || report.failed.length > 0) throw new Error(`maintenance failed: ${report?.failed.join(', ')}`);
      return report.deleted;
    },
    async expireEvents() {
      await pool.query('UPDATE event_buffer SET expires_at = now()');
    },
  };
}
