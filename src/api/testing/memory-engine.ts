/**
 * The stores in memory behind the API's ports, for unit tests. What the API issues is applied at once, in the place of an
 * orchestrator: `hold` keeps commands pending until `release`. The test moves the clock.
 */
import { type FlatState, flat } from '../../../test/support/flat-state.ts';
import type { Definition } from '../../core/definition/types.ts';
import type { EpochMs, InstanceId, TaskPath } from '../../core/ids.ts';
import type { Notification, TaskOutcome } from '../../core/instance/decide/notification.ts';
import { step } from '../../core/instance/index.ts';
import { taskAt } from '../../core/instance/state/scopes.ts';
import type { Json } from '../../core/json.ts';
import type { OutboxMessage } from '../../core/outbox-message.ts';
import { createEventMatcher } from '../../engine/correlate/event-matcher.ts';
import { transitionOf } from '../../engine/transition.ts';
import type { Codec } from '../../messaging/codec.ts';
import type { OutgoingMessages } from '../../messaging/outgoing.ts';
import { readCommandRecord } from '../../messaging/records/command-issued.ts';
import { outboxTopics, topicNames } from '../../messaging/topics.ts';
import { createDefinitionCache } from '../../store/definition-cache.ts';
import type { ApiKeyRole, DefinitionStore } from '../../store/definition-store.ts';
import type { DeadLetterRow, InstanceQueries } from '../../store/instance-queries.ts';
import type { InstanceStore, NewCommand, StoredInstance } from '../../store/instance-store.ts';
import type { JobStore } from '../../store/jobs.ts';
import { memoryDatabasesOn } from '../../store/memory/index.ts';
import { MemoryTables } from '../../store/memory/tables.ts';
import { parseInTurns } from '../../store/parse-in-turns.ts';
import type { QueueStore } from '../../store/queues.ts';
import { digestOf } from '../auth.ts';
import { createInstanceWatch } from '../instance-watch.ts';
import type { ApiPorts } from '../ports.ts';

const MESSAGE_BYTES_MAX = 1_047_552;
const EVENT_TTL_MS = 3_600_000;

class TestTables extends MemoryTables {
  clock: EpochMs = Date.parse('2026-01-01T00:00:00Z');

  override now(): EpochMs {
    return this.clock;
  }
}

export class MemoryEngine {
  readonly watch = createInstanceWatch();
  readonly published: OutboxMessage[] = [];
  /** true: commands stay pending until `release`. */
  hold = false;
  /** Thrown by the next start, once. */
  failNextStart: Error | null = null;
  readonly batches: number[] = [];
  readonly definitions: DefinitionStore;
  readonly queries: InstanceQueries;
  readonly instances: InstanceStore;
  readonly jobs: JobStore;
  readonly queues: QueueStore;
  readonly cache: ApiPorts['cache'];
  readonly parseDefinition: ApiPorts['parseDefinition'] = parseInTurns;
  readonly #tables = new TestTables(MESSAGE_BYTES_MAX);
  readonly #codec: Codec;
  readonly #outgoing: OutgoingMessages;
  readonly #store: InstanceStore;
  readonly #held: NewCommand[] = [];

