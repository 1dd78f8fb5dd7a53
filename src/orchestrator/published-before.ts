/** Until when everything that was written to the outbox has been published. */
import type { EpochMs } from '../core/ids.ts';
import type { InstanceStore } from '../store/instance-store.ts';
import type { OutboxGauge } from '../store/maintenance.ts';

/** @returns null while that cannot be told. */
export async function publishedBefore(store: Pick<InstanceStore, 'now'>, gauge: OutboxGauge): Promise<EpochMs | null> {
  // The earlier moment: what was published by the reading was so then, or is older still.
  const now = await store.now();
  const { slotExists, confirmed, republishPending, oldestAgeSeconds } = await gauge.read();
  return slotExists && confirmed && !republishPending ? now - oldestAgeSeconds * 1_000 : null;
}
