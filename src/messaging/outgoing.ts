/**
 * What leaves an instance: effects, commands, timers and matches become encoded rows of the outbox, each placed in the
 * instance's partition. API and orchestrator share it, so that the same step makes the same messages wherever it is
 * decided. Encodes only; writing is the store's.
 */
import { invariant } from '../core/assert.ts';
import type { ExternalEvent } from '../core/external-event.ts';
import { type EpochMs, type InstanceId, type TaskPath, taskIdOf } from '../core/ids.ts';
import type { Effect } from '../core/instance/effects.ts';
import type { CommandIssued } from '../core/instance/notification.ts';
import type { InstanceState, TimerKind } from '../core/instance/state.ts';
import { own } from '../core/record.ts';
import type { Codec } from './codec.ts';
import type { RecordName, Records } from './generated/records.ts';
import { partitionOf } from './partition.ts';
import { recordsOfQueue } from './registration.ts';
import { topicNames } from './topics.ts';

/** A row of the outbox, as the store takes it. */
export type OutgoingMessage = {
  readonly topic: string;
  readonly key: string;
  readonly messageType: RecordName;
  /** null: Kafka's partitioner places it. */
  readonly partition: number | null;
  readonly payload: Buffer;
};

export type FiredTimer = {
  readonly instanceId: InstanceId;
  readonly timerId: string;
  readonly kind: TimerKind;
  readonly path: TaskPath | null;
  readonly attempt: number;
  readonly dueAt: EpochMs;
};

export type MatchedWait = { readonly instanceId: InstanceId; readonly path: TaskPath; readonly attempt: number; readonly wait: number };

export interface OutgoingMessages {
  /** Looks up every schema but those of queues: once, before anything else. Throws as `Codec.prepare`. */
  prepare(): Promise<void>;
  /** Looks up the schemas of queues (null: of `http` tasks); must have resolved before messages for them are made. */
  prepareQueues(queues: readonly (string | null)[]): Promise<void>;
  /** The partition of an instance, in all topics that are keyed by it. */
  partitionOf(instanceId: string): number;
  /** Messages of a step's effects, in their order. @param state the state after the step. */
  ofEffects(state: InstanceState, effects: readonly Effect[]): OutgoingMessage[];
  ofCommand(instanceId: InstanceId, issued: CommandIssued, at: EpochMs): OutgoingMessage;
  ofTimer(timer: FiredTimer): OutgoingMessage;
  ofMatch(wait: MatchedWait, event: ExternalEvent, eventRowId: string, whereError: string | null): OutgoingMessage;
  /** @param topic default `<prefix>.events`. */
  ofEvent(event: ExternalEvent, topic?: string | null): OutgoingMessage;
}

export type OutgoingOptions = {
  readonly codec: Codec;
  readonly prefix: string;
  /** Frozen at install. */
  readonly partitions: number;
  /** Topics beside `<prefix>.events` that `publish` may name. */
  readonly publishTopics: readonly string[];
};

