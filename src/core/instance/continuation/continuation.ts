/**
 * How an instance goes on without the orchestrator: where the next thing to do is exactly one task, whoever ran the task
 * before can decide it too, on the state from which that one was decided (protocol.md, "Continuation"). Pure, and the same `step`
 * that the orchestrator calls, so both decide the same.
 */
import type { Definition } from '../../definition/types.ts';
import type { EpochMs, NodeId, TaskPath } from '../../ids.ts';
import type { TaskOutcome } from '../decide/notification.ts';
import { step } from '../index.ts';
import type { Effect } from '../outgoing/effects.ts';
import { nodeOf, rootPath, taskAt } from '../state/scopes.ts';
import { type InstanceState, statusOf, timerIdOf } from '../state/state.ts';
import type { RunLimits } from '../view.ts';
import { isClockFree } from './clock-free.ts';

/** Characters of a state that travels with a task. A larger one costs more than the hop that it saves. */
const STATE_LENGTH_MAX = 65_536;

export type NextTask = {
  /** Scheduled in `state` under `attempt`. */
  readonly path: TaskPath;
  readonly attempt: number;
  readonly state: InstanceState;
};

/**
 * What a worker gets with a task to go on after it; null where nothing of its queue can follow, or the state is not fit.
 * @param path of a task that is scheduled.
 */
export function continuationOf(definition: Definition, state: InstanceState, path: TaskPath): string | null {
  if (!isClockFree(definition) || !isAlone(state)) return null;
  const task = taskAt(state, path);
  if (task?.status !== 'scheduled' || !hasSuccessor(definition, task.nodeId, task.payload.queue)) return null;
  const text = JSON.stringify(state);
  return text.length > STATE_LENGTH_MAX ? null : text;
}

/**
 * The task that the outcome opens, if it opens that one and does nothing else.
 * @param state the one in which the outcome's task is open and nothing else is.
 * @throws whatever a state throws that no engine has made.
 */
export function nextTask(
  definition: Definition,
  state: InstanceState,
  outcome: TaskOutcome,
  now: EpochMs,
  limits: RunLimits,
): NextTask | null {
  if (!isAlone(state)) return null;
  const { instanceId } = state;
  const result = step(definition, state, [{ instanceId, cause: 'continuation', notification: outcome }], now, limits);
  if (result.rejected.length > 0 || result.left.length > 0) return null;
  const task = onlyTaskOf(result.effects);
  return task === null || !isAlone(result.state) ? null : { ...task, state: result.state };
}

/** One open task, no loop, nobody and no time that could move the instance beside it but its own timeout. */
function isAlone(state: InstanceState): boolean {
  if (statusOf(state) !== 'running' || state.partial !== undefined) return false;
  // What was cancelled and is with a worker still may come and move the instance too.
  if (state.undo !== undefined && state.undo.awaited > 0) return false;
  const [path, ...others] = Object.keys(state.scopes);
  const root = state.scopes[rootPath];
  if (path !== rootPath || others.length > 0 || root?.status !== 'open' || root.openCount !== 1) return false;
  return Object.keys(root.timers).every((timerId) => timerId === timerIdOf('instanceTimeout', null));
}

/** A lifecycle record of the task is what the orchestrator writes of any step. */
function onlyTaskOf(effects: readonly Effect[]): { readonly path: TaskPath; readonly attempt: number } | null {
  let task: { readonly path: TaskPath; readonly attempt: number } | null = null;
  for (const effect of effects) {
    if (effect.type === 'lifecycle' && effect.change === 'task') continue;
    if (effect.type !== 'dispatchTask' || task !== null) return null;
    task = { path: effect.path, attempt: effect.attempt };
  }
  return task;
}

function hasSuccessor(definition: Definition, nodeId: NodeId, queue: string | null): boolean {
  for (const [id, before] of definition.root.ancestors) {
    if (!before.has(nodeId)) continue;
    const node = nodeOf(definition, id);
    if (queue === null ? node.type === 'http' : node.type === 'task' && node.queue === queue) return true;
  }
  return false;
}
