/**
 * What leaves an instance: effects, commands, timers and matches become encoded rows of the outbox, each placed in the
 * instance's partition. API and orchestrator share it, so that the same step makes the same messages wherever it is
 * decided. Encodes only; writing is the store's.
 */
import type { DueTimer } from '../core/due-timer.ts';
import { type ExternalEvent, publishSource } from '../core/external-event.ts';
import type { EpochMs, InstanceId } from '../core/ids.ts';
import { requestOf } from '../core/instance/children/books.ts';
import { addressOf, type ChildEnd, type ChildRequest, type ChildStart } from '../core/instance/children/messages.ts';
import { resultToTell } from '../core/instance/children/parent.ts';
import type { CommandIssued } from '../core/instance/decide/notification.ts';
import type { Effect } from '../core/instance/outgoing/effects.ts';
import { bookAt } from '../core/instance/state/scopes.ts';
import type { InstanceState } from '../core/instance/state/state.ts';
import type { OutboxMessage } from '../core/outbox-message.ts';
import type { QueueState } from '../core/queues.ts';
import type { Codec } from './codec.ts';
import type { RecordName, Records } from './generated/records.ts';
import { partitionOf } from './partition.ts';
import { toChildEndRecord } from './records/child-end.ts';
import { toChildStartRecord } from './records/child-start.ts';
import { toChildWordRecord } from './records/child-word.ts';
import { toCommandRecord } from './records/command-issued.ts';
import { type MatchedWait, toMatchRecord } from './records/event-matched.ts';
import { toEventRecord } from './records/external-event.ts';
import { toChangeRecord } from './records/instance-changed.ts';
import { toQueueRecord } from './records/queue-state.ts';
import { toTaskRecord } from './records/task-scheduled.ts';
import { toTimerRecord } from './records/timer-fired.ts';
import { recordsOfQueue, sentNotifications } from './registration.ts';
import { topicNames } from './topics.ts';

export interface OutgoingMessages {
  /** Looks up every schema but those of queues: once, before anything else. Throws as `Codec.prepare`. */
  prepare(): Promise<void>;
  /** Looks up the schemas of queues (null: of `http` tasks); must have resolved before messages for them are made. */
  prepareQueues(queues: readonly (string | null)[]): Promise<void>;
  /** The partition of an instance, in all topics that are keyed by it. */
  partitionOf(instanceId: string): number;
  /**
   * Messages of a step's effects, in their order.
   * @param state the state after the step.
   * @param continuation the state that goes with its task, as JSON; absent or null: none.
   */
  ofEffects(state: InstanceState, effects: readonly Effect[], continuation?: string | null): OutboxMessage[];
  ofCommand(instanceId: InstanceId, issued: CommandIssued, at: EpochMs): OutboxMessage;
  ofTimer(timer: DueTimer): OutboxMessage;
  ofMatch(wait: MatchedWait, event: ExternalEvent, eventRowId: string, whereError: string | null): OutboxMessage;
  /** A parent asks for a child, in the child's partition. */
  ofChildStart(childId: InstanceId, start: ChildStart, at: EpochMs): OutboxMessage;
  /** What a parent wants of a child, in the child's partition. */
  ofChildWord(childId: InstanceId, request: ChildRequest, at: EpochMs): OutboxMessage;
  /** What became of a child, in the parent's partition. */
  ofChildEnd(end: ChildEnd, at: EpochMs): OutboxMessage;
  /** @param topic default `<prefix>.events`. */
  ofEvent(event: ExternalEvent, topic?: string | null): OutboxMessage;
  /** Tells workers whether a queue is paused. */
  ofQueue(state: QueueState): OutboxMessage;
}

export type OutgoingOptions = {
  readonly codec: Codec;
  readonly prefix: string;
  /** Frozen at install. */
  readonly partitions: number;
  /** Topics beside `<prefix>.events` that `publish` may name. */
  readonly publishTopics: readonly string[];
  /** Inputs of tasks of more bytes are named by a reference. Default 0: none is. */
  readonly referenceBytes?: number;
};

