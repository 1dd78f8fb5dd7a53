/** What tests of held tasks do to an orchestrator: give it records, end its leases, put another owner in its place. */
import { leaseMs } from '../leases/leases.ts';
import { type Fixture, type GivenRecord, NOTIFICATIONS } from './fixture.ts';

export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Deals with the records, however far their offset may go. */
export async function deal(fixture: Fixture, ...records: readonly GivenRecord[]): Promise<void> {
  fixture.consumer.give(0, records);
  const reached = (records.at(-1)?.offset ?? 0n) + 1n;
  for (let turns = 0; fixture.partitionConsumer.reached({ topic: NOTIFICATIONS, partition: 0 }) !== reached; turns++) {
    if (turns > 100_000) throw new Error('the records are not dealt with');
    await turn();
  }
  fixture.logEnd = reached;
  await turn();
}

/** How far the offset of the partition was committed. */
export const offset = (fixture: Fixture): bigint | null => fixture.consumer.committed.get(0) ?? null;

/** The time of every lease is over, and it is looked at. */
export async function endLeases(fixture: Fixture): Promise<void> {
  fixture.elapsedMs += leaseMs;
  await fixture.keeper.look();
}

/** As after a crash: another owner, which reads again from the committed offset. */
export async function takeOver(fixture: Fixture, ...again: readonly GivenRecord[]): Promise<void> {
  const from = offset(fixture) ?? 0n;
  fixture.consumer.assign(0);
  await deal(fixture, ...again.filter((record) => record.offset >= from));
}
