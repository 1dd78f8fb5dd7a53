/** What the events of people's tasks do to the state. */
import { assertNever, invariant } from '../../assert.ts';
import type { EpochMs, TaskPath } from '../../ids.ts';
import type { HumanTask } from '../state/state.ts';
import type { StateBuilder } from '../state/state-builder.ts';
import type { InstanceEvent } from './events.ts';

type HumanEvent = InstanceEvent & { readonly type: `HumanTask${string}` };

export function applyHuman(builder: StateBuilder, event: HumanEvent, seq: number): void {
  const { path, at } = event;
  switch (event.type) {
    case 'HumanTaskOpened':
      open(builder, event);
      return;
    case 'HumanTaskReminded': {
      const { laterReminders: [next, ...later] = [], ...task } = taskAt(builder, path);
      const firedAt = disarm(builder, 'reminder', path, at);
      if (next === undefined) return;
      builder.put(later.length === 0 ? task : { ...task, laterReminders: later });
      builder.arm('reminder', path, task.attempt, at, firedAt + next);
      return;
    }
    case 'HumanTaskEscalated': {
      const { laterEscalations: [next, ...later] = [], ...task } = taskAt(builder, path);
      const firedAt = disarm(builder, 'escalation', path, at);
      const escalated = { ...task, assignees: event.assignees, escalateTo: next?.to ?? null };
      builder.put(later.length === 0 ? escalated : { ...escalated, laterEscalations: later });
      if (next !== undefined) builder.arm('escalation', path, task.attempt, at, firedAt + next.afterMs);
      return;
    }
    case 'HumanTaskVoted': {
      const task = taskAt(builder, path);
      const { by, outcome, output, comment } = event;
      builder.put({ ...task, votes: [...(task.votes ?? []), { seq, by, at, outcome, output, comment }] });
      builder.remember(event.commandId);
      return;
    }
    case 'HumanTaskDelegated': {
      const task = taskAt(builder, path);
      const { by, to, comment, assignees } = event;
      builder.put({ ...task, assignees, delegations: [...(task.delegations ?? []), { by, at, to, comment }] });
      builder.remember(event.commandId);
      return;
    }
    case 'HumanTaskCommented': {
      const task = taskAt(builder, path);
      builder.put({ ...task, comments: [...(task.comments ?? []), { by: event.by, at, text: event.text }] });
      builder.remember(event.commandId);
      return;
    }
    default:
      assertNever(event);
  }
}

function open(builder: StateBuilder, event: HumanEvent & { readonly type: 'HumanTaskOpened' }): void {
  const { type: _, at, path, nodeId, attempt, basis, title, assignees, dueAt, reminderAt, escalation, timeoutAt, ...more } = event;
  const task = { path, nodeId, attempt, basis, openedAt: at, type: 'human', status: 'open' } as const;
  builder.open({ ...task, title, assignees, dueAt, escalateTo: escalation?.to ?? null, ...more });
  if (reminderAt !== null) builder.arm('reminder', path, attempt, at, reminderAt);
  if (escalation !== null) builder.arm('escalation', path, attempt, at, escalation.at);
  if (timeoutAt !== null) builder.arm('timeout', path, attempt, at, timeoutAt);
}

function taskAt(builder: StateBuilder, path: TaskPath): HumanTask & { readonly status: 'open' } {
  const task = builder.taskIn(path, 'open');
  invariant(task.type === 'human', 'the task is a human task');
  return task;
}

/** @returns when it was due: the next step counts from there, however late this one came. */
function disarm(builder: StateBuilder, kind: 'reminder' | 'escalation', path: TaskPath, at: EpochMs): EpochMs {
  const timer = builder.timer(kind, path);
  builder.disarm(kind, path);
  return timer?.state === 'armed' ? timer.dueAt : at;
}
