/** A store on a database, with what the contracts and the lab look at beside it. */
import type { JsonObject } from '../../src/core/json.ts';
import type { EventMatcher } from '../../src/store/instance-store.ts';
import { createInstanceQueries, createInstanceStore, type Pool } from '../../src/store/postgres/index.ts';
import type { StoreUnderTest } from './store-lab.ts';

export function storeOn(pool: Pool, matcher: EventMatcher): StoreUnderTest {
  return {
    store: createInstanceStore(pool, matcher, { eventTtlMs: 3_600_000 }),
    inPieces: createInstanceStore(pool, matcher, { eventTtlMs: 3_600_000, offerLimits: { subscriptions: 20, pairs: 30, bytes: 1_000 } }),
    queries: createInstanceQueries(pool),
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
    async ageBooks(parent, ms) {
      await pool.query("UPDATE child SET ask_at = ask_at - $2::float8 * interval '1 millisecond' WHERE parent_id = $1", [parent, ms]);
    },
    async expireEvents() {
      await pool.query('UPDATE event_buffer SET expires_at = now()');
    },
  };
}
