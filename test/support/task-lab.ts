/** Topics of its own on the real stack, and the two ends of a task worker: tasks in, outcomes and dead letters out. */
import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { uuidv7 } from 'uuidv7';
import type { Json } from '../../src/core/json.ts';
import { type Codec, createCodec } from '../../src/messaging/codec.ts';
import type { DeadLetter, TaskOutcome, TaskScheduled } from '../../src/messaging/generated/records.ts';
import { connectKafka } from '../../src/messaging/kafkajs/index.ts';
import type { Log, LogConsumer, LogProducer, LogRecord, OutgoingRecord } from '../../src/messaging/log.ts';
import { recordsOfQueue, recordsOnTopics, registerSchemas } from '../../src/messaging/registration.ts';
import { connectRegistry } from '../../src/messaging/registry.ts';
import { ensureQueueTopic, ensureTopics, groupNames, topicNames } from '../../src/messaging/topics.ts';
import { loadConfig } from '../../src/service/config.ts';
import { kafkaOptions, registryOptions, topicSettings } from '../../src/service/connections.ts';
import { type WorkerConfig, workerConfigGroups } from '../../src/task-consumer/main.ts';
import { stackEnv } from './env.ts';

export type GivenTask = { readonly input?: Json; readonly path?: string } & Partial<Omit<TaskScheduled, 'input'>>;

export class TaskLab {
  /** What a worker process of this lab is started with. */
  readonly env: Readonly<Record<string, string>>;
  readonly config: WorkerConfig;
  readonly names;
  readonly log: Log;
  readonly codec: Codec;
  readonly producer: LogProducer;
  /** Everything that workers said so far, in no order between partitions. */
  readonly outcomes: TaskOutcome[] = [];
  readonly deadLetters: DeadLetter[] = [];
  readonly #readers: LogConsumer[] = [];

  private constructor(env: Readonly<Record<string, string>>) {
    this.env = { ...stackEnv(), MILLRACE_TOPIC_PREFIX: `lab-${randomUUID().slice(0, 8)}`, LOG_LEVEL: 'silent', ...env };
    this.config = loadConfig(this.env, workerConfigGroups);
    this.names = topicNames(this.config.topics.prefix);
    this.log = connectKafka(kafkaOptions(this.config), pino({ level: 'silent' }));
    this.codec = createCodec({ registry: connectRegistry(registryOptions(this.config)) });
    this.producer = this.log.producer();
  }

  /** @param env over the stack's. @param queues beside the default one. */
  static async open(env: Readonly<Record<string, string>> = {}, queues: readonly string[] = []): Promise<TaskLab> {
    const lab = new TaskLab(env);
    const settings = topicSettings(lab.config);
    const { prefix } = lab.config.topics;
    const registry = connectRegistry(registryOptions(lab.config));
    const admin = lab.log.admin();
    await ensureTopics(admin, { ...settings, queues });
    await admin.close();
    const records = recordsOnTopics(prefix, queues);
    await registerSchemas(registry, records);
    await lab.codec.prepare(records);
    await lab.#read(lab.names.notifications, (record) => lab.#keep(record, 'TaskOutcome', lab.outcomes));
    await lab.#read(lab.names.deadLetters, (record) => lab.#keep(record, 'DeadLetter', lab.deadLetters));
    return lab;
  }

  /** As deploying a definition with a new queue does. */
  async addQueue(queue: string): Promise<void> {
    const admin = this.log.admin();
    await ensureQueueTopic(admin, topicSettings(this.config), queue);
    await admin.close();
    const records = recordsOfQueue(this.config.topics.prefix, queue);
    await registerSchemas(connectRegistry(registryOptions(this.config)), records);
    await this.codec.prepare(records);
  }

  async close(): Promise<void> {
    await Promise.all(this.#readers.map((reader) => reader.stop()));
    await this.producer.stop();
  }

  /** A task as Debezium would write it. Without a queue it is for the http executor. */
  task({ input = null, path = 'work', ...rest }: GivenTask = {}): TaskScheduled {
    const instanceId = uuidv7();
    const type = rest.queue === undefined ? 'http' : 'task';
    return {
      taskId: `${instanceId}.${path}`,
      instanceId,
      nodeId: path,
      definitionId: 'lab',
      definitionVersion: 1,
      type,
      task: null,
      inputReference: null,
      queue: null,
      attempt: 1,
      basis: randomUUID(),
      timeoutMs: 60_000,
      secrets: null,
      continuation: null,
      dispatchedAt: Date.now(),
      ...rest,
      input: JSON.stringify(input),
    };
  }

  async dispatch(...tasks: readonly TaskScheduled[]): Promise<void> {
    await this.producer.send(tasks.map((task) => this.recordOf(task)));
  }

  recordOf(task: TaskScheduled): OutgoingRecord {
    const topic = this.names.tasks(task.queue);
    return { topic, key: task.instanceId, value: this.codec.encode('TaskScheduled', topic, task) };
  }

  outcomesOf(...tasks: readonly TaskScheduled[]): readonly TaskOutcome[] {
    const ids = new Set(tasks.map(({ taskId }) => taskId));
    return this.outcomes.filter(({ taskId }) => ids.has(taskId));
  }

  /** Records of the queue that its group has not committed. */
  async uncommitted(queue: string | null): Promise<number> {
    const admin = this.log.admin();
    const topic = this.names.tasks(queue);
    const [ends, committed] = await Promise.all([
      admin.endOffsets(topic),
      admin.committedOffsets(groupNames(this.config.topics.prefix).tasks(queue), topic),
    ]);
    await admin.close();
    return [...ends].reduce((sum, [partition, end]) => sum + Number(end - (committed.get(partition) ?? 0n)), 0);
  }

  async #read(topic: string, take: (record: LogRecord) => Promise<void>): Promise<void> {
    const reader: LogConsumer = this.log.consumer({
      groupId: `lab-reader-${randomUUID()}`,
      topics: [topic],
      handlers: {
        onBatch: ({ records }) => {
          for (const record of records) void take(record);
        },
        onAssigned: () => undefined,
        onRevoked: () => undefined,
      },
    });
    this.#readers.push(reader);
    await reader.start();
  }

  async #keep<Name extends 'TaskOutcome' | 'DeadLetter'>(
    { value }: LogRecord,
    name: Name,
    into: (Name extends 'TaskOutcome' ? TaskOutcome : DeadLetter)[],
  ): Promise<void> {
    const decoded = await this.codec.decode(value ?? Buffer.alloc(0), [name]);
    if (!decoded.ok) throw new Error(`a worker wrote what is no ${name}: ${decoded.reason}`);
    into.push(decoded.value as Name extends 'TaskOutcome' ? TaskOutcome : DeadLetter);
  }
}
