/**
 * Orchestrators on databases and topics of a test file's own, on the real stack, without connector and workers: the test
 * writes to the topics what those would, and looks into the outbox for what would leave.
 */

import { randomInt } from 'node:crypto';
import { pino } from 'pino';
import { UUID, uuidv7 } from 'uuidv7';
import { definitionEventTypes, definitionQueues } from '../../src/core/definition/requirements.ts';
import type { Definition } from '../../src/core/definition/types.ts';
import type { CommandId, InstanceId, TaskPath } from '../../src/core/ids.ts';
import type { CommandIssued } from '../../src/core/instance/decide/notification.ts';
import { start } from '../../src/core/instance/index.ts';
import { canonicalJson, type Json, type JsonObject } from '../../src/core/json.ts';
import { createEventMatcher } from '../../src/engine/correlate/event-matcher.ts';
import { type Codec, createCodec } from '../../src/messaging/codec.ts';
import type { ExternalEvent, TaskOutcome } from '../../src/messaging/generated/records.ts';
import { connectKafka } from '../../src/messaging/kafkajs/index.ts';
import type { Log, LogHeader, LogProducer } from '../../src/messaging/log.ts';
import { createOutgoing, type OutgoingMessages } from '../../src/messaging/outgoing.ts';
import { recordsOnTopics, registerSchemas } from '../../src/messaging/registration.ts';
import { connectRegistry } from '../../src/messaging/registry.ts';
import { ensureTopics, outboxTopics, topicNames } from '../../src/messaging/topics.ts';
import { type OrchestratorConfig, orchestratorConfigGroups, runOrchestrator } from '../../src/orchestrator/main.ts';
import { loadConfig } from '../../src/service/config.ts';
import { kafkaOptions, registryOptions, topicSettings } from '../../src/service/connections.ts';
import type { RunningProcess } from '../../src/service/process.ts';
import type { DefinitionStore } from '../../src/store/definition-store.ts';
import type { DeadLetterRow, InstanceQueries } from '../../src/store/instance-queries.ts';
import type { InstanceStore } from '../../src/store/instance-store.ts';
import {
  createDefinitionStore,
  createInstanceQueries,
  createInstanceStore,
  createPools,
  type Pools,
} from '../../src/store/postgres/index.ts';
import { findFreePort } from '../../stack/ports.ts';
import { stackEnv } from './env.ts';
import { type FlatState, flat } from './flat-state.ts';
import { asSuperuser, createFreshDatabases, type FreshDatabases } from './fresh-databases.ts';
import { definitionOf } from './scenario.ts';

const silent = pino({ level: 'silent' });

export type RawRecord = { readonly key: string | null; readonly value: Buffer | null; readonly headers?: readonly LogHeader[] };

export type TestOrchestrator = RunningProcess & {
  /** Value of a counter, summed over the label combinations that fit. */
  counted(metric: string, labels?: Readonly<Record<string, string>>): Promise<number>;
  /** Of its readiness, by name: `ok` or the reason. */
  checks(): Promise<Readonly<Record<string, string>>>;
};

export class OrchestratorLab {
  readonly env: Readonly<Record<string, string>>;
  readonly config: OrchestratorConfig;
  readonly names;
  readonly databases: FreshDatabases;
  readonly definitions: DefinitionStore;
  readonly store: InstanceStore;
  readonly queries: InstanceQueries;
  readonly codec: Codec;
  readonly outgoing: OutgoingMessages;
  readonly log: Log;
  readonly producer: LogProducer;
  readonly #pools: Pools;

