/** Work that would be undone if the instance failed must still be undone under another version, by a compensation that finds what it asks for. */
import { nodePointerOf } from '../../definition/graph-scope.ts';
import type { Compensation, Definition, Node } from '../../definition/types.ts';
import type { Reference } from '../../expression/index.ts';
import type { NodeId } from '../../ids.ts';
import { compensationOf } from '../../nodes/compensation.ts';
import { own } from '../../record.ts';
import { isReadLive } from '../follow-ups/undo.ts';
import { openScopeAt, rootPath, scopesBelow, taskPathOf } from '../state/scopes.ts';
import type { InstanceState } from '../state/state.ts';
import type { Reasons } from './reasons.ts';
import { isUntouched, type Move } from './task-verdict.ts';

export function judgeUndoing(state: InstanceState, move: Move, reasons: Reasons): void {
  judgeEntries(state, move, reasons);
  judgeNewCompensations(state, move, reasons);
}

function judgeEntries(state: InstanceState, { source, target }: Move, reasons: Reasons): void {
  if (state.undo === undefined) return;
  const nodeIds = new Set(
    scopesBelow(state, '').flatMap(({ undo = [] }) => undo.flatMap(({ nodeId, names }) => (names === null ? [] : [nodeId]))),
  );
  if (nodeIds.size === 0) return;
  if (target.onFailure !== 'compensate') {
    const message = 'Nodes of the instance would be undone if it failed: "onFailure" must stay "compensate".';
    reasons.add('/onFailure', message);
    return;
  }
  for (const nodeId of nodeIds) {
    const node = target.nodes.get(nodeId);
    const after = node?.compensation ?? null;
    const before = compensationOf(source, nodeId);
    const pointer = `${nodePointerOf(nodeId, target)}/compensation`;
    const what = `The node "${nodeId}" would be undone if the instance failed`;
    if (node === undefined || after === null) reasons.add(pointer, `${what}, and version ${target.version} has no compensation for it.`);
    else if (before === null || !asksForNoMore(node, before, after))
      reasons.add(pointer, `${what}. What its compensation asks for was kept when it ended, and this one asks for more.`);
  }
}

function asksForNoMore(node: Pick<Node, 'name'>, before: Compensation, after: Compensation): boolean {
  const kept = new Set(before.references.map(textOf));
  return after.references.every((reference) => isReadLive(node, reference) || kept.has(textOf(reference)));
}

function textOf({ root, path }: Reference): string {
  return [root, ...path].join('.');
}

/** What has completed without a compensation has left nothing by which it could be undone. */
function judgeNewCompensations(state: InstanceState, { source, target }: Move, reasons: Reasons): void {
  if (target.onFailure !== 'compensate') return;
  for (const [nodeId, { compensation }] of target.nodes) {
    if (compensation === null || isUndoneIn(source, nodeId) || !mayHaveCompleted(state, nodeId)) continue;
    const message = `The node "${nodeId}" may have completed without a compensation, and would not be undone.`;
    reasons.add(`${nodePointerOf(nodeId, target)}/compensation`, message);
  }
}

function isUndoneIn(definition: Definition, nodeId: NodeId): boolean {
  return definition.onFailure === 'compensate' && compensationOf(definition, nodeId) !== null;
}

/** Of a node in a loop it is known only whether the outermost loop has run. */
function mayHaveCompleted(state: InstanceState, nodeId: NodeId): boolean {
  const [name = nodeId, ...inside] = nodeId.split('/');
  const task = own(openScopeAt(state, rootPath).tasks, taskPathOf(rootPath, { name }));
  if (task === undefined || isUntouched(task)) return false;
  return inside.length > 0 || task.status === 'completed';
}
