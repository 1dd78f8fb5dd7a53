/**
 * A worker that goes on by itself and an orchestrator that holds its tasks, or sends them itself, with two logs between them, in memory and at the mercy of a
 * schedule of random numbers: what is published comes twice, workers and orchestrators die at any point between what they do and
 * their offset, lose their partitions unawares and come back, leases run out while a worker is only slow. Real parts but for the logs.
 */
import { pino } from 'pino';
import type { TaskPath } from '../../../src/core/ids.ts';
import { continuationOf } from '../../../src/core/instance/continuation/continuation.ts';
import { defaultRunLimits } from '../../../src/core/instance/index.ts';
import type { HistoryEntry } from '../../../src/core/instance/step.ts';
import type { Chance } from '../../../src/core/instance/testing/chance.ts';
import type { Json } from '../../../src/core/json.ts';
import type { LogProducer, LogRecord, OutgoingRecord } from '../../../src/messaging/log.ts';
import { toTaskRecord } from '../../../src/messaging/records/task-scheduled.ts';
import { HandMovedConsumer } from '../../../src/messaging/testing/hand-moved-consumer.ts';
import { leaseMs } from '../../../src/orchestrator/leases/leases.ts';
import { DEAD_LETTERS, Fixture, instanceIdOf, NOTIFICATIONS } from '../../../src/orchestrator/testing/fixture.ts';
import { isRetryable, retryForever } from '../../../src/service/backoff.ts';
import { createMetrics } from '../../../src/service/metrics.ts';
import { createHandlerExecutor } from '../../../src/task-consumer/executors/handlers.ts';
import { TaskWorker } from '../../../src/task-consumer/worker.ts';
import { createWorkerMetrics } from '../../../src/task-consumer/worker-metrics.ts';
import { defineTask } from '../../../src/worker/index.ts';

export type Switches = { readonly isContinued: boolean; readonly isDirect: boolean };

type Bytes = { readonly key: Buffer; readonly value: Buffer };
type Run = { readonly path: string; end(): void };
type Worker = {
  readonly worker: TaskWorker;
  readonly consumer: HandMovedConsumer;
  readonly runs: Run[];
  /** Sent and not acknowledged. */
  readonly sending: { readonly records: readonly OutgoingRecord[]; acknowledge(): void }[];
  position: number;
};

const silent = pino({ level: 'silent' });
const retry = retryForever(isRetryable, new AbortController().signal, silent);
const TASKS_TOPIC = 'p.tasks.handlers';

export class ContinuationWorld {
  readonly fixture: Fixture;
  /** Runs of handlers, by path and how often. */
  readonly ran: string[] = [];
  readonly #switches: Switches;
  readonly #tasks: Bytes[] = [];
  readonly #notifications: Bytes[] = [];
  #published = 0;
  /** Of what the orchestrator sends directly: how much of it is in the log. */
  #direct = 0;
  #workers: Worker[] = [];
  #owner = 0;
  /** What each group has committed, and before its last commit. */
  #taskOffset = 0;
  #read = 0;

  private constructor(fixture: Fixture, switches: Switches) {
    this.fixture = fixture;
    this.#switches = switches;
  }

  static async open(document: Json, switches: Switches): Promise<ContinuationWorld> {
    const fixture = await Fixture.start({}, 1, document, switches.isDirect);
    fixture.direct.hold = true;
    const world = new ContinuationWorld(fixture, switches);
    const state = fixture.begin();
    const path = 'n0' as TaskPath;
    const first = toTaskRecord(state, path, 1, continuationOf(fixture.definition, state, path));
    world.#tasks.push({ key: Buffer.from(state.instanceId), value: fixture.codec.encode('TaskScheduled', TASKS_TOPIC, first) });
    world.#workers = [world.#open(), world.#open()];
    await world.#give(0);
    return world;
  }

  get history(): readonly HistoryEntry[] {
    return this.fixture.store.written.flatMap(({ history }) => history);
  }

  get phase(): string {
    return this.fixture.state().phase;
  }