export function createOutgoing({ codec, prefix, partitions, publishTopics, referenceBytes = 0 }: OutgoingOptions): OutgoingMessages {
  const names = topicNames(prefix);

  function placed<Name extends RecordName>(record: Name, topic: string, instanceId: string, value: Records[Name]): OutboxMessage {
    const payload = codec.encode(record, topic, value);
    return { topic, key: instanceId, messageType: record, partition: partitionOf(instanceId, partitions), payload };
  }

  function ofEvent(event: ExternalEvent, topic: string | null = null): OutboxMessage {
    const to = topic ?? names.events;
    const payload = codec.encode('ExternalEvent', to, toEventRecord(event));
    return { topic: to, key: event.key, messageType: 'ExternalEvent', partition: null, payload };
  }

  function ofChildStart(childId: InstanceId, start: ChildStart, at: EpochMs): OutboxMessage {
    return placed('ChildStart', names.notifications, childId, toChildStartRecord(childId, start, at));
  }

  function ofChildWord(childId: InstanceId, request: ChildRequest, at: EpochMs): OutboxMessage {
    return placed('ChildWord', names.notifications, childId, toChildWordRecord(childId, request, at));
  }

  function ofChildEnd(end: ChildEnd, at: EpochMs): OutboxMessage {
    return placed('ChildEnd', names.notifications, addressOf(end.parent), toChildEndRecord(end, at));
  }

  function ofCommand(instanceId: InstanceId, issued: CommandIssued, at: EpochMs): OutboxMessage {
    return placed('CommandIssued', names.notifications, instanceId, toCommandRecord(instanceId, issued, at));
  }

  /** What an instance says to its children and to its parent. */
  function familyMessages(state: InstanceState, effect: Effect): OutboxMessage[] {
    const at = state.updatedAt;
    switch (effect.type) {
      case 'startChild':
      case 'bookChild': {
        const book = bookAt(state, effect.path);
        const message = effect.type === 'startChild' ? 'start' : effect.message;
        if (book === undefined || message === null) return [];
        const request = requestOf(state, book);
        if (message === 'word') return [ofChildWord(book.childId, request, at)];
        return [ofChildStart(book.childId, { type: 'ChildStart', request, input: book.input, businessKey: null }, at)];
      }
      case 'tellParent': {
        const result = resultToTell(state);
        if (result === null || state.parent === undefined) return [];
        return [ofChildEnd({ type: 'ChildEnd', childId: state.instanceId, parent: state.parent.parent, result }, at)];
      }
      case 'commandChild': {
        const { childId, commandId, by } = effect;
        const retry = {
          type: 'CommandIssued',
          commandId,
          by,
          passedOnBy: state.instanceId,
          command: { type: 'retry', path: null },
        } as const;
        return [ofCommand(childId, retry, effect.at)];
      }
      default:
        return [];
    }
  }

  return {
    async prepare() {
      await codec.prepare([
        ...recordsOfQueue(prefix, null),
        ...sentNotifications.map((record) => ({ topic: names.notifications, record })),
        { topic: names.lifecycle, record: 'InstanceChanged' },
        { topic: names.queues, record: 'QueueState' },
        ...[names.events, ...publishTopics].map((topic) => ({ topic, record: 'ExternalEvent' as const })),
      ]);
    },
    prepareQueues: (queues) => codec.prepare(queues.flatMap((queue) => recordsOfQueue(prefix, queue))),
    partitionOf: (instanceId) => partitionOf(instanceId, partitions),
    ofEffects(state, effects, continuation = null) {
      const messages: OutboxMessage[] = [];
      for (const effect of effects) {
        if (effect.type === 'dispatchTask') {
          const record = toTaskRecord(state, effect.path, effect.attempt, continuation, referenceBytes);
          messages.push(placed('TaskScheduled', names.tasks(record.queue), state.instanceId, record));
        } else if (effect.type === 'lifecycle')
          messages.push(placed('InstanceChanged', names.lifecycle, state.instanceId, toChangeRecord(state, effect)));
        else if (effect.type === 'publishEvent') {
          const { id, event, key, at, data, topic } = effect;
          const published = { id, type: event, source: publishSource(state.definitionId), key, time: at, data };
          messages.push(ofEvent(published));
          // To that topic as well as to ours, so that our own waits receive it whatever topics the correlator reads. A second one is dropped by its id.
          if (topic !== null && topic !== names.events) messages.push(ofEvent(published, topic));
        } else messages.push(...familyMessages(state, effect));
      }
      return messages;
    },
    ofCommand,
    ofTimer: (timer) => placed('TimerFired', names.notifications, timer.instanceId, toTimerRecord(timer)),
    ofMatch: (wait, event, eventRowId, whereError) =>
      placed('EventMatched', names.notifications, wait.instanceId, toMatchRecord(wait, event, eventRowId, whereError)),
    ...{ ofChildStart, ofChildWord, ofChildEnd },
    ofEvent,
    ofQueue(state) {
      const payload = codec.encode('QueueState', names.queues, toQueueRecord(state));
      return { topic: names.queues, key: state.queue, messageType: 'QueueState', partition: 0, payload };
    },
  };
}
