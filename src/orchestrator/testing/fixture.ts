/** The notification consumer of an orchestrator, on a log and a store in memory, with a workflow of two tasks. */

import { pino } from 'pino';
import { type FlatState, flat } from '../../../test/support/flat-state.ts';
import { parseDefinition } from '../../core/definition/index.ts';
import type { Definition } from '../../core/definition/types.ts';
import { type CommandId, type InstanceId, parseCommandId, parseInstanceId, type TaskPath } from '../../core/ids.ts';
import type { CommandIssued } from '../../core/instance/decide/notification.ts';
import { defaultRunLimits, start } from '../../core/instance/index.ts';
import { taskAt } from '../../core/instance/state/scopes.ts';
import type { InstanceState } from '../../core/instance/state/state.ts';
import type { Json } from '../../core/json.ts';
import type { OutboxMessage } from '../../core/outbox-message.ts';
import { createBirths } from '../../engine/child/births.ts';
import { InstanceProcessor } from '../../engine/process/instance-processor.ts';
import { AssignedStateCache } from '../../engine/process/state-cache.ts';
import { createReadyDefinitions, type ReadyDefinitions } from '../../engine/ready-definitions.ts';
import { SteeredStore } from '../../engine/testing/steered-store.ts';
import { type Codec, createCodec } from '../../messaging/codec.ts';
import type { DeadLetter, TaskOutcome } from '../../messaging/generated/records.ts';
import type { LogRecord, OutgoingRecord } from '../../messaging/log.ts';
import { MemoryRegistry } from '../../messaging/memory/registry.ts';
import { createOutgoing, type OutgoingMessages } from '../../messaging/outgoing.ts';
import { recordsOfQueue, recordsOnTopics, registerSchemas } from '../../messaging/registration.ts';
import { HandMovedConsumer } from '../../messaging/testing/hand-moved-consumer.ts';
import { SteeredProducer } from '../../messaging/testing/steered-producer.ts';
import { createMetrics, type Metrics } from '../../service/metrics.ts';
import { outputKeyText } from '../../store/task-outputs.ts';
import { PartitionConsumer, type PartitionConsumerLimits } from '../consumer/partition-consumer.ts';
import { createDeadLetterSink, type DeadLetterSink } from '../dead-letters/dead-letter-sink.ts';
import { DirectSender } from '../direct/direct-sender.ts';
import { createEndTeller } from '../ends/end-teller.ts';
import { type Assigned, Assignments } from '../leases/assigned.ts';
import { LeaseKeeper } from '../leases/lease-keeper.ts';
import { Leases, leaseMs } from '../leases/leases.ts';
import { createNotificationProcessor } from '../notifications/notification-processor.ts';
import { createProcessingObserver } from '../notifications/processing-observer.ts';
import type { Received } from '../notifications/read-notification.ts';
import type { ReferencedOutputs } from '../notifications/referenced-outputs.ts';
import { createOrchestratorMetrics, type OrchestratorMetrics } from '../orchestrator-metrics.ts';

export const silent = pino({ level: 'silent' });
export const PREFIX = 'p';
export const NOTIFICATIONS = 'p.notifications';
export const DEAD_LETTERS = 'p.dead-letters';
export const LIFECYCLE = 'p.lifecycle';
const TASKS = [`${PREFIX}.tasks`, `${PREFIX}.tasks.handlers`, `${PREFIX}.tasks.others`, `${PREFIX}.tasks.http`];
export const T0 = Date.parse('2026-01-01T00:00:00Z');

/** `pick`, then `pack`. */
export const twoTasks: Json = {
  id: 'order',
  nodes: {
    pick: { type: 'task', task: 'pick' },
    pack: { type: 'task', task: 'pack' },
  },
  edges: [{ from: 'pick', to: 'pack' }],
};

export function definitionOf(document: Json, version = 1): Definition {
  const parsed = parseDefinition(document, { version });
  if (!parsed.ok) throw new Error(`the test's definition has errors: ${JSON.stringify(parsed.error)}`);
  return parsed.value;
}

export function instanceIdOf(n: number): InstanceId {
  const id = parseInstanceId(`01890000-0000-7000-8000-${String(n).padStart(12, '0')}`);
  if (id === undefined) throw new Error('unreachable: the id above is well formed');
  return id;
}

export function commandIdOf(n: number): CommandId {
  const id = parseCommandId(`01890000-0000-7000-9000-${String(n).padStart(12, '0')}`);
  if (id === undefined) throw new Error('unreachable: the id above is well formed');
  return id;
}

/** A registry, and a codec that is prepared for every record. */
export async function memoryCodec(): Promise<{ readonly registry: MemoryRegistry; readonly codec: Codec }> {
  const registry = new MemoryRegistry();
  const records = [...recordsOnTopics(PREFIX), ...recordsOfQueue(PREFIX, 'others')];
  await registerSchemas(registry, records);
  const codec = createCodec({ registry });
  await codec.prepare(records);
  return { registry, codec };
}

