/** Reads one node by its type, and what is wrong with it whatever its type. */

import { shown, suggest } from '../definition/errors.ts';
import { ObjectReader } from '../definition/object-reader.ts';
import type { Node } from '../definition/types.ts';
import { parseNodeId } from '../ids.ts';
import { isJsonObject, type Json } from '../json.ts';
import { own } from '../record.ts';
import type { NodeContext } from './common/node-context.ts';
import { readCompensation } from './compensation.ts';
import { endNode } from './end-node.ts';
import { isNodeType, nodeTypes, readerOf } from './readers.ts';
import { readWorkflow } from './workflow/read.ts';

/** @returns null when the node cannot be read at all; its errors are noted. */
export function readNode(
  value: Json,
  { name, ...place }: Pick<NodeContext, 'id' | 'name' | 'scope' | 'expressions'>,
  bodyReader: (reader: ObjectReader) => NodeContext['readBody'],
  itemChildReader: (reader: ObjectReader) => NodeContext['readItemChild'],
  errors: ObjectReader['errors'],
): Node | null {
  const pointer = place.scope.nodePointer(place.id);
  const isNamed = parseNodeId(name) !== undefined;
  if (!isNamed)
    errors.add(
      pointer,
      'MR_DEF_ID',
      `${shown(name)} cannot be the id of a node: a letter, then letters, digits, _ and -, at most 64 characters.`,
    );
  if (!isJsonObject(value)) {
    errors.add(pointer, 'MR_DEF_SHAPE', 'A node must be an object with a "type".');
    return null;
  }
  const reader = new ObjectReader(value, pointer, errors);
  const type = reader.required('type', `one of ${nodeTypes.join(', ')}`);
  if (type === undefined) return null;
  if (typeof type !== 'string' || !isNodeType(type)) {
    const given = typeof type === 'string' ? ` ${shown(type)}` : '';
    const hint = typeof type === 'string' ? suggest(type, nodeTypes) : '';
    errors.add(reader.at('type'), 'MR_DEF_UNKNOWN_TYPE', `There is no node type${given}: use one of ${nodeTypes.join(', ')}.${hint}`);
    return null;
  }
  if (!isNamed) return null;
  const context = { ...place, name, reader, readBody: bodyReader(reader), readItemChild: itemChildReader(reader), undoes: null };
  const node = { ...readerOf(type)(context), compensation: readCompensation(context, type) };
  endNode(reader, `A node of the type "${type}"`);
  return node;
}

/** The `workflow` of a forEach: what a node of that type has, without what only nodes of a graph have. */
export function readChildOfItem(
  value: Json,
  place: Pick<NodeContext, 'id' | 'name' | 'scope' | 'expressions'>,
  errors: ObjectReader['errors'],
): Node | null {
  const { pointer } = place.scope;
  if (!isJsonObject(value)) {
    errors.add(pointer, 'MR_DEF_SHAPE', 'The "workflow" of a forEach must be an object with a "definition".');
    return null;
  }
  const reader = new ObjectReader(value, pointer, errors);
  for (const field of ['type', 'join', 'cancelRest', 'set', 'compensation']) {
    if (own(value, field) === undefined) continue;
    reader.raw(field);
    errors.add(reader.at(field), 'MR_DEF_UNKNOWN_FIELD', `"${field}" does not belong to the "workflow" of a forEach. Leave it out here.`);
  }
  const without = (): never => {
    throw new Error('Bug: a child has no body');
  };
  const node = readWorkflow({ ...place, reader, readBody: without, readItemChild: without, undoes: null });
  reader.end('The "workflow" of a forEach');
  return node;
}