  private constructor(codec: Codec, outgoing: OutgoingMessages, prefix: string) {
    const databases = memoryDatabasesOn(this.#tables, { eventTtlMs: EVENT_TTL_MS });
    const store = databases.instanceStore(createEventMatcher(outgoing));
    this.#codec = codec;
    this.#outgoing = outgoing;
    this.#store = store;
    this.definitions = databases.definitions;
    this.cache = createDefinitionCache(this.definitions);
    this.queries = databases.queries;
    this.jobs = databases.jobs;
    this.queues = databases.queueStore(topicNames(prefix).tasks(null));
    this.instances = {
      ...store,
      start: async (starts) => {
        this.batches.push(starts.length);
        const failure = this.failNextStart;
        this.failNextStart = null;
        if (failure !== null) throw failure;
        return await store.start(starts);
      },
      issueCommand: async (command) => {
        const isAccepted = await store.issueCommand(command);
        if (isAccepted) this.#held.push(command);
        if (!this.hold) await this.release();
        return isAccepted;
      },
      publish: async (messages) => {
        await store.publish(messages);
        this.published.push(...messages);
      },
    };
  }

  /** @param queues whose tasks may be sent, beside the default one. */
  static async open(codec: Codec, outgoing: OutgoingMessages, prefix: string, queues: readonly string[] = []): Promise<MemoryEngine> {
    const engine = new MemoryEngine(codec, outgoing, prefix);
    await engine.#store.registerTopics(outboxTopics(prefix, queues, ['allowed']));
    return engine;
  }

  get now(): EpochMs {
    return this.#tables.clock;
  }

  set now(at: EpochMs) {
    this.#tables.clock = at;
  }

  get eventTypes(): ReadonlySet<string> {
    return this.#tables.events.types;
  }

  addDeadLetter(deadLetter: DeadLetterRow): void {
    this.#tables.deadLetters.set(deadLetter.id, { ...deadLetter, place: deadLetter.id });
  }

  /** @returns the secret, for `authorization`. */
  async addKey(role: ApiKeyRole, subject: string, taskRoles: readonly string[] = []): Promise<string> {
    const secret = `key-of-${subject}-${role}-0123456789`;
    const key = { keyId: secret, subject, role, taskRoles, createdAt: this.now };
    await this.definitions.createApiKey(key, Buffer.from(digestOf(secret), 'hex'));
    return secret;
  }

  async removeKey(secret: string): Promise<void> {
    await this.definitions.revokeApiKey(secret);
  }

  /** Moves an instance on, as the orchestrator does. */
  async apply(instanceId: InstanceId, notification: Notification): Promise<void> {
    const stored = this.#stored(instanceId);
    const { state, version } = stored;
    const definition = await this.cache.get(state.definitionId, state.definitionVersion);
    if (definition === null) throw new Error('the test deleted a definition');
    const versions = new Map<number, Definition>();
    if (notification.type === 'CommandIssued' && notification.command.type === 'migrate') {
      const target = await this.cache.get(state.definitionId, notification.command.version);
      if (target !== null) versions.set(target.version, target);
    }
    const result = step(definition, state, [{ instanceId, cause: `n/0@${version}`, notification }], this.now, undefined, versions);
    const partition = this.#outgoing.partitionOf(instanceId);
    await this.#store.apply(partition, [transitionOf(this.#outgoing, partition, stored, result)]);
    this.watch.changed(instanceId);
  }

  /** An automated task ends well. */
  async completes(instanceId: InstanceId, path: string, output: Json): Promise<void> {
    await this.ends(instanceId, path, { status: 'completed', output });
  }

  /** The open attempt of an automated task ends, as a worker says. */
  async ends(instanceId: InstanceId, path: string, result: TaskOutcome['result']): Promise<void> {
    const task = taskAt(this.#stored(instanceId).state, path as TaskPath);
    if (task === undefined) throw new Error(`no task ${path}`);
    const { attempt, basis } = task;
    await this.apply(instanceId, { type: 'TaskOutcome', path: task.path, attempt, basis, result });
  }

  /** Applies what `hold` kept back, as it is read from its message. */
  async release(): Promise<void> {
    for (const { instanceId, message } of this.#held.splice(0)) {
      const decoded = await this.#codec.decode(message.payload, ['CommandIssued']);
      const command = decoded.ok ? readCommandRecord(decoded.value, instanceId) : decoded;
      if (!('command' in command)) throw new Error(`the API issued a command that nobody can read: ${JSON.stringify(command)}`);
      await this.apply(instanceId, command);
    }
  }

  state(instanceId: string): FlatState {
    return flat(this.#stored(instanceId as InstanceId).state);
  }

  #stored(instanceId: InstanceId): StoredInstance {
    const found = this.#tables.instances.get(instanceId);
    if (found === undefined) throw new Error(`no instance ${instanceId}`);
    return found;
  }
}
