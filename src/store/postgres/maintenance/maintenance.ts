/**
 * Maintenance of the instance database: creates partitions of the outbox ahead, drops old ones once the slot has confirmed
 * them, and deletes old rows in bounded amounts. One process does it at a time. A step that fails is reported and tried again
 * a minute later; the other steps do not depend on it.
 */
import type { Logger } from '../../../core/logger.ts';
import type { Maintenance, MaintenanceReport, Retention } from '../../maintenance.ts';
import { translate, translating } from '../connection/errors.ts';
import type { Pool, Queryable } from '../connection/pools.ts';
import { expireEvents } from '../events/expired-events.ts';
import { detachPartitions, dropPartitions, hoursAhead, makePartitions } from '../outbox/partitions.ts';
import { isRepublishPending, markLostSlot } from '../outbox/slot.ts';
import { databaseNow } from '../sql/times.ts';
import { deleteEndedInstances } from './ended-instances.ts';
import { withMaintenanceLock } from './lock.ts';
import { deleteOld, inChunks, oldRows } from './old-rows.ts';
import { hasStrays, StrayRows } from './stray-rows.ts';

/** Longer than any transaction of Millrace lives. */
const OPEN_TRANSACTION_MS = 10 * 60_000;

export type MaintenanceOptions = {
  readonly slot: string;
  /** Rows of the outbox are kept for so long after they were published. */
  readonly outboxRetentionMs: number;
  readonly eventTtlMs: number;
  readonly retention: Retention;
  readonly log: Logger;
};

export function createMaintenance(pool: Pool, options: MaintenanceOptions): Maintenance {
  const strays = new StrayRows();
  return {
    async run() {
      return await translating(async () => {
        const client = await pool.connect();
        let broken: Error | undefined;
        try {
          return await withMaintenanceLock(client, 'try', () => maintain(client, strays, options));
        } catch (error) {
          // The connection may still hold the lock; closing it releases the lock.
          broken = error instanceof Error ? error : new Error(String(error));
          throw error;
        } finally {
          client.release(broken);
        }
      });
    },
    async noticeLostSlot() {
      await translating(() => noticeLostSlot(pool, options.slot, options.log));
    },
  };
}

async function maintain(
  on: Queryable,
  strays: StrayRows,
  { slot, outboxRetentionMs, eventTtlMs, retention, log }: MaintenanceOptions,
): Promise<MaintenanceReport> {
  const now = await databaseNow(on);
  const failed: string[] = [];
  const attempt = async <T>(step: string, work: () => Promise<T>, otherwise: T): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      log.warn({ err: translate(error), step }, 'A step of maintenance failed; it is tried again');
      failed.push(step);
      return otherwise;
    }
  };

  const partitionsMade = await attempt('make partitions', () => makePartitions(on, hoursAhead), 0);
  await attempt('look after the slot', () => noticeLostSlot(on, slot, log), undefined);
  let partitionsDetached = 0;
  let partitionsDropped = 0;
  // Until republishing is done, rows that the slot does not know must stay.
  if (!(await isRepublishPending(on))) {
    partitionsDetached = await attempt('detach partitions', () => detachPartitions(on, now - outboxRetentionMs), 0);
    partitionsDropped = await attempt('drop partitions', () => dropPartitions(on, slot), 0);
    await attempt('clear the default partition', () => strays.remove(on, slot, now - Math.max(outboxRetentionMs, OPEN_TRANSACTION_MS)), 0);
  }
  const deleted: Record<string, number> = {};
  for (const [table, condition] of oldRows(eventTtlMs, retention))
    deleted[table] = (deleted[table] ?? 0) + (await attempt(`delete old rows of ${table}`, () => deleteOld(on, table, condition), 0));
  const { instancesMs } = retention;
  deleted.instance = instancesMs === null ? 0 : await attempt('delete ended instances', () => deleteEndedInstances(on, instancesMs), 0);
  deleted.event_buffer = await attempt('expire events', () => inChunks((limit) => expireEvents(on, limit)), 0);
  const rowsInDefault = await hasStrays(on);
  if (rowsInDefault) log.error({ slot }, 'Rows of the outbox are in no partition of their own: partitions were not made ahead');
  return { partitionsMade, partitionsDetached, partitionsDropped, rowsInDefault, deleted, failed };
}

async function noticeLostSlot(on: Queryable, slot: string, log: Logger): Promise<void> {
  if (!(await markLostSlot(on, slot))) return;
  log.warn({ slot }, 'The replication slot is gone, and what it had not confirmed is not published: run `millrace republish`');
}
