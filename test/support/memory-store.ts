/** A store in memory, with what the contracts and the lab look at beside it. */
import type { JsonObject } from '../../src/core/json.ts';
import type { EventMatcher } from '../../src/store/instance-store.ts';
import { memoryDatabasesOn } from '../../src/store/memory/index.ts';
import { createMemoryMaintenance } from '../../src/store/memory/maintenance.ts';
import { MemoryTables } from '../../src/store/memory/tables.ts';
import { type StoreUnderTest, topics } from './store-lab.ts';

export function memoryStore(matcher: EventMatcher): StoreUnderTest {
  const tables = new MemoryTables(1_048_576 - 1_024);
  const databases = memoryDatabasesOn(tables, { eventTtlMs: 3_600_000 });
  const store = databases.instanceStore(matcher);
  return {
    store,
    // Everything is one piece here.
    inPieces: store,
    queries: databases.queries,
    jobs: databases.jobs,
    queues: databases.queueStore(topics.tasks),
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
    async forget(instanceId) {
      tables.instances.delete(instanceId);
    },
    async ageBooks(parent, ms) {
      for (const [key, row] of tables.children) if (key.startsWith(parent)) tables.children.set(key, { ...row, askAt: row.askAt - ms });
    },
    async ageInstance(instanceId, ms) {
      const instance = tables.instances.get(instanceId);
      if (instance === undefined) throw new Error(`no instance ${instanceId}`);
      const { state } = instance;
      tables.instances.set(instanceId, { ...instance, state: { ...state, endedAt: (state.endedAt ?? 0) - ms } });
    },
    async ageJob(jobId, ms) {
      const job = tables.jobs.get(jobId);
      if (job === undefined) throw new Error(`no job ${jobId}`);
      const aged = (at: number | null): number | null => (at === null ? null : at - ms);
      tables.jobs.set(jobId, { ...job, pacedFrom: job.pacedFrom - ms, nextAt: aged(job.nextAt), finishedAt: aged(job.finishedAt) });
      for (const [id, command] of tables.commands) {
        const { result } = command;
        if (command.jobId !== jobId || result.status === 'pending') continue;
        tables.commands.set(id, { ...command, result: { ...result, at: result.at - ms } });
      }
    },
    async maintain(retention) {
      const report = await createMemoryMaintenance(tables, { eventTtlMs: 3_600_000, retention }).run();
      return report?.deleted ?? {};
    },
    async expireEvents() {
      for (const kept of tables.events.kept.values()) kept.expiresAt = tables.now();
    },
  };
}
