/** Keeps the tables in memory small, and says how far the outbox is published. */
import { randomUUID } from 'node:crypto';
import type { Maintenance, OutboxGauge, OutboxProbes, ProbeState } from '../maintenance.ts';
import { isEventKey } from '../triggers.ts';
import { DAY_MS, keyIn, type MemoryTables } from './tables.ts';

export function createMemoryMaintenance(tables: MemoryTables, eventTtlMs: number): Maintenance {
  return {
    async run() {
      const now = tables.now();
      const { events, startKeys, commands } = tables;
      // Longer than events are kept: otherwise a repeated one would count as new.
      const receivedBefore = now - Math.max(2 * DAY_MS, 2 * eventTtlMs);
      return {
        ...{ partitionsMade: 0, partitionsDetached: 0, partitionsDropped: 0, rowsInDefault: false, failed: [] },
        deleted: {
          received_event: remove(events.received, (at) => at < receivedBefore),
          idempotency: remove(startKeys, ({ at }, key) => at < (isEventKey(keyIn(key)) ? receivedBefore : now - DAY_MS)),
          command: remove(commands, ({ result }) => result.status !== 'pending' && result.at < now - DAY_MS),
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
      if (probe === null || probe.id !== id || probe.waitingSince === null) return;
      tables.probe = { ...probe, waitingSince: null, roundTripMs: tables.now() - probe.sentAt };
    },
  };
}
