/**
 * The task worker: takes records of task topics, runs them in a bounded pool, sends each outcome to the notifications and commits
 * a record only after the broker has its outcome. Delivery is at least once; the orchestrator tells duplicates apart. Relies only
 * on the port of the log, so the same code runs on Kafka and in memory. The consumer never waits for a task: one may take hours,
 * while heartbeats go on.
 */
import type { MillraceError } from '../core/error.ts';
import type { InvalidMessage } from '../messaging/dead-letter-codes.ts';
import type { LogBatch, LogConsumer, LogRecord, TopicPartition } from '../messaging/log.ts';
import { taskFields } from '../service/logging.ts';
import type { PartitionLag } from '../service/metrics.ts';
import { Attempt } from './attempt.ts';
import { AttemptDeduplicator, type AttemptKey, attemptKeyOf } from './attempt-deduplicator.ts';
import { type AttemptResult, failed, failedForNow } from './attempt-result.ts';
import { type Claim, Claims, type Run } from './continuation/claims.ts';
import { limitOutput } from './outcome.ts';
import { type Delivery, OutcomePublisher } from './outcome-publisher.ts';
import { type BufferedRecord, mayHaveComeBefore, type PartitionBuffer, RecordBuffer, type RecordPosition } from './record-buffer.ts';
import { RunNotes, type RunningAt } from './run-notes.ts';
import { type ReadTask, readTask, type ScheduledTask } from './task.ts';
import type { TaskRun, WorkItem } from './work-item.ts';
import type { TaskWorkerOptions } from './worker-options.ts';
import { WorkerRecords } from './worker-records.ts';

/** How long tasks are begun without a pause: heartbeats and timers share the event loop. */
const BEGIN_MS = 10;

export class TaskWorker {
  readonly #options: TaskWorkerOptions;
  readonly #consumer: LogConsumer;
  readonly #buffer: RecordBuffer;
  readonly #publisher: OutcomePublisher<WorkItem>;
  readonly #records: WorkerRecords;
  readonly #deduplicator = new AttemptDeduplicator();
  /** With the records of each. */
  readonly #attempts = new Map<Attempt, RunningAt>();
  readonly #notes: RunNotes | null;
  readonly #claims: Claims;
  /** Records whose schema is being read from the registry. Each takes a place in the pool. */
  #reading = 0;
  /** What was about to begin when the queue was paused. */
  readonly #begunWhilePaused: (() => void)[] = [];
  #starting = false;
  #stopping = false;
  #idle: PromiseWithResolvers<void> | undefined;

