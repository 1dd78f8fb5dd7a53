/**
 * A store with the core before it, as API and orchestrator put them together, for tests of the store: starts instances,
 * applies notifications, and makes messages whose payloads are JSON, which the store does not look into.
 */

import { uuidv7 } from 'uuidv7';
import type { Definition } from '../../src/core/definition/types.ts';
import type { DueTimer } from '../../src/core/due-timer.ts';
import type { ExternalEvent } from '../../src/core/external-event.ts';
import { type CommandId, type InstanceId, type JobId, parseCommandId, type TaskPath } from '../../src/core/ids.ts';
import type { Notification } from '../../src/core/instance/decide/notification.ts';
import { start, step } from '../../src/core/instance/index.ts';
import type { Effect } from '../../src/core/instance/outgoing/effects.ts';
import { ScopesNeeded, scopePathOf, withScopes } from '../../src/core/instance/state/scopes.ts';
import type { InstanceState, TaskState } from '../../src/core/instance/state/state.ts';
import type { StepResult } from '../../src/core/instance/step.ts';
import type { Json, JsonObject } from '../../src/core/json.ts';
import type { OutboxMessage } from '../../src/core/outbox-message.ts';
import { createEventMatcher } from '../../src/engine/correlate/event-matcher.ts';
import type { RecordName } from '../../src/messaging/generated/records.ts';
import { partitionOf } from '../../src/messaging/partition.ts';
import type { InstanceQueries } from '../../src/store/instance-queries.ts';
import type { EventMatcher, InstanceStore, NewCommand, Start, StartResult, Transition } from '../../src/store/instance-store.ts';
import type { JobStore } from '../../src/store/jobs.ts';
import type { MaintenanceReport, Retention } from '../../src/store/maintenance.ts';
import type { QueueStore } from '../../src/store/queues.ts';
import { type FlatState, flat } from './flat-state.ts';
import { definitionOf } from './scenario.ts';

export const PARTITIONS = 8;
export const topics = {
  notifications: 'lab.notifications',
  tasks: 'lab.tasks',
  lifecycle: 'lab.lifecycle',
  events: 'lab.events',
  queues: 'lab.queues',
} as const;

/** A message as the outbox holds it. */
export type SentMessage = {
  readonly topic: string;
  readonly key: string;
  readonly type: string;
  readonly partition: number | null;
  readonly payload: JsonObject;
};

/** What the contract runs on; all of it may be shared by many tests. */
export type StoreUnderTest = {
  readonly store: InstanceStore;
  /** The same, with bounds so small that an event is offered to a few waits in one transaction. */
  readonly inPieces: InstanceStore;
  readonly queries: InstanceQueries;
  readonly jobs: JobStore;
  readonly queues: QueueStore;
  /** Everything that the outbox was ever given for this key, in the order of its ids. */
  sent(key: string): Promise<readonly SentMessage[]>;
  /** Makes the events that wait expire. */
  expireEvents(): Promise<void>;
  /** Moves the next time of a schedule, by ms. */
  moveSchedule(definitionId: string, name: string, ms: number): Promise<void>;
  /** The retention of an instance that has ended is over. */
  forget(instanceId: InstanceId): Promise<void>;
  /** So much time passes for the children in the books of this parent. */
  ageBooks(parent: InstanceId, ms: number): Promise<void>;
  /** So much time passes for an instance that has ended. */
  ageInstance(instanceId: InstanceId, ms: number): Promise<void>;
  /** So much time passes for this job and its results. */
  ageJob(jobId: JobId, ms: number): Promise<void>;
  /** @returns how many rows were deleted since they were old, by table. */
  maintain(retention: Retention): Promise<MaintenanceReport['deleted']>;
};

export const matcher: EventMatcher = createEventMatcher({
  ofMatch: ({ instanceId, path, attempt, wait }, event, eventRowId, whereError) =>
    message('EventMatched', topics.notifications, instanceId, {
      path,
      attempt,
      wait,
      eventRowId,
      whereError,
      event: event.data,
      eventId: event.id,
    }),
});

export function message(messageType: RecordName, topic: string, instanceId: string, payload: JsonObject): OutboxMessage {
  const partition = topic === topics.events ? null : partitionOf(instanceId, PARTITIONS);
  return { topic, key: instanceId, messageType, partition, payload: Buffer.from(JSON.stringify(payload)) };
}

export function ofTimer({ instanceId, timerId, kind, path, attempt, dueAt }: DueTimer): OutboxMessage {
  return message('TimerFired', topics.notifications, instanceId, { timerId, kind, path, attempt, dueAt });
}

