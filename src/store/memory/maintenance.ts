/** Keeps the tables in memory small, and says how far the outbox is published. */
import { randomUUID } from 'node:crypto';
import type { InstanceId } from '../../core/ids.ts';
import { addressOf } from '../../core/instance/children/messages.ts';
import { ENDED_CHILD_MS_MIN } from '../books.ts';
import type { Maintenance, OutboxGauge, OutboxProbes, ProbeState, Retention } from '../maintenance.ts';
import { isEventKey } from '../triggers.ts';
import { DAY_MS, keyIn, type MemoryJob, type MemoryTables, type StoredCommand, taskKey } from './tables.ts';
import { isWithWorker } from './task-outputs.ts';

const defaultRetention: Retention = { jobsMs: 30 * DAY_MS, instancesMs: null };

export type MemoryMaintenanceOptions = { readonly eventTtlMs: number; readonly retention?: Retention };

export function createMemoryMaintenance(
  tables: MemoryTables,
  { eventTtlMs, retention = defaultRetention }: MemoryMaintenanceOptions,
): Maintenance {
  return {
    async run() {
      const now = tables.now();
      const { events, startKeys, commands, jobs } = tables;
      const isOver = ({ finishedAt }: MemoryJob): boolean => finishedAt !== null && finishedAt < now - retention.jobsMs;
      const isOldCommand = ({ result, jobId }: StoredCommand): boolean => {
        const job = jobId === undefined ? undefined : jobs.get(jobId);
        return job === undefined ? result.status !== 'pending' && result.at < now - DAY_MS : isOver(job);
      };
      // Longer than events are kept: otherwise a repeated one would count as new.
      const receivedBefore = now - Math.max(2 * DAY_MS, 2 * eventTtlMs);
      return {
        ...{ partitionsMade: 0, partitionsDetached: 0, partitionsDropped: 0, rowsInDefault: false, failed: [] },
        deleted: {
          received_event: remove(events.received, (at) => at < receivedBefore),
          idempotency: remove(startKeys, ({ at }, key) => at < (isEventKey(keyIn(key)) ? receivedBefore : now - DAY_MS)),
          command: remove(commands, isOldCommand),
          job: remove(jobs, isOver),
          task_output: remove(tables.outputs, ({ key }) => !isWithWorker(tables, key)),
          instance: removeEnded(tables, retention.instancesMs),
          event_buffer: forgetExpired(tables),
        },
      };
    },
    // There is no slot that could be lost.
    noticeLostSlot: async () => undefined,
  };
}

function remove<Key, Row>(table: Map<Key, Row>, isOld: (row: Row, key: Key) => boolean): number {
  let count = 0;
  for (const [key, row] of table) if (isOld(row, key) && table.delete(key)) count++;
  return count;
}

/** @returns how many instances went, with all their rows. */
function removeEnded(tables: MemoryTables, keptMs: number | null): number {
  if (keptMs === null) return 0;
  const now = tables.now();
  const awaiting = new Set([...tables.children.values()].map(({ request }) => addressOf(request.parent)));
  const old = [...tables.instances.values()].filter(({ state: { instanceId, endedAt, parent } }) => {
    const leastMs = parent === undefined ? keptMs : Math.max(keptMs, ENDED_CHILD_MS_MIN);
    return endedAt !== null && endedAt < now - leastMs && !awaiting.has(instanceId);
  });
  for (const { state } of old) removeInstance(tables, state.instanceId);
  return old.length;
}

function removeInstance({ instances, humanTasks, claims, timers, events, commands }: MemoryTables, instanceId: InstanceId): void {
  const isOfInstance = (key: string): boolean => key.startsWith(taskKey(instanceId, ''));
  instances.delete(instanceId);
  for (const table of [humanTasks, claims, timers]) for (const key of table.keys()) if (isOfInstance(key)) table.delete(key);
  for (const key of events.waits.keys()) if (isOfInstance(key)) events.close(key);
  remove(commands, (command) => command.instanceId === instanceId && command.result.status === 'pending' && command.jobId === undefined);
}

function forgetExpired(tables: MemoryTables): number {
  const now = tables.now();
  const expired = [...tables.events.kept.values()].filter(({ expiresAt }) => expiresAt <= now);
  for (const kept of expired) tables.events.forget(kept);
  return expired.length;
}

/** The rows that no publisher has confirmed. */
export function createMemoryOutboxGauge(tables: MemoryTables): OutboxGauge {
  return {
    async read() {
      const [oldest] = tables.outbox.rows;
      return {
        oldestAgeSeconds: oldest === undefined ? 0 : Math.max(0, tables.now() - oldest.at) / 1_000,
        ...{ slotLagBytes: 0, slotExists: true, slotLost: false, confirmed: true, rowsInDefault: false, republishPending: false },
        probe: probeOf(tables),
      };
    },
  };
}

function probeOf(tables: MemoryTables): ProbeState {
  const { probe } = tables;
  if (probe === null) return { status: 'unsent' };
  const { waitingSince, roundTripMs } = probe;
  const roundTripSeconds = roundTripMs === null ? null : roundTripMs / 1_000;
  if (waitingSince === null) return { status: 'cameBack', roundTripSeconds: roundTripSeconds ?? 0 };
  return { status: 'waiting', waitingSeconds: (tables.now() - waitingSince) / 1_000, roundTripSeconds };
}

export function createMemoryOutboxProbes(tables: MemoryTables): OutboxProbes {
  return {
    async send(topic, { intervalMs, patienceMs }) {
      const { probe: last } = tables;
      const now = tables.now();
      if (last !== null && now - last.sentAt < (last.waitingSince === null ? intervalMs : patienceMs)) return;
      const id = randomUUID();
      const message = { topic, key: id, messageType: 'Probe', partition: 0, payload: Buffer.from(id) };
      tables.outbox.check([message]);
      tables.outbox.add([message], now);
      tables.probe = { id, sentAt: now, waitingSince: last?.waitingSince ?? now, roundTripMs: last?.roundTripMs ?? null };
    },
    async cameBack(id) {
      const { probe } = tables;
      if (probe === null || probe.id !== id) return false;
      if (probe.waitingSince !== null) tables.probe = { ...probe, waitingSince: null, roundTripMs: tables.now() - probe.sentAt };
      return true;
    },
  };
}
