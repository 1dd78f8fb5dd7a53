/**
 * Moves an instance on until nothing more can be decided: weighs the edges of nodes that ended, opens or skips the nodes
 * behind them, and ends the instance when nothing is left. Everything that needs no work outside happens here, in the
 * transaction that learned of its cause.
 */
import { assertNever } from '../assert.ts';
import type { Edge, Node } from '../definition/types.ts';
import { type Expression, evaluateCondition } from '../expression/index.ts';
import type { NodeId, TaskPath } from '../ids.ts';
import type { Json } from '../json.ts';
import { own } from '../record.ts';
import type { Predecessor } from './basis.ts';
import { pathOf, predecessorOf } from './join.ts';
import { boundedPayload, evaluateOr, openNode } from './open.ts';
import type { Run } from './run.ts';
import { scopeFor } from './scope.ts';
import { type ClosedTask, isOpen, type TaskError, type TaskState } from './state.ts';

/** A paused instance takes in what comes back, and moves on when it is resumed. */
export function advance(run: Run): void {
  while (run.state.phase === 'running' && run.state.paused === null) {
    const next = run.next();
    if (next === undefined) break;
    if ('leave' in next) leaveNode(run, next.leave);
    else considerNode(run, next.consider);
  }
  endIfDone(run);
}

/** After a pause: everything that ended meanwhile is left, in the order in which it ended. */
export function leaveEnded(run: Run): void {
  const ended: ClosedTask[] = [];
  for (const task of Object.values(run.state.tasks)) if (isToLeave(run, task)) ended.push(task);
  ended.sort((a, b) => a.closedSeq - b.closedSeq);
  // What this very batch left undone is among them, and would come too early.
  run.forgetPending();
  for (const task of ended) run.later({ leave: task.path });
}

/** It ended and its edges are to be weighed; under an incident they wait for a person. */
function isToLeave(run: Run, task: TaskState | undefined): task is ClosedTask {
  return task !== undefined && !isOpen(task) && task.takenEdges === null && own(run.state.incidents, task.path) === undefined;
}

function leaveNode(run: Run, path: TaskPath): void {
  const task = run.task(path);
  if (!isToLeave(run, task)) return;
  const node = run.node(task.nodeId);
  const edges = run.definition.root.outgoing.get(node.id) ?? [];
  const leaving = evaluateOr(() => weighEdges(run, node, task, edges));
  if (!leaving.ok) {
    run.emit({
      type: 'IncidentRaised',
      path,
      incident: { nodeId: node.id, phase: 'exit', error: leaving.error, expression: leaving.expression },
    });
    return;
  }
  const { taken, set } = leaving.value;
  if (taken.length === 0 && (task.status === 'failed' || task.status === 'timedOut')) {
    failWithoutEdge(run, task, task.error);
    return;
  }
  run.emit({ type: 'NodeExited', path, takenEdges: taken.map(({ id }) => id), set });
  considerTargets(run, edges);
}

function considerTargets(run: Run, edges: readonly Edge[]): void {
  for (const { to } of edges) if (to !== null) run.later({ consider: to });
}

function weighEdges(
  run: Run,
  node: Node,
  task: ClosedTask,
  edges: readonly Edge[],
): { readonly taken: readonly Edge[]; readonly set: Readonly<Record<string, Json>> | null } {
  if (task.status === 'failed' || task.status === 'timedOut') {
    return { taken: edges.filter((edge) => fitsFailure(run, edge, task.status, task.error)), set: null };
  }
  const set = evaluateSet(run, node);
  const vars = set === null ? run.state.vars : { ...run.state.vars, ...set };
  const holds = (when: Expression): boolean => evaluateCondition(when, scopeFor(run, when.references, vars));
  const plain = edges.filter(
    ({ rule }) =>
      rule.on === 'completed' && (rule.condition.kind === 'always' || (rule.condition.kind === 'when' && holds(rule.condition.when))),
  );
  if (plain.length > 0) return { taken: plain, set };
  return { taken: edges.filter(({ rule }) => rule.on === 'completed' && rule.condition.kind === 'otherwise'), set };
}

