/**
 * Corrections by a person in a running instance: changes variables, completes a node that cannot end by itself, skips a node. Each
 * is a command with its author and reason. The instance then continues as if that had happened by itself.
 */
import type { Definition } from '../../definition/types.ts';
import type { TaskPath } from '../../ids.ts';
import { own } from '../../record.ts';
import { taskCancelled, taskCompleted } from '../history/event-builders.ts';
import { openScopeAt, scopePathOf, taskAt } from '../state/scopes.ts';
import { type InstanceState, isOpen, type TaskState } from '../state/state.ts';
import type { NewEvent, View } from '../view.ts';
import { cancelWithin } from './cancel.ts';
import type { CommandIssued } from './notification.ts';
import type { Rejection } from './rejection.ts';

type Correction = CommandIssued['command'] & { readonly type: 'setVars' | 'completeNode' | 'skipNode' };
type OfNode = Correction & { readonly type: 'completeNode' | 'skipNode' };

export function refusalOfCorrection(state: InstanceState, command: Correction): Rejection | null {
  if (command.type !== 'setVars') return refusalOfNode(state, command);
  if (state.paused !== null || state.incidentCount > 0) return null;
  return { code: 'MR_NO_INCIDENT', reason: 'Variables can be changed only while the instance is paused or under an incident.' };
}

function refusalOfNode(state: InstanceState, { type, path, attempt }: OfNode): Rejection | null {
  if (state.paused !== null) return { code: 'MR_PAUSED', reason: 'The instance is paused: resume it first.' };
  const task = taskAt(state, path);
  if (task === undefined) return { code: 'MR_TASK_UNKNOWN', reason: `The instance has no task ${path}.` };
  if (!isOpen(task) && own(openScopeAt(state, scopePathOf(path)).incidents, path) === undefined)
    return { code: 'MR_TASK_NOT_OPEN', reason: `The task ${path} is neither open nor under an incident: it is ${task.status}.` };
  if (task.attempt !== attempt)
    return { code: 'MR_TASK_NOT_OPEN', reason: `Attempt ${attempt} of the task ${path} is over; it is at attempt ${task.attempt}.` };
  if (type === 'completeNode' && task.type === 'human' && task.status === 'open')
    return { code: 'MR_TASK_NOT_OPEN', reason: `The task ${path} is open for a person: complete it in the inbox, or skip its node.` };
  return null;
}

/** Only variables that the definition declares or sets can be changed. @returns null when all of them are. */
export function refusalOfVars({ document, nodes }: Definition, { vars }: Correction & { readonly type: 'setVars' }): Rejection | null {
  const declared = typeof document === 'object' && document !== null && 'vars' in document ? document.vars : null;
  const known = new Set([...Object.keys(declared ?? {}), ...[...nodes.values()].flatMap(({ set }) => [...set.keys()])]);
  const unknown = Object.keys(vars).find((name) => !known.has(name));
  if (unknown === undefined) return null;
  return { code: 'MR_VAR_UNKNOWN', reason: `The definition has no variable "${unknown}": it neither declares nor sets one.` };
}

export function correct(view: View, command: Correction, who: Pick<CommandIssued, 'by' | 'commandId'>): readonly NewEvent[] {
  const { reason } = command;
  if (command.type === 'setVars') return [{ type: 'VarsChanged', vars: command.vars, reason, ...who }];
  const { path, attempt } = command;
  const task = taskAt(view.state, path) as TaskState;
  const { nodeId } = task;
  const action = command.type === 'completeNode' ? 'complete' : 'skip';
  const told: NewEvent = { type: 'NodeCorrected', path, nodeId, attempt, action, reason, ...who };
  const end = command.type === 'completeNode' ? taskCompleted(task, command.output, who) : taskCancelled(task);
  return [told, ...within(view, task), end];
}

/** Cancels what runs in a loop, which ends. */
function within(view: View, task: TaskState): readonly NewEvent[] {
  return isOpen(task) && (task.type === 'forEach' || task.type === 'repeat') ? cancelWithin(view, task.path) : [];
}

/** The attempt that a person's command must name: the last one of the task. 0, which no attempt has, where there is no such task. */
export function attemptAt(state: InstanceState, path: TaskPath): number {
  return taskAt(state, path)?.attempt ?? 0;
}
