/** Writes the decisions of a batch in one transaction, and finds the instances that the database refuses. */
import type { AddressedNotification } from '../../core/instance/decide/notification.ts';
import type { InstanceStore } from '../../store/instance-store.ts';
import { writeSplitting } from '../write-splitting.ts';
import type { Decision, ProcessingObserver } from './decision.ts';

export type Written<N extends AddressedNotification> = {
  /** Decisions that were written, or that had nothing to write. */
  readonly applied: readonly Decision<N>[];
  /** Somebody else wrote the instance first. */
  readonly lost: readonly Decision<N>[];
  /** The database takes everything but these. */
  readonly refused: readonly Decision<N>[];
};

export async function writeDecisions<N extends AddressedNotification>(
  store: Pick<InstanceStore, 'apply'>,
  partition: number,
  decisions: readonly Decision<N>[],
  observer: Pick<ProcessingObserver<N>, 'onWritten'>,
): Promise<Written<N>> {
  const applied = decisions.filter(({ transition }) => transition === null);
  const lost: Decision<N>[] = [];
  const toWrite = decisions.filter(({ transition }) => transition !== null);
  const refused = await writeSplitting(toWrite, async (some) => {
    const began = performance.now();
    const result = await store.apply(
      partition,
      some.flatMap(({ transition }) => transition ?? []),
    );
    observer.onWritten(performance.now() - began);
    for (const decision of some) (result.applied.has(decision.instanceId) ? applied : lost).push(decision);
  });
  return { applied, lost, refused: refused.map(({ item }) => item) };
}
