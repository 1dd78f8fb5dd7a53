/** The instant before which everything that was written to the outbox is published. */
import type { EpochMs } from '../core/ids.ts';
import type { InstanceStore } from '../store/instance-store.ts';
import type { OutboxGauge } from '../store/maintenance.ts';

/** @returns null while that is not known. */
export async function publishedBefore(store: Pick<InstanceStore, 'now'>, gauge: OutboxGauge): Promise<EpochMs | null> {
  // Read before the gauge, so that the result is never too late.
  const now = await store.now();
  const { slotExists, confirmed, republishPending, oldestAgeSeconds } = await gauge.read();
  return slotExists && confirmed && !republishPending ? now - oldestAgeSeconds * 1_000 : null;
}