export type GivenRecord = Pick<LogRecord, 'key' | 'value'> & { readonly offset: bigint };

export class Fixture {
  readonly registry: MemoryRegistry;
  readonly codec: Codec;
  readonly outgoing: OutgoingMessages;
  readonly store = new SteeredStore([...TASKS, `${PREFIX}.lifecycle`, NOTIFICATIONS]);
  readonly producer = new SteeredProducer([DEAD_LETTERS, LIFECYCLE]);
  /** Of tasks that are sent directly. */
  readonly direct = new SteeredProducer(TASKS);
  /** Outputs that outcomes name, by `outputKeyText`. */
  readonly kept = new Map<string, string>();
  readonly outputs: ReferencedOutputs = {
    keptOutputs: async (_partition, keys) => new Map([...this.kept].filter(([id]) => keys.some((key) => outputKeyText(key) === id))),
    removeOutputs: async (_partition, keys) => {
      for (const key of keys) this.kept.delete(outputKeyText(key));
    },
  };
  readonly directSender: DirectSender | null;
  readonly metrics: Metrics = createMetrics('test');
  readonly own: OrchestratorMetrics;
  readonly deadLetters: DeadLetterSink;
  readonly definition: Definition;
  /** Its `get` may be replaced. */
  readonly stored = { get: async (_id: string, version: number) => (version === 1 ? this.definition : null) };
  readonly definitions: ReadyDefinitions;
  readonly processor: InstanceProcessor<Received>;
  readonly consumer: HandMovedConsumer;
  readonly partitionConsumer: PartitionConsumer<Assigned>;
  readonly assignments = new Assignments(new AssignedStateCache(10_000_000), () => new Leases(leaseMs, () => this.elapsedMs));
  readonly keeper: LeaseKeeper;
  /** The monotonic clock of leases, and of what is sent directly. */
  elapsedMs = 0;
  /** Where the log of notifications ends, as the broker says. */
  logEnd = 0n;
  now = T0;

  private constructor(
    registry: MemoryRegistry,
    codec: Codec,
    {
      partitions,
      limits,
      document,
      isDirect,
    }: {
      readonly partitions: number;
      readonly limits: Partial<PartitionConsumerLimits>;
      readonly document: Json;
      readonly isDirect: boolean;
    },
  ) {
    this.definition = definitionOf(document);
    this.registry = registry;
    this.codec = codec;
    this.outgoing = createOutgoing({ codec, prefix: PREFIX, partitions, publishTopics: [] });
    this.own = createOrchestratorMetrics(
      this.metrics,
      () => this.partitionConsumer.lag(),
      () => 0,
    );
    this.deadLetters = createDeadLetterSink({
      maxBytes: 1_048_576,
      codec,
      topic: DEAD_LETTERS,
      producer: this.producer,
      log: silent,
      onSent: this.own.deadLetter,
    });
    const known = new Map<number, Definition>();
    this.definitions = createReadyDefinitions(
      {
        peek: (_id, version) => known.get(version),
        get: async (id, version) => {
          const found = await this.stored.get(id, version);
          if (found !== null) known.set(version, found);
          return found;
        },
      },
      this.outgoing,
    );
    const { store, definitions, outgoing } = this;
    const deciding = { store, definitions, outgoing, limits: defaultRunLimits, now: () => this.now, continuation: true };
    this.processor = new InstanceProcessor({
      ...deciding,
      births: createBirths({ ...deciding, latest: { get: () => 1 } }),
      observer: createProcessingObserver(silent, this.own),
      tellsEnds: true,
    });
    this.directSender = isDirect
      ? new DirectSender({
          ...{ producer: this.direct, onProduced: this.own.sentDirectly, log: silent, now: () => this.elapsedMs },
          commitAgain: (partition) => this.partitionConsumer.commitAgain({ topic: NOTIFICATIONS, partition }),
        })
      : null;
    let consumer: HandMovedConsumer | undefined;
    this.partitionConsumer = new PartitionConsumer({
      groupId: 'group',
      openConsumer: (handlers) => {
        consumer = new HandMovedConsumer(handlers, NOTIFICATIONS);
        return consumer;
      },
      openContext: () => this.assignments.open(),
      committable: ({ leases }, partition, reached) => leases.committable(partition, reached),
      process: createNotificationProcessor({
        ...{ codec, maxMessageBytes: 100_000, outgoing, processor: this.processor },
        ...{ outputs: this.outputs, deadLetters: this.deadLetters, metrics: this.own },
        tellEnds: createEndTeller(outgoing, this.producer),
        direct: this.directSender,
      }),
      settled: async () => this.directSender?.settled(),
      limits,
      log: silent,
      metrics: this.own,
    });
    if (consumer === undefined) throw new Error('the partition consumer opened no consumer');
    this.consumer = consumer;
    this.keeper = new LeaseKeeper({
      ...{ topic: NOTIFICATIONS, store, outgoing, consumer: this.partitionConsumer },
      admin: { endOffsets: async () => new Map([[0, this.logEnd]]) },
      assigned: () => this.assignments.current,
      continued: () => this.definition,
      onReleased: this.own.leaseEnded,
    });
  }

