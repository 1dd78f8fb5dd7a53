/**
 * Admission control of starts. An instance that is started while nothing is published would only wait, so starts are
 * refused while the outbox is too old, while the replication slot is missing, before Debezium has confirmed it, and while a probe of
 * the orchestrators does not come back from Kafka.
 * Answers from the last sample; a sample that is too old counts as none.
 */
import type { Logger } from '../service/logging.ts';
import type { ProbeState } from '../store/maintenance.ts';
import type { Backlog, Positions } from './backlog.ts';
import type { AdmissionControl } from './ports.ts';

/** One measurement of the outbox. */
export type OutboxSample = {
  readonly oldestAgeSeconds: number;
  readonly slotExists: boolean;
  /** Debezium has confirmed the slot at least once since it was made. */
  readonly confirmed: boolean;
  readonly probe: ProbeState;
};

export type AdmissionControlOptions = {
  readonly read: () => Promise<OutboxSample>;
  /** How far orchestrators are. */
  readonly readPositions: () => Promise<Positions>;
  readonly backlog: Backlog;
  /** Starts are refused while the oldest unpublished row is older than this. */
  readonly ageMaxMs: number;
  readonly log: Pick<Logger, 'warn' | 'info'>;
  readonly monotonic?: () => number;
};

export interface SamplingAdmissionControl extends AdmissionControl {
  /** Takes one sample; if the database does not answer, the last sample stays in use. */
  sample(): Promise<void>;
}

export function createAdmissionControl({
  read,
  readPositions,
  backlog,
  ageMaxMs,
  log,
  monotonic = () => performance.now(),
}: AdmissionControlOptions): SamplingAdmissionControl {
  let last: { readonly sample: OutboxSample; readonly at: number } | null = null;
  let refusedBefore: string | null = null;
  /** Somebody wants to know of the backlog. */
  let isAsked = false;

  function reasonToRefuse(): string | null {
    if (last === null) return 'it is not known yet whether messages are published.';
    const { sample, at } = last;
    if (!sample.slotExists) return 'the replication slot is gone, so nothing is published.';
    if (!sample.confirmed) return 'Debezium has not confirmed the replication slot yet.';
    if (sample.oldestAgeSeconds * 1_000 > ageMaxMs)
      return `the oldest unpublished message is ${Math.round(sample.oldestAgeSeconds)} s old.`;
    const { probe } = sample;
    // Before the first one has come back nothing says that publishing works at all.
    if (probe.status === 'waiting' && (probe.roundTripSeconds === null || probe.waitingSeconds * 1_000 > ageMaxMs))
      return `a probe that was written to the outbox ${Math.round(probe.waitingSeconds)} s ago has not come back from Kafka.`;
    if (monotonic() - at > ageMaxMs) return 'the database has not answered for a while, so it is not known whether messages are published.';
    return null;
  }

  async function sample(): Promise<void> {
    try {
      last = { sample: await read(), at: monotonic() };
    } catch (error) {
      log.warn({ err: error }, 'The outbox could not be measured');
    }
    if (isAsked) await samplePositions();
    const reason = reasonToRefuse();
    if ((reason === null) === (refusedBefore === null)) return;
    if (reason === null) log.info('Starts are accepted again');
    else log.warn({ reason }, 'Starts are refused');
    refusedBefore = reason;
  }

  /** Without Kafka the last sample stays in use; what it means that it is away is told elsewhere. */
  async function samplePositions(): Promise<void> {
    isAsked = false;
    try {
      backlog.look(await readPositions());
    } catch (error) {
      log.warn({ err: error }, 'The backlog of the orchestrators could not be measured');
    }
  }

  function backlogSeconds(): number {
    isAsked = true;
    // What the oldest unpublished message has waited is what the next one will.
    return (last?.sample.oldestAgeSeconds ?? 0) + backlog.seconds;
  }

  return { reasonToRefuse, backlogSeconds, sample };
}
