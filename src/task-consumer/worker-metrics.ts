/**
 * The metrics of all task workers of a process. Label combinations are cached: looking one up for each task costs as much as
 * running an empty task.
 */
import type { Counter, Histogram } from 'prom-client';
import { consumerMetrics, type Metrics, type PartitionLag, taskMetrics } from '../service/metrics.ts';
import type { AttemptResult } from './attempt-result.ts';

export type WorkerMetrics = {
  consumed(topic: string, records: number): void;
  deadLetter(topic: string, code: string): void;
  crashed(group: string): void;
  /** `dispatchedAt` comes from another clock: a negative delay counts as 0. */
  began(dispatchedAt: number, startedAt: number): void;
  ended(label: string, status: AttemptResult['status'], startedAt: number, finishedAt: number): void;
  repeated(how: 'joined' | 'skipped' | 'answered'): void;
  /** A task was not run again: the worker that ran it died. */
  lostItsWorker(): void;
  /** A task was run without a record of it, after the one before. */
  continued(): void;
};

export type WorkerReadings = { inFlight(): number; lag(): Iterable<PartitionLag> };

/** @param readings asked at each scrape. */
export function createWorkerMetrics(metrics: Metrics, readings: WorkerReadings): WorkerMetrics {
  const consumer = consumerMetrics(metrics, () => readings.lag());
  const tasks = taskMetrics(metrics, () => readings.inFlight());
  const outcomes = new Map<string, Counter.Internal>();
  const durations = new Map<string, Histogram.Internal<'task'>>();
  const outcome = (label: string, status: string): Counter.Internal => {
    const key = `${status} ${label}`;
    const found = outcomes.get(key) ?? tasks.outcomes.labels(label, status);
    outcomes.set(key, found);
    return found;
  };
  const duration = (label: string): Histogram.Internal<'task'> => {
    const found = durations.get(label) ?? tasks.duration.labels(label);
    durations.set(label, found);
    return found;
  };
  return {
    consumed: (topic, records) => consumer.records.inc({ topic }, records),
    deadLetter: (topic, code) => consumer.deadLetters.inc({ topic, code }),
    crashed: (group) => consumer.crashes.inc({ group }),
    began: (dispatchedAt, startedAt) => tasks.scheduleDelay.observe(Math.max(0, startedAt - dispatchedAt) / 1_000),
    ended(label, status, startedAt, finishedAt) {
      // An output that was given to the API is one all the same.
      outcome(label, status === 'kept' ? 'completed' : status).inc();
      duration(label).observe(Math.max(0, finishedAt - startedAt) / 1_000);
    },
    repeated: (how) => tasks.repeated.inc({ how }),
    lostItsWorker: () => tasks.lost.inc(),
    continued: () => tasks.continued.inc(),
  };
}
