/**
 * Prometheus metrics of a process: `millrace_<what>_<unit>[_total]`, base units, no ids as labels. All names are defined
 * here, so that every process uses the same ones; each process creates the metrics that it changes.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** From half a millisecond to a minute: a step takes milliseconds, a handler may take seconds. */
const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const BATCH_SIZES = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000];

export type Metrics = {
  readonly registry: Registry;
  counter<const Label extends string = never>(what: string, help: string, labels?: readonly Label[]): Counter<Label>;
  /** @param collect called at each scrape, which waits for it. */
  gauge<const Label extends string = never>(
    what: string,
    help: string,
    labels?: readonly Label[],
    collect?: (gauge: Gauge<Label>) => void | Promise<void>,
  ): Gauge<Label>;
  histogram<const Label extends string = never>(
    what: string,
    help: string,
    labels?: readonly Label[],
    buckets?: readonly number[],
  ): Histogram<Label>;
};

export function createMetrics(process: string): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ process });
  collectDefaultMetrics({ register: registry });
  return {
    registry,
    counter: (what, help, labels = []) => new Counter({ name: `millrace_${what}`, help, labelNames: labels, registers: [registry] }),
    gauge: (what, help, labels = [], collect) =>
      new Gauge({
        name: `millrace_${what}`,
        help,
        labelNames: labels,
        registers: [registry],
        ...(collect === undefined ? {} : { collect: ofGauge(collect) }),
      }),
    histogram: (what, help, labels = [], buckets = SECONDS) =>
      new Histogram({ name: `millrace_${what}`, help, labelNames: labels, buckets: [...buckets], registers: [registry] }),
  };
}

/** prom-client passes the gauge as `this`. */
function ofGauge<Label extends string>(
  collect: (gauge: Gauge<Label>) => void | Promise<void>,
): (this: Gauge<Label>) => void | Promise<void> {
  return function (this: Gauge<Label>) {
    return collect(this);
  };
}

export type PartitionLag = { readonly group: string; readonly topic: string; readonly partition: number; readonly lag: number };

/** Metrics of every process that consumes from Kafka. `lag` is called at each scrape. */
export function consumerMetrics(metrics: Metrics, lag: () => Iterable<PartitionLag>) {
  return {
    records: metrics.counter('records_consumed_total', 'Records taken from Kafka.', ['topic']),
    deadLetters: metrics.counter('dead_letters_total', 'Messages that can never be processed and became dead letters.', ['topic', 'code']),
    crashes: metrics.counter('consumer_crashes_total', 'How often a consumer crashed and was started again.', ['group']),
    lag: metrics.gauge(
      'consumer_lag_records',
      'Records between what is dealt with and the end of a partition that this process holds.',
      ['group', 'topic', 'partition'],
      (gauge) => {
        // A partition that moved to another process must not keep its last value here.
        gauge.reset();
        for (const { group, topic, partition, lag: records } of lag()) gauge.set({ group, topic, partition: String(partition) }, records);
      },
    ),
  };
}

/** @param inFlight called at each scrape. */
export function taskMetrics(metrics: Metrics, inFlight: () => number) {
  return {
    outcomes: metrics.counter('task_outcomes_total', 'Attempts that ended.', ['task', 'status']),
    duration: metrics.histogram('task_duration_seconds', 'Duration of attempts.', ['task']),
    scheduleDelay: metrics.histogram('task_queue_seconds', 'From the dispatch of an attempt to its start in a worker.'),
    inFlight: metrics.gauge('tasks_in_flight', 'Attempts that are running.', [], (gauge) => gauge.set(inFlight())),
    lost: metrics.counter('tasks_lost_workers_total', 'Attempts that failed with WORKER_LOST, since the worker that ran them died.'),
    continued: metrics.counter('tasks_continued_total', 'Tasks that were run right after the one before, without a record of their own.'),
    repeated: metrics.counter(
      'task_records_repeated_total',
      'Task records of an attempt that is running or has already run in this process.',
      ['how'],
    ),
  };
}

/** @param stateCacheBytes called at each scrape. */
export function orchestratorMetrics(metrics: Metrics, stateCacheBytes: () => number) {
  return {
    notifications: metrics.counter('notifications_total', 'Notifications by result.', ['type', 'result']),
    /** Late and duplicate outcomes, stale timers, commands on finished instances: harmless, by code. */
    rejected: metrics.counter('notifications_rejected_total', 'Notifications that changed nothing, by the reason.', ['code']),
    versionConflicts: metrics.counter(
      'version_conflicts_total',
      'Writes that lost the compare of an instance version and were decided again.',
    ),
    batchSize: metrics.histogram('batch_size_records', 'Notifications of a partition that were processed together.', [], BATCH_SIZES),
    transaction: metrics.histogram(
      'transaction_duration_seconds',
      'Duration of the database transaction of a batch and those that were written with it.',
    ),
    stepLatency: metrics.histogram('notification_latency_seconds', 'From the record of a notification to its commit in the database.'),
    cacheHits: metrics.counter('state_cache_total', 'Reads of instance states.', ['result']),
    cacheBytes: metrics.gauge('state_cache_bytes', 'About how many bytes of instance states are kept in memory.', [], (gauge) =>
      gauge.set(stateCacheBytes()),
    ),
    timersFired: metrics.counter('timers_fired_total', 'Timers that came due.', ['kind']),
    schedules: metrics.counter('schedule_times_total', 'Times of schedules by what became of them.', ['definition', 'result']),
    events: metrics.counter('events_total', 'External events by result.', ['result']),
    continuations: metrics.counter('continuations_total', 'Tasks that outcomes continue, by what became of them.', ['result']),
    direct: metrics.counter('tasks_direct_total', 'Tasks that were sent right after their commit, and not by the outbox.'),
    childrenAsked: metrics.counter('children_asked_total', 'Children that were unheard of for long and were asked after.'),
    childrenGone: metrics.counter('children_gone_total', 'Children of which nobody can tell whether they ran.'),
    instancesDeleted: metrics.counter('instances_deleted_total', 'Instances that were deleted, since they ended long ago.'),
    jobCommands: metrics.counter('job_commands_total', 'Commands that bulk jobs have sent.', ['operation']),
    jobsPaused: metrics.counter('jobs_paused_total', 'Bulk jobs that paused by themselves, by the reason.', ['why']),
    redispatched: metrics.counter('tasks_redispatched_total', 'Open tasks without a record in flight that were dispatched again.'),
  };
}