function evaluateSet(run: Run, node: Node): Readonly<Record<string, Json>> | null {
  if (node.set.size === 0) return null;
  const set: [string, Json][] = [];
  for (const [name, template] of node.set) set.push([name, template.evaluate(scopeFor(run, template.references))]);
  return Object.fromEntries(set);
}

function fitsFailure(run: Run, { rule }: Edge, status: 'failed' | 'timedOut', error: TaskError): boolean {
  if (rule.on === 'completed' || (rule.on !== 'any' && rule.on !== status)) return false;
  if (rule.error !== null && rule.error !== error.code) return false;
  return rule.when === null || evaluateCondition(rule.when, scopeFor(run, rule.when.references));
}

function failWithoutEdge(run: Run, task: ClosedTask, error: TaskError): void {
  if (run.definition.onFailure === 'fail') failInstance(run, error, task.nodeId);
  else run.emit({ type: 'IncidentRaised', path: task.path, incident: { nodeId: task.nodeId, phase: 'failed', error, expression: null } });
}

function considerNode(run: Run, nodeId: NodeId): void {
  const path = pathOf(nodeId);
  // Opened before (`any`, `atLeast`) or cancelled: the arrival is absorbed.
  if (run.task(path) !== undefined) return;
  const node = run.node(nodeId);
  const verdict = run.arrivals.weigh(run.state.tasks, node);
  switch (verdict) {
    case 'wait':
      return;
    case 'skip':
      run.emit({ type: 'NodeSkipped', path, nodeId, kind: node.type });
      considerTargets(run, run.definition.root.outgoing.get(nodeId) ?? []);
      return;
    case 'run':
      if (node.cancelRest) cancelRest(run, nodeId);
      openNode(run, node, predecessorFor(run, nodeId), 1);
      return;
    default:
      assertNever(verdict);
  }
}

export function predecessorFor(run: Run, nodeId: NodeId): Predecessor {
  const task = predecessorOf(run.definition, run.state.tasks, nodeId);
  return task === undefined ? { kind: 'start', basis: run.state.basis } : { kind: 'task', task };
}

/**
 * Ends every unfinished node from which the join can be reached; what lies behind them elsewhere is looked at again.
 * One that has ended in this very step is finished: its edges are weighed in its turn.
 */
function cancelRest(run: Run, joinId: NodeId): void {
  for (const nodeId of run.definition.root.ancestors.get(joinId) ?? []) {
    const path = pathOf(nodeId);
    const task = run.task(path);
    if (task !== undefined && !isOpen(task) && (task.takenEdges !== null || isToLeave(run, task))) continue;
    run.emit({ type: 'TaskCancelled', path, nodeId, kind: run.node(nodeId).type });
    considerTargets(run, run.definition.root.outgoing.get(nodeId) ?? []);
  }
}

/** Open nodes end with their instance. */
export function cancelOpenTasks(run: Run): void {
  for (const task of Object.values(run.state.tasks)) {
    if (isOpen(task)) run.emit({ type: 'TaskCancelled', path: task.path, nodeId: task.nodeId, kind: task.type });
  }
}

export function failInstance(run: Run, error: TaskError, nodeId: NodeId | null): void {
  cancelOpenTasks(run);
  run.emit({ type: 'InstanceFailed', error, nodeId });
}

function endIfDone(run: Run): void {
  const { state } = run;
  if (state.phase !== 'running' || state.paused !== null) return;
  for (const _ in state.incidents) return;
  if (!run.hasOpenTasks) completeInstance(run);
}

export function completeInstance(run: Run): void {
  const template = run.definition.root.output;
  const output = evaluateOr(() =>
    template === null ? null : boundedPayload(run, 'output', template.evaluate(scopeFor(run, template.references))),
  );
  if (output.ok) run.emit({ type: 'InstanceCompleted', output: output.value });
  else
    run.emit({
      type: 'IncidentRaised',
      path: null,
      incident: { nodeId: null, phase: 'output', error: output.error, expression: output.expression },
    });
}