export function createOutgoing({ codec, prefix, partitions, publishTopics }: OutgoingOptions): OutgoingMessages {
  const names = topicNames(prefix);

  function placed<Name extends RecordName>(record: Name, topic: string, instanceId: string, value: Records[Name]): OutgoingMessage {
    const payload = codec.encode(record, topic, value);
    return { topic, key: instanceId, messageType: record, partition: partitionOf(instanceId, partitions), payload };
  }

  function ofTask(state: InstanceState, path: TaskPath): OutgoingMessage {
    const task = own(state.tasks, path);
    invariant(task?.status === 'scheduled', 'only a scheduled task is dispatched');
    const { instanceId, definitionId, definitionVersion } = state;
    const { nodeId, type, attempt, basis, dispatchedAt, payload } = task;
    return placed('TaskScheduled', names.tasks(payload.queue), instanceId, {
      ...{ taskId: taskIdOf(instanceId, path), instanceId, nodeId, definitionId, definitionVersion, type, attempt, basis, dispatchedAt },
      ...{ task: payload.task, queue: payload.queue, input: JSON.stringify(payload.input), timeoutMs: payload.timeoutMs },
    });
  }

  function ofLifecycle(state: InstanceState, { change, status, path, seq, at }: Effect & { type: 'lifecycle' }): OutgoingMessage {
    const { instanceId, definitionId, definitionVersion, businessKey } = state;
    const taskId = path === null ? null : taskIdOf(instanceId, path);
    const value = { instanceId, definitionId, definitionVersion, businessKey, change, status, taskId, seq, at };
    return placed('InstanceChanged', names.lifecycle, instanceId, value);
  }

  function ofEvent({ id, type, source, key, time, data }: ExternalEvent, topic: string | null = null): OutgoingMessage {
    const to = topic ?? names.events;
    const payload = codec.encode('ExternalEvent', to, { id, type, source, key, time, data: JSON.stringify(data) });
    return { topic: to, key, messageType: 'ExternalEvent', partition: null, payload };
  }

  return {
    async prepare() {
      await codec.prepare([
        ...recordsOfQueue(prefix, null),
        { topic: names.notifications, record: 'CommandIssued' },
        { topic: names.notifications, record: 'TimerFired' },
        { topic: names.notifications, record: 'EventMatched' },
        { topic: names.lifecycle, record: 'InstanceChanged' },
        ...[names.events, ...publishTopics].map((topic) => ({ topic, record: 'ExternalEvent' as const })),
      ]);
    },
    prepareQueues: (queues) => codec.prepare(queues.flatMap((queue) => recordsOfQueue(prefix, queue))),
    partitionOf: (instanceId) => partitionOf(instanceId, partitions),
    ofEffects(state, effects) {
      const messages: OutgoingMessage[] = [];
      for (const effect of effects) {
        if (effect.type === 'dispatchTask') messages.push(ofTask(state, effect.path));
        else if (effect.type === 'lifecycle') messages.push(ofLifecycle(state, effect));
        else if (effect.type === 'publishEvent') {
          const { id, event, key, at, data, topic } = effect;
          const published = { id, type: event, source: publishSource(state.definitionId), key, time: at, data };
          messages.push(ofEvent(published));
          // Elsewhere too, and not instead: our own waits hear it whatever topics the correlator reads. A second one is dropped by its id.
          if (topic !== null && topic !== names.events) messages.push(ofEvent(published, topic));
        }
      }
      return messages;
    },
    ofCommand(instanceId, { commandId, by, command }, at) {
      const taskId = 'path' in command && command.path !== null ? taskIdOf(instanceId, command.path) : null;
      const attempt = attemptOf(command);
      const value = { commandId, instanceId, type: command.type, taskId, attempt, payload: payloadOf(command), by, at };
      return placed('CommandIssued', names.notifications, instanceId, value);
    },
    ofTimer({ instanceId, timerId, kind, path, attempt, dueAt }) {
      const taskId = path === null ? null : taskIdOf(instanceId, path);
      return placed('TimerFired', names.notifications, instanceId, { instanceId, timerId, kind, taskId, attempt, dueAt });
    },
    ofMatch({ instanceId, path, attempt, wait }, event, eventRowId, whereError) {
      return placed('EventMatched', names.notifications, instanceId, {
        ...{ instanceId, taskId: taskIdOf(instanceId, path), attempt, wait, eventRowId, whereError },
        ...{ eventId: event.id, eventType: event.type, eventSource: event.source, eventKey: event.key, eventTime: event.time },
        data: JSON.stringify(event.data),
      });
    },
    ofEvent,
  };
}

/** Source of the events that instances of a definition publish. */
export function publishSource(definitionId: string): string {
  return `millrace/${definitionId}`;
}

function attemptOf(command: CommandIssued['command']): number | null {
  if (command.type === 'redispatch' || command.type === 'completeTask' || command.type === 'failTask') return command.attempt;
  return command.type === 'retry' && command.path !== null ? (command.raisedBy?.[command.path] ?? null) : null;
}

function payloadOf(command: CommandIssued['command']): string | null {
  switch (command.type) {
    case 'completeTask':
      return JSON.stringify(command.output);
    case 'failTask':
      return JSON.stringify(command.error);
    case 'cancel':
      return command.reason === null ? null : JSON.stringify(command.reason);
    case 'retry':
      return command.path !== null || (command.raisedBy ?? null) === null ? null : JSON.stringify(command.raisedBy);
    case 'pause':
    case 'resume':
    case 'redispatch':
      return null;
  }
}
