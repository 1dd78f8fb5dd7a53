/**
 * Reads the `compensation` of a node: a node in no graph, which undoes the work of its node. Its expressions see `node.input` and
 * `node.output`.
 */
import { compensationIdOf } from '../definition/compensation-id.ts';
import type { KnownNodes } from '../definition/edges.ts';
import { type DefinitionErrors, shown, suggest } from '../definition/errors.ts';
import type { GraphScope } from '../definition/graph-scope.ts';
import type { Compensation, Definition, NodeType } from '../definition/types.ts';
import type { NodeId } from '../ids.ts';
import type { NodeContext } from './common/node-context.ts';
import { endNode } from './end-node.ts';
import { readHttp } from './http/read.ts';
import { readPublish } from './publish/read.ts';
import { readTask } from './task/read.ts';
import { readWorkflow } from './workflow/read.ts';

const readers = { task: readTask, http: readHttp, publish: readPublish, workflow: readWorkflow } as const;
const types = Object.keys(readers) as readonly (keyof typeof readers)[];

/** Why a node of the type has nothing to undo. */
const without: { readonly [Type in NodeType]?: string } = {
  wait: 'a wait has no effect that could be undone',
  forEach: 'give compensations to the nodes of its body, which are undone item by item',
  repeat: 'give compensations to the nodes of its body, which are undone round by round',
};

/** @returns null for a node without one. */
export function compensationOf({ nodes }: Definition, id: NodeId): Compensation | null {
  return nodes.get(id)?.compensation ?? null;
}

/** @returns null when the node has none, or one that cannot be used. */
export function readCompensation(context: NodeContext, type: NodeType): Compensation | null {
  const { reader: owner, id, expressions } = context;
  const reader = owner.nested('compensation');
  if (reader === undefined) return null;
  const why = without[type];
  if (why !== undefined) {
    const message = `A node of the type "${type}" cannot have a compensation: ${why}.`;
    owner.errors.add(owner.at('compensation'), 'MR_DEF_COMPENSATION', message);
    return null;
  }
  const given = reader.required('type', `one of ${types.join(', ')}`);
  if (given === undefined) return null;
  const known = types.find((one) => one === given);
  if (known === undefined) {
    const hint = typeof given === 'string' ? suggest(given, types) : '';
    const what = typeof given === 'string' ? ` ${shown(given)}` : '';
    const message = `A compensation cannot be of the type${what}: use one of ${types.join(', ')}.${hint}`;
    owner.errors.add(reader.at('type'), 'MR_DEF_COMPENSATION', message);
    return null;
  }
  const before = expressions.uses.length;
  const node = readers[known]({ ...context, id: compensationIdOf(id), name: 'compensation', reader, undoes: id });
  if (node.type === 'workflow' && node.detached) {
    const message = 'A compensation is waited for, since the next one begins when it is done: leave "detached" out.';
    owner.errors.add(reader.at('detached'), 'MR_DEF_COMPENSATION', message);
  }
  endNode(reader, 'A compensation');
  return { node, references: expressions.uses.slice(before).flatMap(({ references }) => references) };
}

/** A compensation that would never run is an error. */
export function checkCompensations(
  scope: GraphScope,
  nodes: KnownNodes,
  onFailure: Definition['onFailure'],
  errors: DefinitionErrors,
): void {
  if (onFailure === 'compensate') return;
  for (const [id, node] of nodes) {
    if (node === null || node.compensation === null) continue;
    const message = `This compensation would never run: set "onFailure": "compensate" at the top of the definition, or leave it out.`;
    errors.add(`${scope.nodePointer(id)}/compensation`, 'MR_DEF_COMPENSATION', message);
  }
}
