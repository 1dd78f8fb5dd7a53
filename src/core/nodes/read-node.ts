/** Reads one node by its type, and what is wrong with it whatever its type. */

import { shown, suggest } from '../definition/errors.ts';
import { ObjectReader } from '../definition/object-reader.ts';
import type { Node } from '../definition/types.ts';
import { parseNodeId } from '../ids.ts';
import { isJsonObject, type Json } from '../json.ts';
import type { NodeContext } from './common/node-context.ts';
import { readCompensation } from './compensation.ts';
import { endNode } from './end-node.ts';
import { isNodeType, nodeTypes, readerOf } from './readers.ts';

/** Part of the language, not of this version. */
const notYet = ['workflow'];

/** @returns null when the node cannot be read at all; its errors are noted. */
export function readNode(
  value: Json,
  { name, ...place }: Pick<NodeContext, 'id' | 'name' | 'scope' | 'expressions'>,
  bodyReader: (reader: ObjectReader) => NodeContext['readBody'],
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
  if (typeof type === 'string' && notYet.includes(type)) {
    errors.add(reader.at('type'), 'MR_DEF_NOT_YET', `Nodes of the type "${type}" are not supported by this version of Millrace yet.`);
    return null;
  }
  if (typeof type !== 'string' || !isNodeType(type)) {
    const given = typeof type === 'string' ? ` ${shown(type)}` : '';
    const hint = typeof type === 'string' ? suggest(type, nodeTypes) : '';
    errors.add(reader.at('type'), 'MR_DEF_UNKNOWN_TYPE', `There is no node type${given}: use one of ${nodeTypes.join(', ')}.${hint}`);
    return null;
  }
  if (!isNamed) return null;
  const context = { ...place, name, reader, readBody: bodyReader(reader), undoes: null };
  const node = { ...readerOf(type)(context), compensation: readCompensation(context, type) };
  endNode(reader, `A node of the type "${type}"`);
  return node;
}