  /** @param partitions of the installation; partition 0 is assigned. */
  static async start(
    limits: Partial<PartitionConsumerLimits> = {},
    partitions = 1,
    document: Json = twoTasks,
    isDirect = false,
  ): Promise<Fixture> {
    const { registry, codec } = await memoryCodec();
    const fixture = new Fixture(registry, codec, { partitions, limits, document, isDirect });
    await fixture.partitionConsumer.start();
    return fixture;
  }

  /** An instance that waits for the outcome of `pick`. */
  begin(n = 1, definition: Definition = this.definition): InstanceState {
    const command = { instanceId: instanceIdOf(n), input: {}, businessKey: null, by: 'tester', cause: 'rest:1' };
    const started = start(definition, command, T0);
    if (!started.ok) throw new Error('the start was refused');
    this.store.put(command.instanceId, started.value.state);
    return started.value.state;
  }

  state(n = 1): FlatState {
    const found = this.store.stored(instanceIdOf(n));
    if (found === undefined) throw new Error(`no instance ${n}`);
    return flat(found.state);
  }

  /** The worker's answer to the open attempt of `path`. */
  outcome(offset: number, path = 'pick', { n = 1, ...rest }: { readonly n?: number } & Partial<TaskOutcome> = {}): GivenRecord {
    const instanceId = instanceIdOf(n);
    const found = this.store.stored(instanceId);
    const task = found === undefined ? undefined : taskAt(found.state, path as TaskPath);
    const value: TaskOutcome = {
      ...{ taskId: `${instanceId}.${path}`, instanceId, attempt: task?.attempt ?? 1, basis: task?.basis ?? 'unknown' },
      ...{
        status: 'completed',
        output: '{"done":true}',
        errorCode: null,
        errorMessage: null,
        retryable: null,
        retryAfterMs: null,
        errorDetails: null,
        continuing: null,
        outputReference: null,
      },
      ...{ worker: 'test', startedAt: T0, finishedAt: T0 },
      ...rest,
    };
    return this.given(offset, n, this.codec.encode('TaskOutcome', NOTIFICATIONS, value));
  }

  command(offset: number, command: CommandIssued['command'], n = 1): GivenRecord {
    const issued: CommandIssued = { type: 'CommandIssued', commandId: commandIdOf(offset), by: 'ada', command };
    return this.sent(offset, n, this.outgoing.ofCommand(instanceIdOf(n), issued, T0));
  }

  /** A message of the outbox, as Debezium would write it. */
  sent(offset: number, n: number, { payload }: OutboxMessage): GivenRecord {
    return this.given(offset, n, payload);
  }

  given(offset: number, n: number, value: Buffer): GivenRecord {
    return { offset: BigInt(offset), key: Buffer.from(instanceIdOf(n)), value };
  }

  /** Resolves when everything below the offset of partition 0 is committed. */
  async committed(offset: number): Promise<void> {
    while (this.consumer.committed.get(0) !== BigInt(offset)) await new Promise((resolve) => setImmediate(resolve));
  }

  async process(...records: readonly GivenRecord[]): Promise<void> {
    this.consumer.give(0, records);
    await this.committed(Number(records.at(-1)?.offset ?? 0n) + 1);
  }

  async sentDeadLetters(): Promise<readonly DeadLetter[]> {
    return await Promise.all(
      this.#sentTo(DEAD_LETTERS).map(async ({ value }) => {
        const decoded = await this.codec.decode(value ?? Buffer.alloc(0), ['DeadLetter']);
        if (!decoded.ok) throw new Error('not a dead letter');
        return decoded.value;
      }),
    );
  }

  /** Each word that an instance has ended, as `<n> <status>`. */
  async toldEnds(): Promise<readonly string[]> {
    return await Promise.all(
      this.#sentTo(LIFECYCLE).map(async ({ value, key, partition }) => {
        const decoded = await this.codec.decode(value ?? Buffer.alloc(0), ['InstanceChanged']);
        if (!decoded.ok) throw new Error('no record of the lifecycle');
        const { instanceId, change, status } = decoded.value;
        if (key !== instanceId || partition !== 0) throw new Error('the record is in the wrong place');
        return `${Number(instanceId.slice(-12))} ${change} ${status}`;
      }),
    );
  }

  #sentTo(wanted: string): readonly OutgoingRecord[] {
    return this.producer.sent.filter(({ topic }) => topic === wanted);
  }

  /** Value of a counter with these labels; 0 when it was never incremented. */
  async counted(metric: string, labels: Readonly<Record<string, string>>): Promise<number> {
    const found = (await this.metrics.registry.getMetricsAsJSON()).find(({ name }) => name === `millrace_${metric}`);
    const matches = (given: Partial<Record<string, string | number>>) =>
      Object.entries(labels).every(([key, value]) => given[key] === value);
    return found?.values.filter((each) => matches(each.labels)).reduce((sum, { value }) => sum + value, 0) ?? 0;
  }
}
