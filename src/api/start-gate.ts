/**
 * Whether starts are taken. An instance that is started while nothing is published would only wait, so starts stop when
 * the outbox grows old, when the slot is gone, and before it was first confirmed (protocol, Outbox 2). Answers from the
 * last sample; a sample that is too old itself counts as no sample.
 */
import type { Logger } from '../service/logging.ts';
import type { StartGate } from './ports.ts';

/** What the store's gauge says of the outbox. */
export type OutboxSample = {
  readonly oldestAgeSeconds: number;
  readonly slotExists: boolean;
  /** The slot was confirmed at least once since it was made. */
  readonly confirmed: boolean;
};

export type StartGateOptions = {
  readonly read: () => Promise<OutboxSample>;
  /** Starts stop while the oldest unpublished row is older. */
  readonly ageMaxMs: number;
  readonly log: Pick<Logger, 'warn' | 'info'>;
  readonly monotonic?: () => number;
};

export interface SamplingGate extends StartGate {
  /** Takes one sample; a gauge that does not answer leaves the last one standing. */
  sample(): Promise<void>;
}

export function createStartGate({ read, ageMaxMs, log, monotonic = () => performance.now() }: StartGateOptions): SamplingGate {
  let last: { readonly sample: OutboxSample; readonly at: number } | null = null;
  let refusedBefore: string | null = null;

  function reasonToRefuse(): string | null {
    if (last === null) return 'whether messages are published is not known yet.';
    const { sample, at } = last;
    if (!sample.slotExists) return 'the replication slot is gone, so nothing is published.';
    if (!sample.confirmed) return 'Debezium has not confirmed the replication slot yet.';
    if (sample.oldestAgeSeconds * 1_000 > ageMaxMs)
      return `the oldest unpublished message is ${Math.round(sample.oldestAgeSeconds)} s old.`;
    if (monotonic() - at > ageMaxMs) return 'the database has not said for a while whether messages are published.';
    return null;
  }

  async function sample(): Promise<void> {
    try {
      last = { sample: await read(), at: monotonic() };
    } catch (error) {
      log.warn({ err: error }, 'The outbox could not be measured');
    }
    const reason = reasonToRefuse();
    if ((reason === null) === (refusedBefore === null)) return;
    if (reason === null) log.info('Starts are taken again');
    else log.warn({ reason }, 'Starts are refused');
    refusedBefore = reason;
  }

  return { reasonToRefuse, sample };
}