  private constructor(prefix: string, databases: FreshDatabases, env: Readonly<Record<string, string>>) {
    const { definitions, instances, replication } = databases.config.databases;
    this.databases = databases;
    this.env = {
      ...stackEnv(),
      ...{ DEFINITION_DATABASE_URL: definitions, INSTANCE_DATABASE_URL: instances, REPLICATION_DATABASE_URL: replication ?? '' },
      ...{ MILLRACE_TOPIC_PREFIX: prefix, LOG_LEVEL: 'silent' },
      ...env,
    };
    this.config = loadConfig(this.env, orchestratorConfigGroups);
    const { partitions, publish: publishTopics } = this.config.topics;
    this.names = topicNames(prefix);
    this.codec = createCodec({ registry: connectRegistry(registryOptions(this.config)) });
    this.outgoing = createOutgoing({ codec: this.codec, prefix, partitions, publishTopics });
    this.#pools = createPools({ definitions, instances }, { applicationName: 'lab' });
    this.definitions = createDefinitionStore(this.#pools.definitions);
    this.store = createInstanceStore(this.#pools.instances, createEventMatcher(this.outgoing), { eventTtlMs: 3_600_000 });
    this.queries = createInstanceQueries(this.#pools.instances);
    this.log = connectKafka(kafkaOptions(this.config), silent);
    this.producer = this.log.producer();
  }

  /**
   * @param prefix lower case letters and `-`; nobody else's.
   * @param env over the stack's; topics that it names and that are not ours are made, as somebody else would.
   */
  static async open(prefix: string, env: Readonly<Record<string, string>> = {}): Promise<OrchestratorLab> {
    const databases = await createFreshDatabases(prefix.replaceAll('-', '_'));
    await databases.migrate({ prefix });
    const lab = new OrchestratorLab(prefix, databases, env);
    const { events, publish } = lab.config.topics;
    const admin = lab.log.admin();
    await ensureTopics(admin, topicSettings(lab.config));
    await admin.createTopics([...events, ...publish].map((topic) => ({ topic, partitions: 2, replication: 1, config: {} })));
    await admin.close();
    const records = recordsOnTopics(prefix, [], publish);
    await registerSchemas(connectRegistry(registryOptions(lab.config)), records);
    await lab.codec.prepare(records);
    await lab.store.registerTopics(outboxTopics(prefix, [], publish));
    return lab;
  }

  async close(): Promise<void> {
    await this.producer.stop();
    await this.#pools.close();
    await this.databases.drop();
  }

  /** @param env over the lab's. */
  async run(env: Readonly<Record<string, string>> = {}): Promise<TestOrchestrator> {
    const port = await findFreePort();
    const running = await runOrchestrator(loadConfig({ ...this.env, METRICS_PORT: String(port), ...env }, orchestratorConfigGroups));
    return {
      ...running,
      async checks() {
        const response = await fetch(`http://127.0.0.1:${port}/health/ready`);
        return ((await response.json()) as { readonly checks: Readonly<Record<string, string>> }).checks;
      },
      async counted(metric, labels = {}) {
        const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
        const wanted = Object.entries(labels).map(([name, value]) => `${name}="${value}"`);
        return text
          .split('\n')
          .filter((line) => line.startsWith(`millrace_${metric}{`) && wanted.every((label) => line.includes(label)))
          .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
      },
    };
  }

  async deploy(document: JsonObject): Promise<Definition> {
    const definition = definitionOf(document);
    const { version } = await this.definitions.deploy(definition.id, document, canonicalJson(document), 'tester');
    await this.store.registerEventTypes(definitionEventTypes(definition));
    await this.outgoing.prepareQueues(definitionQueues(definition));
    return definitionOf(document, version);
  }

  /** @param idMadeAt the time in its id, in ms: an id of long ago makes it an old instance. Default: now. */
  async start(definition: Definition, input: Json = {}, idMadeAt = Date.now()): Promise<InstanceId> {
    const [randA, randBHi, randBLo] = [randomInt(2 ** 12), randomInt(2 ** 30), randomInt(2 ** 32)];
    const instanceId = UUID.fromFieldsV7(idMadeAt, randA, randBHi, randBLo).toString() as InstanceId;
    const command = { instanceId, input, businessKey: null, by: 'tester', cause: 'rest:1' };
    const started = start(definition, command, await this.store.now());
    if (!started.ok) throw new Error(`the start was refused: ${started.error.error.message}`);
    const { state: after, history, effects } = started.value;
    const partition = this.outgoing.partitionOf(instanceId);
    const messages = this.outgoing.ofEffects(after, effects);
    const transition = { instanceId, partition, before: null, expectedVersion: 0, after, history, effects, messages };
    await this.store.start([{ transition, idempotency: null }]);
    return instanceId;
  }

  async state(instanceId: InstanceId): Promise<FlatState> {
    const view = await this.queries.getWhole(instanceId);
    if (view === null) throw new Error(`no instance ${instanceId}`);
    return flat(view.state);
  }

  /** What the worker of the open attempt would say. */
  async outcome(instanceId: InstanceId, path: string, change: Partial<TaskOutcome> = {}): Promise<RawRecord> {
    const task = (await this.state(instanceId)).tasks[path as TaskPath];
    if (task === undefined) throw new Error(`no task ${path}`);
    return this.recordOf(instanceId, {
      ...{ taskId: `${instanceId}.${path}`, instanceId, attempt: task.attempt, basis: task.basis, status: 'completed', output: 'null' },
      ...{
        errorCode: null,
        errorMessage: null,
        retryable: null,
        retryAfterMs: null,
        errorDetails: null,
        continuing: null,
        outputReference: null,
        worker: 'lab',
        startedAt: 0,
        finishedAt: 0,
      },
      ...change,
    });
  }

  recordOf(key: string, outcome: TaskOutcome): RawRecord {
    return { key, value: this.codec.encode('TaskOutcome', this.names.notifications, outcome) };
  }

  command(instanceId: InstanceId, command: CommandIssued['command']): RawRecord {
    const issued: CommandIssued = { type: 'CommandIssued', commandId: uuidv7() as CommandId, by: 'ada', command };
    return { key: instanceId, value: this.outgoing.ofCommand(instanceId, issued, 0).payload };
  }

  event(event: Partial<ExternalEvent> & Pick<ExternalEvent, 'type' | 'key'>): RawRecord {
    const value = { id: uuidv7(), source: 'lab', time: null, data: '{}', ...event };
    return { key: event.key, value: this.codec.encode('ExternalEvent', this.names.events, value) };
  }

  async notify(...records: readonly RawRecord[]): Promise<void> {
    await this.producer.send(records.map((record) => ({ ...record, topic: this.names.notifications })));
  }

  async sendEvents(...records: readonly RawRecord[]): Promise<void> {
    await this.producer.send(records.map((record) => ({ ...record, topic: this.names.events })));
  }

  /** Rows of the outbox for this key, as Debezium would read them. */
  async outbox(key: string): Promise<readonly { readonly topic: string; readonly messageType: string; readonly payload: Buffer }[]> {
    return await this.databases.query<{ topic: string; messageType: string; payload: Buffer }>(
      'SELECT topic, message_type AS "messageType", payload FROM outbox WHERE key = $1 ORDER BY id',
      [key],
    );
  }

  /** Writes to the notifications what stands in the outbox for this key, from the row on: the connector's part. */
  async forward(key: string, from = 0): Promise<number> {
    const rows = await this.outbox(key);
    const due = rows.slice(from).filter(({ topic }) => topic === this.names.notifications);
    await this.notify(...due.map(({ payload }) => ({ key, value: payload })));
    return rows.length;
  }

  /** Writes the probes of the outbox to their topic: the connector's part, without which no orchestrator is ready. */
  async forwardProbes(): Promise<void> {
    const topic = this.names.probes;
    const rows = await this.databases.query<{ key: string; payload: Buffer }>('SELECT key, payload FROM outbox WHERE topic = $1', [topic]);
    await this.producer.send(rows.map(({ key, payload }) => ({ topic, key, value: payload })));
  }

  /** Whole, as each is by its id: lists cut what is large. */
  async deadLetters(): Promise<readonly DeadLetterRow[]> {
    const { items } = await this.queries.deadLetters('open', 500, null);
    const whole = await Promise.all(items.map(({ id }) => this.queries.deadLetter(id)));
    return whole.filter((deadLetter) => deadLetter !== null);
  }

  /** Ends every session of the databases, and lets nobody in until it is called again with true. */
  async allowConnections(allowed: boolean): Promise<void> {
    const { definitions, instances } = this.databases.config.databases;
    await asSuperuser('postgres', async (client) => {
      for (const url of [definitions, instances]) {
        const database = new URL(url).pathname.slice(1);
        await client.query(`ALTER DATABASE ${database} ALLOW_CONNECTIONS ${allowed}`);
        if (!allowed) await client.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [database]);
      }
    });
  }
}