export type OutboxReading = {
  /** Age of the oldest outbox row that Debezium has not confirmed. */
  readonly oldestAgeSeconds: number;
  /** Write-ahead log that the replication slot retains, in bytes. */
  readonly slotLagBytes: number;
  /** false: there is no replication slot, so nothing is published. */
  readonly slotExists: boolean;
  /** Rows are in the default partition, because no partition was created for their hour. */
  readonly rowsInDefault: boolean;
  /** The slot was created again, and older rows are not published again yet. */
  readonly republishPending: boolean;
  /** Of the probes that must come back from Kafka. */
  readonly probe: { readonly status: string; readonly waitingSeconds?: number; readonly roundTripSeconds?: number | null };
};

/** @param read returns the last reading; null before the first. */
export function outboxMetrics(metrics: Metrics, read: () => OutboxReading | null) {
  const gauge = (what: string, help: string, of: (reading: OutboxReading) => number) =>
    metrics.gauge(what, help, [], (self) => {
      const reading = read();
      if (reading !== null) self.set(of(reading));
    });
  return {
    age: gauge('outbox_oldest_age_seconds', 'Age of the oldest unpublished outbox row.', ({ oldestAgeSeconds }) => oldestAgeSeconds),
    slotLag: gauge('replication_slot_lag_bytes', 'Write-ahead log that the replication slot retains.', ({ slotLagBytes }) => slotLagBytes),
    slot: gauge('replication_slot_present', '1 while the slot exists.', ({ slotExists }) => (slotExists ? 1 : 0)),
    defaultPartition: gauge('outbox_default_partition_used', '1 while rows are in the default partition.', ({ rowsInDefault }) =>
      rowsInDefault ? 1 : 0,
    ),
    republish: gauge(
      'outbox_republish_pending',
      '1 while rows older than a new slot are not published again yet.',
      ({ republishPending }) => (republishPending ? 1 : 0),
    ),
    probeWaiting: gauge(
      'outbox_probe_waiting_seconds',
      'How long a probe has been on its way to Kafka; 0: the last came back.',
      ({ probe }) => probe.waitingSeconds ?? 0,
    ),
    probeRoundTrip: gauge(
      'outbox_probe_round_trip_seconds',
      'From the outbox to Kafka and back, of the last probe that came back.',
      ({ probe }) => probe.roundTripSeconds ?? 0,
    ),
  };
}

/** Metrics of the process that watches the connector. @param isRunning called at each scrape. */
export function connectorMetrics(metrics: Metrics, isRunning: () => boolean) {
  return {
    failures: metrics.counter('connector_task_failures_total', 'How often the connector or one of its tasks was found failed.', ['part']),
    running: metrics.gauge('connector_running', '1 while Connect reports that the connector and its task run.', [], (gauge) =>
      gauge.set(isRunning() ? 1 : 0),
    ),
  };
}

/** @param inside called at each scrape. */
export function apiMetrics(metrics: Metrics, inside: { readonly starts: () => number; readonly backlogSeconds: () => number }) {
  return {
    requests: metrics.counter('http_requests_total', 'Requests to the API.', ['method', 'route', 'status']),
    duration: metrics.histogram('http_request_duration_seconds', 'Duration of requests.', ['method', 'route']),
    starts: metrics.counter('instances_started_total', 'Instances that were started.'),
    refusedStarts: metrics.counter('starts_refused_total', 'Starts that admission control answered with 503, since nothing is published.'),
    deferredStarts: metrics.counter('starts_deferred_total', 'Starts that were answered with 429, since they would have waited.', [
      'reason',
    ]),
    startsInside: metrics.gauge('starts_inside', 'Starts that are being read, decided or written.', [], (gauge) =>
      gauge.set(inside.starts()),
    ),
    backlog: metrics.gauge('backlog_seconds', 'How long what was started needs to get through outbox and orchestrators.', [], (gauge) =>
      gauge.set(inside.backlogSeconds()),
    ),
    streams: metrics.gauge('event_streams_open', 'Live streams that are open.'),
  };
}
