/** Builders of events that are made in several places. */
import type { NodeType } from '../../definition/types.ts';
import type { Basis, CommandId, NodeId, TaskPath } from '../../ids.ts';
import type { Json } from '../../json.ts';
import type { PayloadSeq, TaskError } from '../state/state.ts';
import type { NewEvent } from '../view.ts';

/** The task that an event is about. */
export type Subject = {
  readonly path: TaskPath;
  readonly nodeId: NodeId;
  readonly attempt: number;
  readonly basis: Basis;
  readonly type: NodeType;
};

type By = { readonly by: string | null; readonly commandId: CommandId | null };
const byItself: By = { by: null, commandId: null };

type NewTaskCompleted = NewEvent & { readonly type: 'TaskCompleted' };

/** @param from entries that hold the output already. */
export function taskCompleted(task: Subject, output: Json, by = byItself, from?: PayloadSeq): NewTaskCompleted {
  const { path, nodeId, attempt, basis, type: kind } = task;
  const event = { type: 'TaskCompleted', path, nodeId, attempt, basis, kind, output, ...endedBy(by) } as const;
  return from === undefined ? event : { ...event, outputFrom: from };
}

export function taskFailed(task: Subject, status: 'failed' | 'timedOut', error: TaskError, by = byItself): NewEvent {
  const { path, nodeId, attempt, basis, type: kind } = task;
  return { type: 'TaskFailed', path, nodeId, attempt, basis, kind, status, error, ...endedBy(by) };
}

function endedBy(who: By): By & { readonly endedBy?: string } {
  return who.by === null ? who : { ...who, endedBy: who.by };
}

export function taskCancelled({ path, nodeId, type: kind }: Pick<Subject, 'path' | 'nodeId' | 'type'>): NewEvent {
  return { type: 'TaskCancelled', path, nodeId, kind };
}

/** The node could not be opened, or a loop could not go on, for an expression that failed. */
export function failedToOpen(task: Subject, error: TaskError, expression: string | null): readonly NewEvent[] {
  const { path, nodeId } = task;
  return [taskFailed(task, 'failed', error), { type: 'IncidentRaised', path, incident: { nodeId, phase: 'open', error, expression } }];
}