  /** One thing happens, mostly one that has to. */
  async act(chance: Chance): Promise<void> {
    const worker = this.#workers[chance.below(this.#workers.length)];
    if (worker === undefined) return;
    if (chance.below(8) === 0) return await this.#goWrong(worker, chance);
    switch (chance.below(this.#switches.isDirect ? 6 : 5)) {
      case 0:
        return this.#publish(chance.below(2) + 1);
      case 5:
        return await this.#takeDirect(1);
      case 1:
        return await this.#deliverTasks();
      case 2:
        return await this.#endRun(worker, chance);
      case 3:
        return await this.#acknowledge(worker);
      default:
        return await this.#deliverNotifications(1 + chance.below(4));
    }
  }

  async #goWrong(worker: Worker, chance: Chance): Promise<void> {
    switch (chance.below(7)) {
      case 0:
        // Connect has restarted.
        if (this.#tasks.length > 0) this.#tasks.push(this.#tasks.at(-1) as Bytes);
        return;
      case 1: {
        // A producer has written twice.
        const again = chance.pick(this.#notifications);
        if (again !== undefined) this.#notifications.push(again);
        return;
      }
      case 2:
        return await this.#endLeases();
      case 3:
        return await this.#killWorker(worker, chance.below(2) === 0);
      case 4:
        return await this.killAll();
      case 5:
        return await this.#movePartition(chance.below(2) === 0);
      default:
        return await this.#takeOver(chance.below(3), chance);
    }
  }

  /** Every worker and the orchestrator, once their last words are written and applied: what is held then is known by the log alone. */
  async killAll(): Promise<void> {
    for (const worker of [...this.#workers]) await this.#killWorker(worker, true);
    await this.#deliverNotifications(99);
    await this.#takeOver(0, null);
  }

  /** Nothing goes wrong any more. */
  async finish(): Promise<void> {
    for (let round = 0; round < 200 && this.phase === 'running'; round++) {
      this.#publish(99);
      await this.#takeDirect(99);
      await this.#deliverTasks();
      for (const worker of this.#workers) {
        while (worker.runs.length > 0) await this.#endRun(worker, null);
        while (worker.sending.length > 0) await this.#acknowledge(worker);
      }
      await this.#deliverNotifications(99);
      await this.#endLeases();
    }
  }

  #open(): Worker {
    const runs: Run[] = [];
    const sending: Worker['sending'] = [];
    const task = defineTask({
      name: 'work',
      run: (_, { taskId }) => {
        const path = taskId.slice(37);
        const { promise, resolve } = Promise.withResolvers<Json>();
        this.ran.push(path);
        // No two runs give the same.
        const output = `${path}#${this.ran.length}`;
        runs.push({ path, end: () => resolve(output) });
        return promise;
      },
    });
    const producer: LogProducer = {
      send: (records) => {
        const { promise, resolve } = Promise.withResolvers<void>();
        sending.push({ records, acknowledge: resolve });
        return promise;
      },
      ready: async () => undefined,
      pending: () => ({ records: 0, bytes: 0 }),
      stop: async () => undefined,
    };
    let consumer: HandMovedConsumer | undefined;
    const executor = createHandlerExecutor([task]);
    const { definition, codec } = this.fixture;
    const continuation = {
      ...{ queue: 'handlers', definitions: { peek: () => definition }, limits: defaultRunLimits },
      budget: { ms: 600_000, tasks: 4 },
    };
    const worker: TaskWorker = new TaskWorker({
      ...{ groupId: 'g', name: 'w', concurrency: 2, executor, producer, codec, retry, log: silent },
      openConsumer: (handlers) => {
        consumer = new HandMovedConsumer(handlers, TASKS_TOPIC);
        return consumer;
      },
      topics: { notifications: NOTIFICATIONS, deadLetters: DEAD_LETTERS },
      ...{ maxMessageBytes: 1_000_000, payloadBytes: 100_000, signal: new AbortController().signal },
      metrics: createWorkerMetrics(createMetrics('test'), { inFlight: () => 0, lag: () => [] }),
      ...(this.#switches.isContinued ? { continuation } : {}),
    });
    if (consumer === undefined) throw new Error('the worker opened no consumer');
    return { worker, consumer, runs, sending, position: 0 };
  }

  /** The partition goes to this worker, which reads from the committed offset. */
  async #give(index: number): Promise<void> {
    this.#owner = index;
    const owner = this.#workers[index];
    if (owner === undefined) return;
    owner.consumer.left = false;
    owner.consumer.committed.clear();
    owner.consumer.assign(0);
    owner.position = this.#taskOffset;
  }

  #publish(most: number): void {
    const rows = this.fixture.store.sent.filter(({ id }) => id > this.#published).slice(0, most);
    for (const { id, messageType, key, payload } of rows) {
      this.#published = id;
      if (messageType === 'TaskScheduled') this.#tasks.push({ key: Buffer.from(key), value: payload });
    }
  }

  /** The broker acknowledges what the orchestrator has sent, the oldest first. */
  async #takeDirect(most: number): Promise<void> {
    for (const waiting of this.fixture.direct.held.splice(0, most)) waiting.resolve();
    await tick();
    this.#appendDirect();
  }

  #appendDirect(): void {
    for (const { key, value } of this.fixture.direct.sent.slice(this.#direct)) {
      this.#direct++;
      if (value !== null && key !== null) this.#tasks.push({ key: Buffer.from(key), value });
    }
  }

  async #deliverTasks(): Promise<void> {
    const owner = this.#workers[this.#owner];
    if (owner === undefined || owner.position >= this.#tasks.length) return;
    const { topic, partition, generation } = { topic: TASKS_TOPIC, partition: 0, generation: owner.consumer.generation };
    const records = this.#tasks.slice(owner.position).map((bytes, index) => recordAt(topic, owner.position + index, bytes));
    owner.position = this.#tasks.length;
    owner.consumer.handlers.onBatch({ topic, partition, generation, records, highWatermark: BigInt(this.#tasks.length) });
    await this.#settle();
  }

  async #endRun({ runs }: Worker, chance: Chance | null): Promise<void> {
    const [run] = runs.splice(chance === null ? 0 : chance.below(Math.max(1, runs.length)), 1);
    run?.end();
    await this.#settle();
  }

  async #acknowledge({ sending }: Worker): Promise<void> {
    const sent = sending.shift();
    if (sent === undefined) return;
    this.#append(sent.records);
    sent.acknowledge();
    await this.#settle();
  }

  #append(records: readonly OutgoingRecord[]): void {
    for (const { key, value } of records) {
      if (value !== null && key !== null) this.#notifications.push({ key: Buffer.from(key), value });
    }
  }

  /** With what it had in its hands; `written`: its last outcomes have reached the broker. */
  async #killWorker(dead: Worker, written: boolean): Promise<void> {
    const index = this.#workers.indexOf(dead);
    if (written) for (const { records } of dead.sending.splice(0)) this.#append(records);
    dead.consumer.left = true;
    dead.consumer.revoke();
    this.#workers[index] = this.#open();
    if (this.#owner === index) await this.#give((index + 1) % this.#workers.length);
  }

  /** `unawares`: the one that loses it goes on as if nothing had happened, until it asks. */
  async #movePartition(unawares: boolean): Promise<void> {
    const before = this.#workers[this.#owner];
    if (before === undefined) return;
    if (unawares) before.consumer.left = true;
    else before.consumer.revoke();
    await this.#give((this.#owner + 1) % this.#workers.length);
  }

  async #deliverNotifications(most: number): Promise<void> {
    const records = this.#notifications
      .slice(this.#read, this.#read + most)
      .map((bytes, index) => recordAt(NOTIFICATIONS, this.#read + index, bytes));
    if (records.length === 0) return;
    this.#read += records.length;
    const { consumer, partitionConsumer } = this.fixture;
    consumer.handlers.onBatch({
      topic: NOTIFICATIONS,
      partition: 0,
      generation: consumer.generation,
      records,
      highWatermark: BigInt(this.#notifications.length),
    });
    while (partitionConsumer.reached({ topic: NOTIFICATIONS, partition: 0 }) !== BigInt(this.#read)) await tick();
  }

  async #endLeases(): Promise<void> {
    this.fixture.elapsedMs += leaseMs;
    this.fixture.logEnd = BigInt(this.#notifications.length);
    await this.fixture.keeper.look();
  }

  /**
   * Another orchestrator reads from the committed offset; `back`: the last commits did not reach the broker. What the one before was
   * sending is lost, is written without its hearing of it, or is written late.
   */
  async #takeOver(back: number, chance: Chance | null): Promise<void> {
    const { consumer, direct } = this.fixture;
    const committed = Number(consumer.committed.get(0) ?? 0n);
    this.#read = Math.max(0, committed - back);
    consumer.committed.set(0, BigInt(this.#read));
    consumer.assign(0);
    for (const waiting of direct.held.splice(0)) {
      const fate = chance?.below(3) ?? 0;
      if (fate === 0) waiting.reject(new Error('the orchestrator is dead'));
      else if (fate === 1) waiting.resolve();
      else direct.held.push(waiting);
    }
    await tick();
    this.#appendDirect();
  }

  async #settle(): Promise<void> {
    for (let turn = 0; turn < 4; turn++) await tick();
    const owner = this.#workers[this.#owner];
    this.#taskOffset = Math.max(this.#taskOffset, Number(owner?.consumer.committed.get(0) ?? 0n));
  }
}

function recordAt(topic: string, offset: number, { key, value }: Bytes): LogRecord {
  return { topic, partition: 0, offset: BigInt(offset), timestamp: 0, key, value, headers: [] };
}

async function tick(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

export const INSTANCE = instanceIdOf(1);
