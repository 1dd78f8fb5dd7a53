/** A task worker on the in-memory log, and the records that it is given and gives. */
import { pino } from 'pino';
import type { Json } from '../../core/json.ts';
import type { Codec } from '../../messaging/codec.ts';
import type { DeadLetter, TaskOutcome, TaskScheduled } from '../../messaging/generated/records.ts';
import { MemoryRegistry } from '../../messaging/memory/registry.ts';
import { HandMovedConsumer } from '../../messaging/testing/hand-moved-consumer.ts';
import { SteeredProducer } from '../../messaging/testing/steered-producer.ts';
import { workerCodec } from '../../messaging/testing/worker-codec.ts';
import { isRetryable, retryForever } from '../../service/backoff.ts';
import { createMetrics } from '../../service/metrics.ts';
import type { TaskDefinition } from '../../worker/index.ts';
import type { AttemptScope } from '../executor.ts';
import { createHandlerExecutor } from '../executors/handlers.ts';
import { TaskWorker } from '../worker.ts';
import { createWorkerMetrics } from '../worker-metrics.ts';
import type { TaskWorkerOptions } from '../worker-options.ts';

export const silent = pino({ level: 'silent' });
/** Of an attempt without a timeout. */
export const untimed: AttemptScope['untimed'] = (work) => work();

export function instanceIdOf(n: number): string {
  return `01890000-0000-7000-8000-${String(n).padStart(12, '0')}`;
}

export type TaskGiven = { readonly n?: number; readonly path?: string; readonly task?: string | null; readonly input?: Json } & Partial<
  Omit<TaskScheduled, 'input' | 'task'>
>;

export function scheduled({ n = 1, path = 'work', task = 'echo', input = null, ...rest }: TaskGiven = {}): TaskScheduled {
  const instanceId = instanceIdOf(n);
  return {
    taskId: `${instanceId}.${path}`,
    instanceId,
    nodeId: path,
    definitionId: 'test',
    definitionVersion: 1,
    type: 'task',
    task,
    queue: 'handlers',
    attempt: 1,
    basis: 'b1',
    timeoutMs: 60_000,
    secrets: null,
    continuation: null,
    inputReference: null,
    dispatchedAt: Date.now(),
    ...rest,
    input: JSON.stringify(input),
  };
}

export class WorkerFixture {
  readonly codec: Codec;
  readonly registry;
  readonly producer = new SteeredProducer(['notifications', 'dead-letters']);
  readonly consumer: HandMovedConsumer;
  readonly worker: TaskWorker;
  readonly metrics = createMetrics('test');
  /** Aborted as a process does before it stops its parts. */
  readonly ending = new AbortController();

  private constructor(codec: Codec, registry: MemoryRegistry, options: Partial<TaskWorkerOptions>) {
    this.codec = codec;
    this.registry = registry;
    let consumer: HandMovedConsumer | undefined;
    this.worker = new TaskWorker({
      groupId: 'group',
      name: 'test:1',
      concurrency: 4,
      executor: createHandlerExecutor([]),
      openConsumer: (handlers) => {
        consumer = new HandMovedConsumer(handlers);
        return consumer;
      },
      producer: this.producer,
      codec,
      topics: { notifications: 'notifications', deadLetters: 'dead-letters' },
      maxMessageBytes: 100_000,
      payloadBytes: 50_000,
      retry: retryForever(isRetryable, this.ending.signal, silent, { initialMs: 1, maxMs: 2 }),
      signal: this.ending.signal,
      log: silent,
      metrics: createWorkerMetrics(this.metrics, { inFlight: () => this.worker.inFlight, lag: () => this.worker.lag() }),
      ...options,
    });
    if (consumer === undefined) throw new Error('the worker opened no consumer');
    this.consumer = consumer;
  }

  static async start(handlers: readonly TaskDefinition[], options: Partial<TaskWorkerOptions> = {}): Promise<WorkerFixture> {
    const registry = new MemoryRegistry();
    const fixture = new WorkerFixture(await workerCodec(registry), registry, { executor: createHandlerExecutor(handlers), ...options });
    await fixture.worker.start();
    return fixture;
  }

  record(offset: number, task: TaskScheduled): { readonly offset: bigint; readonly key: Buffer; readonly value: Buffer } {
    return { offset: BigInt(offset), key: Buffer.from(task.instanceId), value: this.codec.encode('TaskScheduled', 'tasks', task) };
  }

  give(offset: number, task: TaskScheduled, partition = 0): void {
    this.consumer.give(partition, [this.record(offset, task)]);
  }

  get outcomes(): readonly TaskOutcome[] {
    return this.producer.sent.filter(({ topic }) => topic === 'notifications').map(({ value }) => this.#decode('TaskOutcome', value));
  }

  get deadLetters(): readonly DeadLetter[] {
    return this.producer.sent.filter(({ topic }) => topic === 'dead-letters').map(({ value }) => this.#decode('DeadLetter', value));
  }

  #decode<Name extends 'TaskOutcome' | 'DeadLetter'>(name: Name, value: Buffer | null) {
    const decoded = this.codec.decode(value ?? Buffer.alloc(0), [name]);
    if (decoded instanceof Promise || !decoded.ok) throw new Error(`not a ${name}`);
    return decoded.value;
  }
}
