/** What must be written or sent because of an event. The store and the outbox carry it out in the event's own transaction. */
import type { CommandId, EpochMs, InstanceId, TaskId, TaskPath } from '../../ids.ts';
import type { Json } from '../../json.ts';
import type { Assignees, EventWaiting, InstanceStatus, TimerKind } from '../state/state.ts';

export type Effect =
  /** The attempt of this task goes to its queue. */
  | { readonly type: 'dispatchTask'; readonly path: TaskPath; readonly attempt: number }
  | {
      readonly type: 'publishEvent';
      /** `<taskId>:<basis>`: a repeat is recognised as a duplicate. */
      readonly id: string;
      readonly taskId: TaskId;
      readonly event: string;
      readonly key: string;
      readonly data: Json;
      readonly topic: string | null;
      readonly at: EpochMs;
    }
  | {
      readonly type: 'lifecycle';
      readonly change:
        | 'started'
        | 'migrated'
        | 'ending'
        | 'undoing'
        | 'ended'
        | 'incident'
        | 'paused'
        | 'resumed'
        | 'reminder'
        | 'escalation'
        | 'task';
      readonly status: InstanceStatus;
      readonly path: TaskPath | null;
      readonly seq: number;
      readonly at: EpochMs;
    }
  | {
      readonly type: 'armTimer';
      readonly timerId: string;
      readonly kind: TimerKind;
      readonly path: TaskPath | null;
      readonly attempt: number;
      readonly dueAt: EpochMs;
    }
  | { readonly type: 'disarmTimer'; readonly timerId: string }
  | {
      readonly type: 'openSubscription';
      readonly path: TaskPath;
      readonly attempt: number;
      /** Index into the node's waits. */
      readonly wait: number;
      /** How many events the task takes in all, over all its waits. */
      readonly count: number;
      readonly event: string;
      readonly key: string;
      readonly where: EventWaiting['where'];
    }
  | { readonly type: 'closeSubscriptions'; readonly path: TaskPath }
  | {
      readonly type: 'openHumanTask';
      readonly path: TaskPath;
      readonly title: string;
      readonly assignees: Assignees;
      readonly dueAt: EpochMs | null;
      readonly at: EpochMs;
    }
  | { readonly type: 'reassignHumanTask'; readonly path: TaskPath; readonly assignees: Assignees }
  /** The inbox shows who has voted. */
  | { readonly type: 'countVote'; readonly path: TaskPath }
  | { readonly type: 'closeHumanTask'; readonly path: TaskPath }
  | { readonly type: 'commandApplied'; readonly commandId: CommandId }
  | { readonly type: 'commandRefused'; readonly commandId: CommandId; readonly code: string; readonly reason: string }
  /** The child of this task is in the books, or its row there has changed; `message` leaves with it. null: it is to be said soon. */
  | { readonly type: 'bookChild'; readonly path: TaskPath; readonly message: 'start' | 'word' | null }
  | { readonly type: 'strikeChild'; readonly childId: InstanceId }
  /** The start of the child in the books leaves again. */
  | { readonly type: 'startChild'; readonly path: TaskPath }
  /** The parent is told how this instance ended, or that it has started. */
  | { readonly type: 'tellParent' }
  /** A command goes down to the child in the books. */
  | {
      readonly type: 'commandChild';
      readonly childId: InstanceId;
      readonly commandId: CommandId;
      readonly by: string;
      readonly at: EpochMs;
    }
  /** An event that the instance refused goes back to the buffer, for this instance only. */
  | { readonly type: 'returnEvent'; readonly eventRowId: string; readonly path: TaskPath; readonly attempt: number };
