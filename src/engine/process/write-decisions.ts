/** Writes the decisions of a batch in one transaction, and finds the instances that the database refuses. */
import type { AddressedNotification } from '../../core/instance/notification.ts';
import type { InstanceStore } from '../../store/instance-store.ts';
import { isCausedByOneMessage } from '../error-scope.ts';
import type { Decision, ProcessingObserver } from './decision.ts';

export type Written<N extends AddressedNotification> = {
  /** Written, or with nothing to be written. */
  readonly applied: Decision<N>[];
  /** Somebody else wrote the instance first. */
  readonly lost: Decision<N>[];
  /** The database takes everything but these. */
  readonly refused: Decision<N>[];
};

/** Halved and halved again when the database refuses a transaction, until what it refuses stands alone. */
export async function writeDecisions<N extends AddressedNotification>(
  store: Pick<InstanceStore, 'apply'>,
  partition: number,
  decisions: readonly Decision<N>[],
  observer: Pick<ProcessingObserver<N>, 'onWritten' | 'onBatchRefused'>,
): Promise<Written<N>> {
  const written: Written<N> = { applied: [], lost: [], refused: [] };
  const withChanges = decisions.filter(({ transition }) => transition !== null);
  written.applied.push(...decisions.filter(({ transition }) => transition === null));
  await write(withChanges);
  return written;

  async function write(some: readonly Decision<N>[]): Promise<void> {
    const transitions = some.flatMap(({ transition }) => transition ?? []);
    if (transitions.length === 0) return;
    const began = performance.now();
    try {
      const { applied } = await store.apply(partition, transitions);
      observer.onWritten(performance.now() - began);
      for (const decision of some) (applied.has(decision.instanceId) ? written.applied : written.lost).push(decision);
    } catch (error) {
      if (!isCausedByOneMessage(error)) throw error;
      observer.onBatchRefused(error, partition, some.length);
      if (some.length === 1) {
        written.refused.push(...some);
        return;
      }
      const middle = some.length >> 1;
      await write(some.slice(0, middle));
      await write(some.slice(middle));
    }
  }
}
