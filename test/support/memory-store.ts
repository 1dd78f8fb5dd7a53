/** A store in memory, with what the contracts and the lab look at beside it. */
import type { JsonObject } from '../../src/core/json.ts';
import type { EventMatcher } from '../../src/store/instance-store.ts';
import { memoryDatabasesOn } from '../../src/store/memory/index.ts';
import { MemoryTables } from '../../src/store/memory/tables.ts';
import type { StoreUnderTest } from './store-lab.ts';

export function memoryStore(matcher: EventMatcher): StoreUnderTest {
  const tables = new MemoryTables(1_048_576 - 1_024);
  const databases = memoryDatabasesOn(tables, { eventTtlMs: 3_600_000 });
  const store = databases.instanceStore(matcher);
  return {
    store,
    // Everything is one piece here.
    inPieces: store,
    queries: databases.queries,
    async sent(key) {
      return tables.outbox.rows
        .filter((row) => row.key === key)
        .map(({ topic, messageType: type, partition, payload }) => {
          return { topic, key, type, partition, payload: JSON.parse(payload.toString()) as JsonObject };
        });
    },
    async moveSchedule(definitionId, name, ms) {
      for (const [key, row] of tables.schedules) {
        if (row.definitionId !== definitionId || row.name !== name || row.state.next === null) continue;
        tables.schedules.set(key, { ...row, state: { ...row.state, next: row.state.next + ms } });
      }
    },
    async ageBooks(parent, ms) {
      for (const [key, row] of tables.children) if (key.startsWith(parent)) tables.children.set(key, { ...row, askAt: row.askAt - ms });
    },
    async expireEvents() {
      for (const kept of tables.events.kept.values()) kept.expiresAt = tables.now();
    },
  };
}