let made = 0;

/** A definition of a name that no other test has. */
export function newDefinition(document: JsonObject): Definition {
  made++;
  return definitionOf({ id: `lab-${process.pid}-${made}`, ...document });
}

export class StoreLab {
  readonly store: InstanceStore;
  readonly queries: InstanceQueries;
  readonly sent: StoreUnderTest['sent'];

  constructor({ store, queries, sent }: Pick<StoreUnderTest, 'store' | 'queries' | 'sent'>) {
    this.store = store;
    this.queries = queries;
    this.sent = sent;
  }

  /** A start that is decided and not written yet. */
  async decideStart(
    definition: Definition,
    input: Json = {},
    more: { readonly key?: string; readonly body?: string; readonly businessKey?: string } = {},
  ): Promise<Start> {
    const instanceId = uuidv7() as InstanceId;
    const command = { instanceId, input, businessKey: more.businessKey ?? null, by: 'tester', cause: 'rest:1' };
    const started = start(definition, command, await this.store.now());
    if (!started.ok) throw new Error(`the start was refused: ${started.error.error.message}`);
    return {
      idempotency: more.key === undefined ? null : { key: more.key, bodyHash: more.body ?? 'body' },
      transition: transitionOf(instanceId, null, 0, started.value),
    };
  }

  async start(definition: Definition, input: Json = {}, more: { readonly businessKey?: string } = {}): Promise<InstanceId> {
    const decided = await this.decideStart(definition, input, more);
    const results: readonly StartResult[] = await this.store.start([decided]);
    if (results[0]?.kind !== 'started') throw new Error(`not started: ${JSON.stringify(results)}`);
    return decided.transition.instanceId;
  }

  async stateOf(instanceId: InstanceId): Promise<FlatState> {
    return flat((await this.stored(instanceId)).state);
  }

  async stored(instanceId: InstanceId) {
    const found = (await this.store.load(partitionOf(instanceId, PARTITIONS), [{ instanceId, scopes: 'all' }])).get(instanceId);
    if (found === undefined) throw new Error(`no instance ${instanceId}`);
    return found;
  }

  async task(instanceId: InstanceId, path: string): Promise<TaskState> {
    const task = (await this.stateOf(instanceId)).tasks[path as TaskPath];
    if (task === undefined) throw new Error(`no task ${path}`);
    return task;
  }

  /** A step that is decided on what is stored, and not written yet. */
  async decide(definition: Definition, instanceId: InstanceId, ...notifications: readonly Notification[]): Promise<Transition> {
    const { state, version } = await this.stored(instanceId);
    const addressed = notifications.map((notification, index) => ({ instanceId, cause: `n/0@${state.seq + index}`, notification }));
    return transitionOf(instanceId, state, version, step(definition, state, addressed, await this.store.now()));
  }

  /** Moves the instance to another version, which is deployed nowhere: nothing here reads it again. */
  async migrate(definition: Definition, instanceId: InstanceId, target: Definition): Promise<InstanceState> {
    const { state, version } = await this.stored(instanceId);
    const commandId = uuidv7() as string as CommandId;
    const command = { type: 'migrate', version: target.version, reason: null } as const;
    const notification = { type: 'CommandIssued', commandId, by: 'ada', command } as const;
    const addressed = [{ instanceId, cause: `n/0@${state.seq}`, notification }];
    const versions = new Map([[target.version, target]]);
    const result = step(definition, state, addressed, await this.store.now(), undefined, versions);
    if ((await this.apply(transitionOf(instanceId, state, version, result))).length !== 1)
      throw new Error('the step lost against another one');
    return await this.stateOf(instanceId);
  }

  async apply(...transitions: readonly Transition[]): Promise<readonly InstanceId[]> {
    return [...(await this.store.apply(0, transitions)).applied];
  }

  /** Decides and writes; nobody else may be at it. @returns the state as it is stored. */
  async step(definition: Definition, instanceId: InstanceId, ...notifications: readonly Notification[]): Promise<InstanceState> {
    const transition = await this.decide(definition, instanceId, ...notifications);
    if ((await this.apply(transition)).length !== 1) throw new Error('the step lost against another one');
    return await this.stateOf(instanceId);
  }

  async completes(definition: Definition, instanceId: InstanceId, path: string, output: Json = null): Promise<InstanceState> {
    const { attempt, basis } = await this.task(instanceId, path);
    return await this.step(definition, instanceId, {
      type: 'TaskOutcome',
      path: path as TaskPath,
      attempt,
      basis,
      result: { status: 'completed', output },
    });
  }

