/**
 * A node that has ended runs again, under its next attempt. What lies behind it in its graph is taken back, so that its edges are
 * weighed anew; what other branches did stays. Variables keep their values, and what was done stays to be undone.
 */
import type { Graph } from '../../definition/types.ts';
import type { TaskPath } from '../../ids.ts';
import { own } from '../../record.ts';
import { resolvedEdge, verdictOf } from '../follow-ups/arrivals.ts';
import { taskCancelled } from '../history/event-builders.ts';
import { graphOf, nodeOf, openScopeAt, scopePathOf, taskAt, taskPathOf } from '../state/scopes.ts';
import { type InstanceState, isOpen, isPaused, type OpenScope, type TaskState } from '../state/state.ts';
import type { NewEvent, View } from '../view.ts';
import { cancelWithin } from './cancel.ts';
import type { CommandIssued } from './notification.ts';
import type { Rejection } from './rejection.ts';

type Rerun = CommandIssued['command'] & { readonly type: 'rerunNode' };

export function refusalOfRerun(state: InstanceState, { path, attempt }: Rerun): Rejection | null {
  if (state.phase !== 'running') return { code: 'MR_ENDING', reason: `The instance is being ended already: it is ${state.phase}.` };
  if (isPaused(state)) return { code: 'MR_PAUSED', reason: 'The instance is paused: resume it first.' };
  const task = taskAt(state, path);
  if (task === undefined) return { code: 'MR_TASK_UNKNOWN', reason: `The instance has no task ${path}, or its item or round is over.` };
  if (isOpen(task)) return refused(`The task ${path} is open: only a node that has ended can run again.`);
  if (task.attempt !== attempt) return refused(`The task ${path} has run again meanwhile: it is at attempt ${task.attempt}.`);
  return null;
}

function refused(reason: string): Rejection {
  return { code: 'MR_RERUN_REFUSED', reason };
}

/** A join behind it that other branches let run by themselves would not wait for the new run. */
export function refusalOfJoins(view: View, { path }: Rerun): Rejection | null {
  const id = nodeIdAt(view, path);
  if (!view.definition.nodes.has(id)) return refused(`Version ${view.definition.version} has no node "${id}" any more.`);
  const { scope, graph, behind } = siteOf(view, path);
  const anew = new Set<string>([nodeIdAt(view, path), ...behind.map(({ nodeId }) => nodeId)]);
  for (const { nodeId } of behind) {
    const node = nodeOf(view.definition, nodeId);
    const tally = { taken: 0, unresolved: 0 };
    for (const edge of graph.incoming.get(nodeId) ?? []) {
      const state = anew.has(edge.from) ? null : resolvedEdge(graph, scope, edge);
      if (state === null) tally.unresolved++;
      else if (state === 'taken') tally.taken++;
    }
    if (verdictOf(node, tally) !== 'run') continue;
    return refused(
      `Other branches let "${nodeId}" run, which lies behind "${nodeIdAt(view, path)}" and would not wait for it: run "${nodeId}" again.`,
    );
  }
  return null;
}

export function rerun(view: View, { path, reason }: Rerun, who: Pick<CommandIssued, 'by' | 'commandId'>): readonly NewEvent[] {
  const { behind } = siteOf(view, path);
  const { nodeId, attempt } = taskAt(view.state, path) as TaskState;
  const events: NewEvent[] = [];
  for (const task of behind) {
    if (task.status === 'skipped' || task.status === 'cancelled') continue;
    if (isOpen(task) && (task.type === 'forEach' || task.type === 'repeat')) events.push(...cancelWithin(view, task.path));
    events.push(taskCancelled(task));
  }
  const reset = behind.map((task) => task.path);
  return [...events, { type: 'NodeRerun', path, nodeId, attempt, reset, reason, ...who }];
}

type Site = { readonly scope: OpenScope; readonly graph: Graph; readonly behind: readonly TaskState[] };

/** The tasks of the nodes that can be reached from it, in the order of the graph. */
function siteOf(view: View, path: TaskPath): Site {
  const scope = openScopeAt(view.state, scopePathOf(path));
  const graph = graphOf(view.definition, scope);
  const nodeId = nodeIdAt(view, path);
  const nodes = [...graph.nodes.values()].filter(({ id }) => graph.ancestors.get(id)?.has(nodeId) === true);
  return { scope, graph, behind: nodes.flatMap((node) => own(scope.tasks, taskPathOf(scope.path, node)) ?? []) };
}

function nodeIdAt(view: View, path: TaskPath): TaskState['nodeId'] {
  return (taskAt(view.state, path) as TaskState).nodeId;
}
