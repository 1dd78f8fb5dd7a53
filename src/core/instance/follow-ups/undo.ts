/**
 * Undoing. In an instance with `onFailure: "compensate"` each effect that a compensation would undo is kept while it runs.
 * Once it is ending, what is with workers is awaited; then the compensations run, the last effect first, one at a time.
 * Each is a task of the instance's own scope, `<path>.compensation`, with attempts and a basis of its own.
 */
import { invariant } from '../../assert.ts';
import type { Compensation, Node } from '../../definition/types.ts';
import type { NodeId, ScopePath } from '../../ids.ts';
import type { Json, JsonObject } from '../../json.ts';
import type { Opening } from '../../nodes/common/behaviour.ts';
import { compensationIdOf, compensationOf } from '../../nodes/compensation.ts';
import { compensationBasis } from '../attempts/basis.ts';
import { endedAs } from '../decide/ending.ts';
import { namesFor } from '../expressions/names.ts';
import { valuesAt } from '../expressions/values-at.ts';
import { compensationPathOf, nodeOf, rootPath, scopePathOf, scopesBelow, taskAt } from '../state/scopes.ts';
import type { DoneWork } from '../state/state.ts';
import type { FollowUp, NewEvent, View } from '../view.ts';

/** What history says before this event, where the node that ends has a compensation; and the event as it is told then. */
export function withCompensation(view: View, event: NewEvent): readonly NewEvent[] {
  if (view.definition.onFailure !== 'compensate') return [event];
  if (event.type === 'TaskCompleted') {
    // Completed by hand once more, since its edges could not be evaluated: it was done once.
    const task = taskAt(view.state, event.path);
    const plan = task?.status === 'completed' && task.takenEdges === null ? null : planFor(view, event);
    return plan === null ? [event] : [plan, event];
  }
  if (event.type !== 'TaskCancelled') return [event];
  const task = taskAt(view.state, event.path);
  const plan = task?.status === 'scheduled' ? planFor(view, task) : null;
  return plan === null ? [event] : [plan, { ...event, isAwaited: true }];
}

type Ending = Pick<DoneWork, 'path' | 'nodeId' | 'attempt' | 'basis'>;

function planFor(view: View, { path, nodeId, attempt, basis }: Ending): NewEvent | null {
  const compensation = compensationOf(view.definition, nodeId);
  if (compensation === null) return null;
  return { type: 'CompensationPlanned', path, nodeId, attempt, basis, names: surroundings(view, scopePathOf(path), nodeId, compensation) };
}

/** What stands in the instance all its life is looked up when the compensation runs. The node itself is in its entry. */
const LIVE = ['input', 'vars', 'instance', 'now', 'secrets', 'node'];

function surroundings(view: View, scope: ScopePath, nodeId: NodeId, { references }: Compensation): JsonObject {
  const { name } = nodeOf(view.definition, nodeId);
  const others = references.filter(({ root, path }) => !LIVE.includes(root) && !(root === 'nodes' && path[0] === name));
  return others.length === 0 ? {} : valuesAt(namesFor(view, scope, others), others);
}

/** How an instance goes on that is ending or undoing. */
export function settleUndoing(view: View): readonly NewEvent[] {
  const { phase, undo } = view.state;
  invariant(undo !== undefined && undo.goal !== null, 'an instance that is ending has something to undo');
  if (phase === 'ending') return isAnythingOut(view) ? [] : [{ type: 'InstanceUndoing' }];
  if (undo.current !== null) return [];
  const next = undo.done === 0 ? undefined : lastDone(view);
  if (next === undefined) return [endedAs(undo.goal)];
  return [{ type: 'CompensationStarted', path: next.path, nodeId: next.nodeId, entry: next.seq }];
}

/** The one place that says what an ending instance waits for. Children whose ends were not heard belong here too. */
function isAnythingOut({ state: { undo } }: View): boolean {
  return undo !== undefined && undo.awaited > 0;
}

function lastDone(view: View): DoneWork | undefined {
  let last: DoneWork | undefined;
  for (const { undo = [] } of scopesBelow(view.state, ''))
    for (const entry of undo) if (entry.status === 'done' && (last === undefined || entry.seq > last.seq)) last = entry;
  return last;
}

/** How the compensation of what is to be undone opens. */
export function openingOf(view: View, node: Node, attempt: number): Opening {
  const { path, basis, attempt: done, seq } = currentOf(view);
  const predecessor = { kind: 'start', basis: compensationBasis(basis, done, seq) } as const;
  return { view: compensating(view), scope: rootPath, node, path: compensationPathOf(path), attempt, predecessor };
}

/** Attempts count on where two runs of the same item give two effects of one path. */
export function openCurrent(view: View): FollowUp {
  const { path, nodeId } = currentOf(view);
  const before = taskAt(view.state, compensationPathOf(path));
  return { kind: 'open', scope: rootPath, nodeId: compensationIdOf(nodeId), attempt: (before?.attempt ?? 0) + 1, predecessor: null };
}

/** The view in which the expressions of the current compensation are evaluated. */
function compensating(view: View): View {
  const { names, input, output, attempt, nodeId } = currentOf(view);
  const { name } = nodeOf(view.definition, nodeId);
  const node: JsonObject = { output, status: 'completed', error: null, attempt };
  const others = names?.nodes as JsonObject | undefined;
  const known: { readonly [name: string]: Json } = { ...names, nodes: { ...others, [name]: node }, node: { input, output } };
  const { definition, state, now, limits, arrivals, meter } = view;
  return { definition, state, now, limits, arrivals, meter, known };
}

function currentOf({ state }: View): DoneWork {
  const current = state.undo?.current ?? null;
  invariant(current !== null, 'a compensation undoes something that was done');
  return current;
}
