/**
 * Records in an instance that a notification could not be applied: the database refused the step, the definition can no longer be
 * read, or our code failed. A command is refused in history, so a repeat is refused too. Any other notification whose loss would
 * leave the instance waiting for ever becomes an incident, which `retry` resolves (`follow-ups/retry-incident.ts`). It uses
 * nothing that may have failed: no definition, no expression and no payload.
 */

import { assertNever } from '../../assert.ts';
import type { EpochMs, TaskPath } from '../../ids.ts';
import { toEnd } from '../../parts.ts';
import { own } from '../../record.ts';
import type { ChildEnd } from '../children/messages.ts';
import { applyEvent } from '../history/evolve.ts';
import type { Effect } from '../outgoing/effects.ts';
import { outgoing } from '../outgoing/outgoing.ts';
import { bookAt, rootPath, scopeAt, scopeOfTimer, scopePathOf, taskAt } from '../state/scopes.ts';
import { hasEnded, type InstanceState, opensTasks, type TaskError } from '../state/state.ts';
import { StateBuilder } from '../state/state-builder.ts';
import type { HistoryEntry, StepResult } from '../step.ts';
import type { NewEvent } from '../view.ts';
import type { AddressedNotification, CommandIssued, EventMatched, Notification, TimerFired } from './notification.ts';

type Recorded = { readonly events: readonly NewEvent[]; readonly answers: readonly Effect[] };

const NOTHING: Recorded = { events: [], answers: [] };

/**
 * @param error why it could not be applied, as people may see it.
 * @returns a step with an empty history and no effects when nothing waits for this notification (any more).
 */
export function recordUnapplied(
  state: InstanceState,
  { cause, notification }: AddressedNotification,
  error: TaskError,
  now: EpochMs,
): StepResult {
  const { events, answers } = recorded(state, notification, error);
  if (events.length === 0) return { state, history: [], effects: answers, rejected: [], left: [] };
  const at = Math.max(now, state.updatedAt);
  const builder = new StateBuilder(state);
  const history = events.map((event): HistoryEntry => {
    // The spread of a member of the union is that member, with its time.
    const stamped = { ...event, at } as HistoryEntry['event'];
    return { seq: applyEvent(builder, stamped), cause, event: stamped };
  });
  const after = builder.state;
  return { state: after, history, effects: [...toEnd(outgoing(state, after, history, 'instance')), ...answers], rejected: [], left: [] };
}

/**
 * Whether a step only records that something could not be applied. Such a step is small, and is exempt from the limit of the
 * state's size.
 */
export function recordsOnly(history: readonly HistoryEntry[]): boolean {
  return history.length > 0 && history.every(({ event }) => event.type === 'IncidentRaised' || event.type === 'CommandRefused');
}

function recorded(state: InstanceState, notification: Notification, error: TaskError): Recorded {
  switch (notification.type) {
    case 'TaskOutcome': {
      const { path, attempt, basis } = notification;
      const task = taskAt(state, path);
      if (task?.status !== 'scheduled' || task.attempt !== attempt || task.basis !== basis) return NOTHING;
      return incident(state, path, error, `The outcome of attempt ${attempt} could not be applied. Retry sends the task again.`);
    }
    case 'CommandIssued':
      return unappliedCommand(state, notification, error);
    case 'TimerFired':
      return unappliedTimer(state, notification, error);
    case 'EventMatched':
      return unappliedEvent(state, notification, error);
    case 'ChildEnd':
      return unappliedEnd(state, notification, error);
    case 'ChildStart':
    case 'ChildWord':
      // The parent says it again.
      return NOTHING;
    default:
      return assertNever(notification);
  }
}

function unappliedCommand(state: InstanceState, { command, commandId, by }: CommandIssued, error: TaskError): Recorded {
  if (command.type === 'redispatch') {
    const task = taskAt(state, command.path);
    if (task?.status !== 'scheduled' || task.attempt !== command.attempt) return NOTHING;
    return incident(state, command.path, error, 'The task could not be sent again. Retry tries once more.');
  }
  if (state.commands.includes(commandId)) return NOTHING;
  const { code, message: reason } = error;
  const answers: readonly Effect[] = [{ type: 'commandRefused', commandId, code, reason }];
  if (hasEnded(state)) return { events: [], answers };
  return { events: [{ type: 'CommandRefused', by, commandId, command: command.type, code, reason }], answers };
}

function unappliedTimer(state: InstanceState, { timerId, dueAt }: TimerFired, error: TaskError): Recorded {
  const scope = scopeAt(state, scopeOfTimer(timerId));
  const timer = scope?.status === 'open' ? own(scope.timers, timerId) : undefined;
  if (timer?.state !== 'armed' || timer.dueAt !== dueAt) return NOTHING;
  return incident(state, timer.path, error, `The timer "${timer.kind}" came due and could not be applied. Retry applies it.`);
}

/** The wait ends, since the count of what it still takes is one too low; the event goes back and the wait that retry opens takes it. */
function unappliedEvent(state: InstanceState, { path, attempt, eventRowId }: EventMatched, error: TaskError): Recorded {
  const answers: readonly Effect[] = [{ type: 'returnEvent', eventRowId, path, attempt }];
  const task = taskAt(state, path);
  if (hasEnded(state) || task?.type !== 'event' || task.status !== 'open' || task.attempt !== attempt) return { events: [], answers };
  const { nodeId, basis } = task;
  const message = `The event could not be applied. Retry opens the wait again, which then receives the event. ${error.message}`;
  const failed = { code: error.code, message };
  return {
    events: [
      { type: 'TaskFailed', path, nodeId, attempt, basis, kind: 'event', status: 'failed', error: failed, by: null, commandId: null },
      { type: 'IncidentRaised', path, incident: { nodeId, phase: 'message', error: failed, expression: null } },
    ],
    answers,
  };
}

/** The child stays in the books and is asked after, so its end comes again: with `retry`, or by itself. */
function unappliedEnd(state: InstanceState, { childId, parent }: ChildEnd, error: TaskError): Recorded {
  if (!opensTasks(state) || parent.kind !== 'instance' || bookAt(state, parent.path)?.childId !== childId) return NOTHING;
  return incident(state, parent.path, error, 'The end of the child could not be taken in. It is asked for again from time to time.');
}

/** None if the path is under an incident already: a person sees that one, and its retry also applies what was missed. */
function incident(state: InstanceState, path: TaskPath | null, error: TaskError, what: string): Recorded {
  const scope = scopeAt(state, path === null ? rootPath : scopePathOf(path));
  if (scope?.status !== 'open' || own(scope.incidents, path ?? '') !== undefined) return NOTHING;
  const nodeId = path === null ? null : (taskAt(state, path)?.nodeId ?? null);
  const shown = { code: error.code, message: `${what} ${error.message}` };
  return {
    events: [{ type: 'IncidentRaised', path, incident: { nodeId, phase: 'message', error: shown, expression: null } }],
    answers: [],
  };
}