  /** As `completes`, decided on the scopes that the orchestrator would load. @returns the state as it is stored. */
  async completesOnPart(definition: Definition, instanceId: InstanceId, path: string, output: Json): Promise<InstanceState> {
    const { attempt, basis } = await this.task(instanceId, path);
    const outcome = { type: 'TaskOutcome', path: path as TaskPath, attempt, basis, result: { status: 'completed', output } } as const;
    const partition = partitionOf(instanceId, PARTITIONS);
    const wanted = [{ instanceId, scopes: [scopePathOf(path as TaskPath)] }];
    const loaded = (await this.store.load(partition, wanted)).get(instanceId);
    if (loaded === undefined) throw new Error(`no instance ${instanceId}`);
    let { state } = loaded;
    for (;;) {
      try {
        const addressed = { instanceId, cause: `n/0@${state.seq}`, notification: outcome };
        const result = step(definition, state, [addressed], await this.store.now());
        if ((await this.apply(transitionOf(instanceId, state, loaded.version, result))).length !== 1) throw new Error('the step lost');
        return await this.stateOf(instanceId);
      } catch (error) {
        if (!(error instanceof ScopesNeeded)) throw error;
        const more = await this.store.loadScopes(partition, instanceId, loaded.version, error);
        if (more === null) throw new Error('the instance was moved by somebody else');
        state = withScopes(state, error, more);
      }
    }
  }

  async fails(definition: Definition, instanceId: InstanceId, path: string, retryable = true): Promise<InstanceState> {
    const { attempt, basis } = await this.task(instanceId, path);
    const error = { code: 'BROKEN', message: 'it broke' };
    const result = { status: 'failed', error, retryable, retryAfterMs: null } as const;
    return await this.step(definition, instanceId, { type: 'TaskOutcome', path: path as TaskPath, attempt, basis, result });
  }

  /** The notification in a message that the outbox was given. */
  async matchesOf(instanceId: InstanceId): Promise<readonly (Notification & { type: 'EventMatched' })[]> {
    return (await this.sent(instanceId)).flatMap(({ type, payload }) =>
      type === 'EventMatched' ? [{ type, ...payload } as unknown as Notification & { type: 'EventMatched' }] : [],
    );
  }
}

export function transitionOf(
  instanceId: InstanceId,
  before: InstanceState | null,
  expectedVersion: number,
  result: StepResult,
): Transition {
  const { state: after, history, effects } = result;
  const messages = messagesOf(instanceId, effects);
  return { instanceId, partition: partitionOf(instanceId, PARTITIONS), before, expectedVersion, after, history, effects, messages };
}

export function messagesOf(instanceId: InstanceId, effects: readonly Effect[]): OutboxMessage[] {
  return effects.flatMap((effect): OutboxMessage[] => {
    if (effect.type === 'dispatchTask') return [message('TaskScheduled', topics.tasks, instanceId, { path: effect.path })];
    if (effect.type === 'lifecycle')
      return [message('InstanceChanged', topics.lifecycle, instanceId, { change: effect.change, status: effect.status })];
    if (effect.type === 'publishEvent') return [message('ExternalEvent', topics.events, instanceId, { id: effect.id, data: effect.data })];
    return [];
  });
}

/** A store whose outbox takes what the lab sends. */
export async function openLab(given: Pick<StoreUnderTest, 'store' | 'queries' | 'sent'>): Promise<StoreLab> {
  await given.store.registerTopics(Object.values(topics));
  return new StoreLab(given);
}

/** An `http` node that nobody runs. */
export const httpNode = { type: 'http', method: 'GET', url: 'http://127.0.0.1/', retry: { maxAttempts: 3, initial: '1h', max: '1h' } };

export function newCommandId(): CommandId {
  const id = parseCommandId(uuidv7());
  if (id === undefined) throw new Error('unreachable: a UUID is one');
  return id;
}

export function commandOf(
  instanceId: InstanceId,
  type: NewCommand['type'],
  path: string | null = null,
  by = 'ada',
  attempt = 1,
): NewCommand {
  const commandId = newCommandId();
  return {
    ...{ commandId, instanceId, type, by, payload: null },
    partition: partitionOf(instanceId, PARTITIONS),
    path: path as TaskPath | null,
    attempt: type.endsWith('Task') ? attempt : null,
    message: message('CommandIssued', topics.notifications, instanceId, { commandId, type }),
  };
}

export function eventOf(type: string, key: string, data: Json = null, id: string = uuidv7()): ExternalEvent {
  return { id, type, source: 'lab', key, time: null, data };
}
