/** A node may run, be skipped or have to wait, as its join says; and how it opens. */
import { assertNever } from '../../assert.ts';
import { undoneNodeOf } from '../../definition/compensation-id.ts';
import type { Graph, Node } from '../../definition/types.ts';
import type { NodeId, ScopePath } from '../../ids.ts';
import { type Opening, subjectOf } from '../../nodes/common/behaviour.ts';
import { behaviourOf } from '../../nodes/registry.ts';
import { own } from '../../record.ts';
import type { Predecessor } from '../attempts/basis.ts';
import { cancelWithin } from '../decide/cancel.ts';
import { evaluating } from '../expressions/evaluate.ts';
import { failedToOpen, taskCancelled } from '../history/event-builders.ts';
import { graphOf, nextAttempt, nodeOf, openScopeAt, scopeAt, taskPathOf } from '../state/scopes.ts';
import { isOpen, type OpenScope } from '../state/state.ts';
import type { Decided, NewEvent, View } from '../view.ts';
import { predecessorAmong } from './arrivals.ts';
import { mayExit } from './follow-ups.ts';
import { openingOf } from './undo.ts';

const NOTHING: Decided = { events: [] };

export function activateNode(view: View, path: ScopePath, nodeId: NodeId): Decided {
  const scope = scopeAt(view.state, path);
  if (scope?.status !== 'open') return NOTHING;
  const node = nodeOf(view.definition, nodeId);
  const task = taskPathOf(path, node);
  // Opened before (`any`, `atLeast`) or cancelled: the arrival is absorbed.
  if (own(scope.tasks, task) !== undefined) return NOTHING;
  const graph = graphOf(view.definition, scope);
  const verdict = view.arrivals.evaluate(graph, scope, node);
  switch (verdict) {
    case 'wait':
      return NOTHING;
    case 'skip':
      return { events: [{ type: 'NodeSkipped', path: task, nodeId, kind: node.type }] };
    case 'run': {
      const attempt = nextAttempt(scope, task);
      if (!node.cancelRest) return { events: openNode(view, path, nodeId, attempt, null) };
      return { events: cancelRest(view, graph, scope, node), first: { kind: 'open', scope: path, nodeId, attempt, predecessor: null } };
    }
    default:
      return assertNever(verdict);
  }
}

/**
 * Ends every unfinished node from which the join can be reached; other nodes behind them are activated again.
 * One that has ended in this very step is finished: its edges are evaluated in its turn.
 */
function cancelRest(view: View, graph: Graph, scope: OpenScope, join: Node): readonly NewEvent[] {
  const events: NewEvent[] = [];
  for (const nodeId of graph.ancestors.get(join.id) ?? []) {
    const node = nodeOf(view.definition, nodeId);
    const path = taskPathOf(scope.path, node);
    const task = own(scope.tasks, path);
    if (task !== undefined && !isOpen(task) && (task.takenEdges !== null || mayExit(scope, task))) continue;
    if (task !== undefined && isOpen(task) && (node.type === 'forEach' || node.type === 'repeat')) events.push(...cancelWithin(view, path));
    events.push(taskCancelled({ path, nodeId, type: node.type }));
  }
  return events;
}

/** @param predecessor null: of the tasks whose edges to it were taken, the one that ended last. */
export function openNode(
  view: View,
  path: ScopePath,
  nodeId: NodeId,
  attempt: number,
  predecessor: Predecessor | null,
): readonly NewEvent[] {
  const node = nodeOf(view.definition, nodeId);
  const opening = undoneNodeOf(nodeId) !== null ? openingOf(view, node, attempt) : openingIn(view, path, node, attempt, predecessor);
  const opened = evaluating(() => behaviourOf(node.type).open(opening as never));
  return opened.ok ? opened.value : failedToOpen(subjectOf(opening, null), opened.error, opened.expression);
}

function openingIn(view: View, path: ScopePath, node: Node, attempt: number, given: Predecessor | null): Opening {
  const scope = openScopeAt(view.state, path);
  const predecessor = given ?? predecessorOf(view, scope, node.id);
  return { view, scope: path, node, path: taskPathOf(path, node), attempt, predecessor };
}

function predecessorOf(view: View, scope: OpenScope, nodeId: NodeId): Predecessor {
  const task = predecessorAmong(graphOf(view.definition, scope), scope, nodeId);
  return task === undefined ? { kind: 'start', basis: scope.basis } : { kind: 'task', task };
}
