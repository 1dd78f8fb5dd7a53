/** The metrics of an orchestrator. Label combinations are cached, since looking them up for each notification costs time. */
import type { Counter } from 'prom-client';
import type { RejectionCode } from '../core/instance/decide/rejection.ts';
import { consumerMetrics, type Metrics, orchestratorMetrics, type PartitionLag } from '../service/metrics.ts';
import type { CorrelationCounts } from '../store/instance-store.ts';

export type OrchestratorMetrics = {
  consumed(topic: string, records: number): void;
  crashed(group: string): void;
  deadLetter(topic: string, code: string): void;
  notified(type: string, result: 'applied' | 'rejected' | 'unapplied', count?: number): void;
  rejected(code: RejectionCode): void;
  conflicts(count: number): void;
  batch(records: number): void;
  transaction(ms: number): void;
  /** From the record's timestamp, which comes from another clock: a negative latency counts as 0. */
  latency(ms: number): void;
  cache(hits: number, misses: number): void;
  timerFired(kind: string): void;
  scheduleTime(definition: string, result: string, count: number): void;
  correlated(counts: CorrelationCounts): void;
  /** A record of a topic of events without a value: a deletion in a compacted topic. */
  tombstone(): void;
  redispatched(count: number): void;
  /** Tasks that an outcome continues: held, or decided otherwise here. */
  continued(held: number, misfits: number): void;
  /** Tasks that the broker has without the outbox. */
  sentDirectly(count: number): void;
  /** Held tasks that were sent since their lease was over. */
  leaseEnded(count: number): void;
  childrenAsked(count: number): void;
  childGone(): void;
  /** Instances that were deleted, since they ended long ago. */
  instancesDeleted(count: number): void;
  /** Commands that a job has sent. */
  jobSent(operation: string, count: number): void;
  /** A job paused by itself. */
  jobPaused(why: string): void;
};

/** @param lag asked at each scrape, as is how many bytes of states are cached. */
export function createOrchestratorMetrics(
  metrics: Metrics,
  lag: () => Iterable<PartitionLag>,
  stateCacheBytes: () => number,
): OrchestratorMetrics {
  const consumer = consumerMetrics(metrics, lag);
  const own = orchestratorMetrics(metrics, stateCacheBytes);
  const counters = new Map<string, Counter.Internal>();
  const notifications = (type: string, result: string): Counter.Internal => {
    const key = `${result} ${type}`;
    const found = counters.get(key) ?? own.notifications.labels(type, result);
    counters.set(key, found);
    return found;
  };
  return {
    consumed: (topic, records) => consumer.records.inc({ topic }, records),
    crashed: (group) => consumer.crashes.inc({ group }),
    deadLetter: (topic, code) => consumer.deadLetters.inc({ topic, code }),
    notified: (type, result, count = 1) => notifications(type, result).inc(count),
    rejected: (code) => own.rejected.inc({ code }),
    conflicts: (count) => own.versionConflicts.inc(count),
    batch: (records) => own.batchSize.observe(records),
    transaction: (ms) => own.transaction.observe(ms / 1_000),
    latency: (ms) => own.stepLatency.observe(Math.max(0, ms) / 1_000),
    cache(hits, misses) {
      if (hits > 0) own.cacheHits.inc({ result: 'hit' }, hits);
      if (misses > 0) own.cacheHits.inc({ result: 'miss' }, misses);
    },
    timerFired: (kind) => own.timersFired.inc({ kind }),
    scheduleTime: (definition, result, count) => own.schedules.inc({ definition, result }, count),
    correlated({ matched, started, buffered, duplicates, ignored }) {
      own.events.inc({ result: 'matched' }, matched);
      own.events.inc({ result: 'started' }, started);
      own.events.inc({ result: 'buffered' }, buffered);
      own.events.inc({ result: 'duplicate' }, duplicates);
      own.events.inc({ result: 'ignored' }, ignored);
    },
    tombstone: () => own.events.inc({ result: 'tombstone' }),
    redispatched: (count) => own.redispatched.inc(count),
    continued(held, misfits) {
      if (held > 0) own.continuations.inc({ result: 'held' }, held);
      if (misfits > 0) own.continuations.inc({ result: 'misfit' }, misfits);
    },
    sentDirectly: (count) => own.direct.inc(count),
    leaseEnded(count) {
      if (count > 0) own.continuations.inc({ result: 'released' }, count);
    },
    childrenAsked: (count) => own.childrenAsked.inc(count),
    childGone: () => own.childrenGone.inc(),
    instancesDeleted: (count) => own.instancesDeleted.inc(count),
    jobSent: (operation, count) => own.jobCommands.inc({ operation }, count),
    jobPaused: (why) => own.jobsPaused.inc({ why }),
  };
}