  constructor(options: TaskWorkerOptions) {
    this.#options = options;
    const { producer, metrics, groupId, concurrency, log, executor, continuation } = options;
    const limits = {
      waitingRecordsMax: Math.max(200, 2 * concurrency),
      waitingBytesMax: 4_194_304,
      uncommittedMax: 10_000,
      ...options.limits,
    };
    this.#buffer = new RecordBuffer(limits, {
      pause: (partition) => this.#consumer.pause(partition),
      resume: (partition) => this.#consumer.resume(partition),
    });
    this.#buffer.setPaused(options.isPaused ?? false);
    this.#claims = new Claims({
      segments: continuation && { ...continuation, log, canRun: (task) => executor.canRun(task) },
      deduplicator: this.#deduplicator,
      isMember: () => this.#consumer.isMember(),
    });
    this.#records = new WorkerRecords(options.codec, options.topics, options.name, options.maxMessageBytes);
    this.#publisher = new OutcomePublisher(producer, {
      onDelivered: (deliveries) => this.#onDelivered(deliveries),
      onRefused: (delivery, error) => this.#onRefused(delivery, error),
      onLost: (deliveries, error) => this.#onLost(deliveries, error),
    });
    const { readRunNotes, retry } = options;
    this.#notes = readRunNotes === undefined ? null : new RunNotes({ consumer: () => this.#consumer, read: readRunNotes, retry });
    options.signal.addEventListener('abort', () => {
      this.#stopping = true;
    });
    this.#consumer = options.openConsumer({
      onBatch: (batch) => this.#onBatch(batch),
      onAssigned: (partitions, generation) => this.#onAssigned(partitions, generation),
      onRevoked: () => this.#buffer.clear(),
      onCrash: (error, restartInMs) => {
        metrics.crashed(groupId);
        log.error({ err: error, restartInMs }, 'The consumer crashed and is started again');
      },
    });
  }

  async start(): Promise<void> {
    this.#notes?.start(() => this.#attempts);
    await this.#consumer.start();
  }

  /** While paused it begins nothing and goes on with nothing, and stays a member of its group; what runs ends normally. */
  setPaused(isPaused: boolean): void {
    this.#buffer.setPaused(isPaused);
    if (isPaused || this.#stopping) return;
    for (const begin of this.#begunWhilePaused.splice(0)) begin();
    this.#startTasks();
  }

  /** Whether the group is known to count this process as a member. */
  get isMember(): boolean {
    return this.#consumer.isMember();
  }

  get inFlight(): number {
    return this.#attempts.size;
  }

  lag(): readonly PartitionLag[] {
    return this.#consumer.lag().map((lag) => ({ group: this.#options.groupId, ...lag }));
  }

  /** Begins nothing new, waits for what runs, commits and leaves the group. After `drainMs` what still runs is left to others. */
  async stop(drainMs: number): Promise<void> {
    // No waiting record is started any more, but this process still has the partitions: running tasks are committed when they end.
    this.#stopping = true;
    await this.#consumer.stop(this.#drain(drainMs));
    this.#notes?.stop();
  }

  async #drain(drainMs: number): Promise<void> {
    if (this.#isIdle()) return;
    this.#idle = Promise.withResolvers();
    const timer = setTimeout(() => this.#abandonRest(), drainMs);
    await this.#idle.promise;
    clearTimeout(timer);
  }

  #isIdle(): boolean {
    return this.#attempts.size === 0 && this.#reading === 0 && this.#publisher.unacknowledged === 0;
  }

  #abandonRest(): void {
    const tasks = [...this.#attempts.keys()].map(({ task }) => task.taskId);
    this.#options.log.warn(
      { tasks: tasks.slice(0, 100), count: tasks.length },
      'These tasks did not end within the shutdown time; they run again elsewhere',
    );
    this.#claims.close();
    for (const attempt of this.#attempts.keys()) attempt.abandon(new Error('The worker has to end.'));
    this.#attempts.clear();
    this.#idle?.resolve();
  }

  #onAssigned(partitions: readonly TopicPartition[], generation: number): void {
    this.#buffer.assign(partitions, generation);
    this.#notes?.onAssigned();
    this.#options.log.info({ partitions: partitions.map(({ topic, partition }) => `${topic}/${partition}`), generation }, 'Assigned');
  }

  #onBatch(batch: LogBatch): void {
    if (this.#stopping) return;
    const added = this.#buffer.add(batch);
    this.#options.metrics.consumed(batch.topic, added);
    this.#startTasks();
  }

  /** Begins as many tasks as the pool has room for. An executor that answers at once calls this again: the flag makes that a loop, not a recursion. */
  #startTasks(): void {
    if (this.#starting || this.#stopping) return;
    this.#starting = true;
    const pauseAt = performance.now() + BEGIN_MS;
    try {
      for (
        let begun = 1;
        this.#attempts.size + this.#claims.size + this.#reading < this.#options.concurrency && this.#publisher.hasRoom;
        begun++
      ) {
        const buffered = this.#buffer.take();
        if (buffered === undefined) return;
        this.#begin(buffered);
        if (begun % 64 === 0 && performance.now() > pauseAt) {
          setImmediate(() => this.#startTasks());
          return;
        }
      }
    } finally {
      this.#starting = false;
    }
  }

  #begin(buffered: BufferedRecord): void {
    const { codec, maxMessageBytes, retry } = this.#options;
    const read = readTask(buffered.record, codec, maxMessageBytes);
    if (!(read instanceof Promise)) {
      this.#proceed(buffered, read);
      return;
    }
    // The schema is new, so it is read from the registry. While that is unavailable, the record waits.
    this.#reading++;
    let first: Promise<ReadTask> | undefined = read;
    void retry('read a task record', async () => {
      const again = first ?? readTask(buffered.record, codec, maxMessageBytes);
      first = undefined;
      return await again;
    })
      .then(
        (done) => {
          if (this.#stopping) return;
          if (this.#buffer.isPaused) this.#begunWhilePaused.push(() => buffered.partition.held && this.#proceed(buffered, done));
          else this.#proceed(buffered, done);
        },
        (error: unknown) => {
          // Only the end of the process ends the waiting; the record is not committed and comes again.
          if (!this.#stopping) throw error;
        },
      )
      .finally(() => {
        this.#reading--;
        this.#afterOne();
      });
  }

  #proceed(buffered: BufferedRecord, read: ReadTask): void {
    if (!read.ok) {
      this.#toDeadLetters(buffered, buffered.record, read.invalid);
      return;
    }
    const { task } = read;
    const key = attemptKeyOf(task);
    const running = this.#deduplicator.running(key);
    if (running !== undefined) {
      this.#options.metrics.repeated('joined');
      running.joined.push(buffered);
      return;
    }
    const finished = this.#deduplicator.finished(key);
    if (finished === undefined) {
      this.#run(buffered, task, key);
      return;
    }
    const { partition, offset } = buffered;
    const { at } = finished;
    if (at !== null && at.topic === partition.topic && at.partition === partition.partition && at.offset === offset) {
      this.#options.metrics.repeated('skipped');
      this.#buffer.done(buffered);
      this.#commit(partition);
      return;
    }
    this.#options.metrics.repeated('answered');
    this.#publisher.send({ subject: { position: buffered, run: null }, record: finished.outcome });
  }

  #run(buffered: BufferedRecord, task: ScheduledTask, key: AttemptKey): void {
    const joined: RecordPosition[] = [];
    this.#deduplicator.begin(key, { joined });
    const run = { key, joined, segment: this.#claims.segmentOf(buffered, task) };
    if (this.#notes !== null && mayHaveComeBefore(buffered) === true) this.#runSuspect(this.#notes, buffered, task, run);
    else this.#start(buffered, task, run);
  }

  /** It takes a place in the pool while it is noted. */
  #runSuspect(notes: RunNotes, position: RecordPosition, task: ScheduledTask, run: Run): void {
    this.#reading++;
    notes
      .hasLostItsWorker(position)
      .then(
        (isLost) => {
          if (isLost) this.#failLost(position, task, run);
          else if (this.#stopping) this.#deduplicator.forget(run.key);
          else if (!position.partition.held) this.#runAgain(notes, task, run);
          else if (this.#buffer.isPaused) this.#begunWhilePaused.push(() => this.#runSuspect(notes, position, task, run));
          else this.#start(position, task, run);
        },
        (error: unknown) => {
          if (!this.#stopping) throw error;
          this.#deduplicator.forget(run.key);
        },
      )
      .finally(() => {
        this.#reading--;
        this.#afterOne();
      });
  }

  #failLost(position: RecordPosition, task: ScheduledTask, run: Run): void {
    this.#options.log.warn(taskFields(task), 'The worker that ran this task died; the attempt has failed');
    this.#options.metrics.lostItsWorker();
    const attempt = new Attempt(task, this.#options.log, () => undefined);
    const result = failedForNow('WORKER_LOST', 'The worker that ran this attempt died before it ended.');
    const subject = { position, run: { ...run, attempt, substituted: true, segment: null, next: null } };
    this.#publisher.send({ subject, record: this.#records.ofOutcome(attempt, result) });
  }

  /** Its partition was taken away meanwhile. If it has come back, its record may have joined. */
  #runAgain(notes: RunNotes, task: ScheduledTask, run: Run): void {
    const again = run.joined.find(({ partition }) => partition.held);
    if (again === undefined) this.#deduplicator.forget(run.key);
    else this.#runSuspect(notes, again, task, run);
  }

  #start(position: RecordPosition | null, task: ScheduledTask, { key, joined, segment }: Run): void {
    const { executor, log } = this.#options;
    const attempt = new Attempt(task, log, (result) =>
      this.#onResult(position, { key, joined, attempt, substituted: false, segment, next: null }, result),
    );
    this.#attempts.set(attempt, { position, joined });
    this.#options.metrics.began(task.dispatchedAt, attempt.startedAt);
    attempt.start(executor);
  }

  #onResult(position: RecordPosition | null, run: TaskRun, given: AttemptResult): void {
    const { attempt } = run;
    this.#attempts.delete(attempt);
    const result = limitOutput(given, this.#options.payloadBytes);
    this.#options.metrics.ended(this.#options.executor.label(attempt.task), result.status, attempt.startedAt, Date.now());
    const record = this.#records.ofOutcome(attempt, result);
    const claim = this.#stopping || this.#buffer.isPaused ? null : this.#claims.claimAfter(run.segment, attempt.task, result);
    if (claim === null) this.#publisher.send({ subject: { position, run }, record });
    else {
      const subject = { position, run: { ...run, next: { claim, answer: record } } };
      this.#publisher.send({ subject, record: this.#records.ofOutcome(attempt, result, claim.task) });
    }
    this.#afterOne();
  }

  #runClaimed({ task }: Claim, run: Run | null): void {
    if (run === null) return;
    if (run.segment !== null) this.#options.metrics.continued();
    this.#start(null, task, run);
  }

  #toDeadLetters(position: RecordPosition, record: LogRecord, invalid: InvalidMessage): void {
    const { log, metrics } = this.#options;
    const { topic, partition, offset } = record;
    metrics.deadLetter(topic, invalid.code);
    log.warn({ topic, partition, offset: String(offset), ...invalid }, 'A message that can never be processed goes to the dead letters');
    this.#publisher.send({ subject: { position, run: null }, record: this.#records.ofInvalid(record, invalid) });
  }

  #onDelivered(deliveries: readonly Delivery<WorkItem>[]): void {
    const touched = new Set<PartitionBuffer>();
    const done = (position: RecordPosition): void => {
      this.#buffer.done(position);
      this.#notes?.forget(position);
      touched.add(position.partition);
    };
    for (const { subject, record } of deliveries) {
      if (subject.position !== null) done(subject.position);
      if (subject.run === null) continue;
      const { key, joined, next } = subject.run;
      joined.forEach(done);
      this.#deduplicator.finish(key, subject.position ?? joined[0] ?? null, next?.answer ?? record);
    }
    for (const partition of touched) this.#commit(partition);
    for (const { subject } of deliveries) {
      const claim = subject.run?.next?.claim;
      if (claim !== undefined) this.#runClaimed(claim, this.#claims.take(claim));
    }
    this.#afterOne();
  }

  #onRefused({ subject: { position, run }, record }: Delivery<WorkItem>, error: MillraceError): void {
    const { log } = this.#options;
    if (run === null || run.substituted) {
      // The record stays uncommitted: the lag of the partition shows it, and it is tried again after the next assignment.
      const source = position === null ? null : `${position.partition.topic}/${position.partition.partition}@${position.offset}`;
      log.error({ err: error, topic: record.topic, source }, 'The broker refuses a record');
      if (run !== null) this.#deduplicator.forget(run.key);
      return;
    }
    log.error({ err: error, ...taskFields(run.attempt.task) }, 'The broker refuses an outcome; the task fails instead');
    if (run.next !== null) this.#runClaimed(run.next.claim, this.#claims.drop(run.next.claim));
    const substitute = this.#records.ofOutcome(run.attempt, failed('OUTPUT_TOO_LARGE', 'The broker did not take the output.'));
    this.#publisher.send({ subject: { position, run: { ...run, substituted: true, next: null } }, record: substitute });
  }

  #onLost(deliveries: readonly Delivery<WorkItem>[], error: unknown): void {
    // The producer waits while the broker is unavailable. If it gives up although the process is not stopping, that is a bug, and
    // the process must end.
    if (!this.#stopping) throw error;
    for (const { subject } of deliveries) {
      if (subject.run === null) continue;
      this.#deduplicator.forget(subject.run.key);
      if (subject.run.next !== null) this.#deduplicator.forget(subject.run.next.claim.key);
    }
    this.#options.log.warn({ err: error, count: deliveries.length }, 'Outcomes were not sent; their tasks run again elsewhere');
    this.#afterOne();
  }

  #commit(partition: PartitionBuffer): void {
    const { committable } = partition.tracker;
    if (partition.held && committable !== null) this.#consumer.commit(partition, committable, partition.generation);
  }

  /** A place became free, or something was acknowledged. */
  #afterOne(): void {
    if (this.#stopping) {
      if (this.#isIdle()) this.#idle?.resolve();
    } else this.#startTasks();
  }
}
