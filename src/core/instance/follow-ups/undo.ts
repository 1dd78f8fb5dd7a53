/**
 * Compensation. An instance with `onFailure: "compensate"` keeps an entry for each completed node that has a compensation. When
 * the instance is ending, it waits for the tasks that workers have; then the compensations run one at a time, in reverse order of
 * completion. Each is a task of the instance's own scope, `<path>.compensation`, with attempts and a basis of its own. A child that
 * undoes is in the books under that path, as any child under the path of its task.
 */
import { invariant } from '../../assert.ts';
import { compensationIdOf } from '../../definition/compensation-id.ts';
import type { Compensation, Node } from '../../definition/types.ts';
import type { Reference } from '../../expression/index.ts';
import type { NodeId, ScopePath } from '../../ids.ts';
import type { Json, JsonObject } from '../../json.ts';
import type { Opening } from '../../nodes/common/behaviour.ts';
import { compensationOf } from '../../nodes/compensation.ts';
import { compensationBasis } from '../attempts/basis.ts';
import { areBooksEmpty } from '../children/books.ts';
import { endedAs, mayStillBeDone } from '../decide/ending.ts';
import { namesFor } from '../expressions/names.ts';
import { valuesAt } from '../expressions/values-at.ts';
import { compensationPathOf, nodeOf, rootPath, scopePathOf, scopesBelow, taskAt } from '../state/scopes.ts';
import type { DoneWork } from '../state/state.ts';
import type { FollowUp, NewEvent, View } from '../view.ts';

/** If the node that ends has a compensation, the event that plans it, followed by the given event. */
export function withCompensation(view: View, event: NewEvent): readonly NewEvent[] {
  if (view.definition.onFailure !== 'compensate') return [event];
  if (event.type === 'TaskCompleted') {
    // Completed by a person a second time, since its edges could not be evaluated: it has one entry.
    const task = taskAt(view.state, event.path);
    const plan = task?.status === 'completed' && task.takenEdges === null && task.attempt === event.attempt ? null : planFor(view, event);
    return plan === null ? [event] : [plan, event];
  }
  if (event.type !== 'TaskCancelled') return [event];
  const task = taskAt(view.state, event.path);
  const plan = task !== undefined && mayStillBeDone(task) ? planFor(view, task) : null;
  return plan === null ? [event] : [plan, { ...event, isAwaited: true }];
}

type Ending = Pick<DoneWork, 'path' | 'nodeId' | 'attempt' | 'basis'>;

function planFor(view: View, { path, nodeId, attempt, basis }: Ending): NewEvent | null {
  const compensation = compensationOf(view.definition, nodeId);
  if (compensation === null) return null;
  return { type: 'CompensationPlanned', path, nodeId, attempt, basis, names: surroundings(view, scopePathOf(path), nodeId, compensation) };
}

/** Input and start of the instance never change, so they are read when the compensation runs. The node itself is in its entry. */
const LIVE = ['input', 'vars', 'instance', 'now', 'secrets', 'node'];

/** Whether a compensation finds this when it runs, so that it need not be kept when its node ends. */
export function isReadLive({ name }: Pick<Node, 'name'>, { root, path }: Reference): boolean {
  return LIVE.includes(root) || (root === 'nodes' && path[0] === name);
}

function surroundings(view: View, scope: ScopePath, nodeId: NodeId, { references }: Compensation): JsonObject {
  const node = nodeOf(view.definition, nodeId);
  const others = references.filter((reference) => !isReadLive(node, reference));
  return others.length === 0 ? {} : valuesAt(namesFor(view, scope, others), others);
}

/** The next events of an instance that is ending or undoing. */
export function settleUndoing(view: View): readonly NewEvent[] {
  const { phase, undo } = view.state;
  invariant(undo !== undefined && undo.goal !== null, 'an instance that is ending has something to undo');
  if (phase === 'ending') return isAnythingOut(view) ? [] : [{ type: 'InstanceUndoing' }];
  // The child of a compensation that a person ended, or that timed out, may still run: one at a time.
  if (undo.current !== null || !areBooksEmpty(view.state)) return [];
  const next = undo.done === 0 ? undefined : lastDone(view);
  if (next === undefined) return [endedAs(undo.goal)];
  return [{ type: 'CompensationStarted', path: next.path, nodeId: next.nodeId, entry: next.seq }];
}

/** Everything for which an ending instance waits: workers, and the ends of its children. */
function isAnythingOut({ state }: View): boolean {
  return (state.undo !== undefined && state.undo.awaited > 0) || !areBooksEmpty(state);
}

function lastDone(view: View): DoneWork | undefined {
  let last: DoneWork | undefined;
  for (const { undo = [] } of scopesBelow(view.state, ''))
    for (const entry of undo) if (entry.status === 'done' && (last === undefined || entry.seq > last.seq)) last = entry;
  return last;
}

/** Opens the compensation of an entry. */
export function openingOf(view: View, node: Node, attempt: number): Opening {
  const { path, basis, attempt: done, seq } = currentOf(view);
  const predecessor = { kind: 'start', basis: compensationBasis(basis, done, seq) } as const;
  return { view: compensating(view), scope: rootPath, node, path: compensationPathOf(path), attempt, predecessor };
}

/** Two runs of the same item have two entries with one path: the attempts of the second compensation continue those of the first. */
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
  const { definition, versions, state, now, limits, arrivals, meter } = view;
  return { definition, versions, state, now, limits, arrivals, meter, known };
}

function currentOf({ state }: View): DoneWork {
  const current = state.undo?.current ?? null;
  invariant(current !== null, 'a compensation undoes something that was done');
  return current;
}
