/** The tasks of a scope under another version: their nodes must be there with the same type, and what is open or done must fit them. */
import { nodePointerOf } from '../../definition/graph-scope.ts';
import type { Definition, Node, Schema } from '../../definition/types.ts';
import { canonicalJson, type Json, jsonEquals } from '../../json.ts';
import { misfitOf } from '../../nodes/common/schemas.ts';
import type { OpenScope, TaskState } from '../state/state.ts';
import { type Reasons, wordsOf } from './reasons.ts';

export type Move = { readonly source: Definition; readonly target: Definition };

/** It was never opened in this run of its scope, so nothing of it can be in flight, and nothing can ask for what it did. */
export function isUntouched(task: TaskState): boolean {
  return task.status === 'skipped' || (task.status === 'cancelled' && task.attempt === 0);
}

export function judgeTasks({ source, target }: Move, { tasks }: OpenScope, reasons: Reasons): void {
  for (const task of Object.values(tasks)) {
    if (isUntouched(task)) continue;
    const { nodeId, status, type } = task;
    const pointer = nodePointerOf(nodeId, target);
    const node = target.nodes.get(nodeId);
    const what = `The node "${nodeId}" ${wordsOf(status)}`;
    if (node === undefined) reasons.add(pointer, `${what}, and version ${target.version} has no such node.`);
    else if (node.type !== type)
      reasons.add(`${pointer}/type`, `${what} as "${type}", and in version ${target.version} it is "${node.type}".`);
    else judgeTask(source.nodes.get(nodeId), node, task, pointer, reasons);
  }
}

function judgeTask(before: Node | undefined, node: Node, task: TaskState, pointer: string, reasons: Reasons): void {
  const { id } = node;
  if (task.status === 'completed') judgeOutput(before, node, task.output, pointer, reasons);
  if (node.type === 'human' && task.type === 'human' && task.status === 'open') {
    if (!jsonEquals(node.outcomes ?? [], task.outcomes ?? []))
      reasons.add(`${pointer}/outcomes`, `The node "${id}" is open for a person, who was offered other outcomes.`);
  }
  if (node.type === 'event' && before?.type === 'event' && task.status === 'open' && before.list !== node.list)
    reasons.add(
      `${pointer}/count`,
      `The node "${id}" is open: "count" decides whether its output is one event or an array, so it cannot come or go.`,
    );
  if (node.type === 'forEach' && before?.type === 'forEach' && !('takenEdges' in task && task.takenEdges !== null)) {
    if (before.hasChildren !== node.hasChildren)
      reasons.add(pointer, `The node "${id}" ${wordsOf(task.status)}: its items cannot change between a body and children.`);
  }
}

/** Later nodes rely on an output that is declared. */
function judgeOutput(before: Node | undefined, node: Node, output: Json, pointer: string, reasons: Reasons): void {
  const schema = newSchemaOf(before, node);
  const misfit = schema === null ? null : misfitOf('OUTPUT_INVALID', schema, output);
  if (misfit === null) return;
  reasons.add(`${pointer}/outputSchema`, `The node "${node.id}" has completed, and its output does not fit.`, misfit.message);
}

/** What the target declares of the output, if the source did not. */
function newSchemaOf(before: Node | undefined, node: Node): Schema | null {
  const declared = outputSchemaOf(node);
  const known = outputSchemaOf(before);
  if (declared === null || known === null) return declared;
  return canonicalJson(declared.document) === canonicalJson(known.document) ? null : declared;
}

function outputSchemaOf(node: Node | undefined): Schema | null {
  return node !== undefined && 'outputSchema' in node ? node.outputSchema : null;
}

/** Whether a verdict looks at the outputs of nodes: else most payloads need not be read for it. */
export function looksAtOutputs({ source, target }: Move): boolean {
  return [...target.nodes.values()].some((node) => newSchemaOf(source.nodes.get(node.id), node) !== null);
}
