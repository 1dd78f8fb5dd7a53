/** Reads one node by its type. */

import { parseNodeId } from '../../ids.ts';
import { isJsonObject, type Json } from '../../json.ts';
import { pointerTo } from '../../json-pointer.ts';
import { type DefinitionErrors, shown, suggest } from '../errors.ts';
import type { Expressions } from '../expressions.ts';
import { ObjectReader } from '../object-reader.ts';
import type { Node, NodeType } from '../types.ts';
import { readHttp, readTask } from './automated.ts';
import type { NodeContext } from './common.ts';
import { readEvent } from './event.ts';
import { readHuman } from './human.ts';
import { readPublish, readTransform, readWait } from './simple.ts';

const readers: { readonly [Type in NodeType]: (context: NodeContext) => Node & { readonly type: Type } } = {
  task: readTask,
  http: readHttp,
  transform: readTransform,
  human: readHuman,
  wait: readWait,
  event: readEvent,
  publish: readPublish,
};
/** Part of the language, not of this version. */
const notYet = ['forEach', 'repeat', 'workflow'];

/** Fields of some node types only, and what is said where they do not belong. */
const elsewhere: Readonly<Record<string, string>> = {
  retry: '"retry" belongs to "http" and "task" only.',
  queueTimeout: '"queueTimeout" belongs to "http" and "task" only.',
  timeout: '"timeout" belongs to "http", "task", "human" and "event" only.',
};

/** @returns null when the node cannot be read at all; its errors are noted. */
export function readNode(name: string, value: Json, expressions: Expressions, errors: DefinitionErrors): Node | null {
  const pointer = pointerTo('/nodes', name);
  const id = parseNodeId(name);
  if (id === undefined)
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
  const type = reader.required('type', `one of ${Object.keys(readers).join(', ')}`);
  if (type === undefined) return null;
  if (typeof type === 'string' && notYet.includes(type)) {
    errors.add(reader.at('type'), 'MR_DEF_NOT_YET', `Nodes of the type "${type}" are not supported by this version of Millrace yet.`);
    return null;
  }
  if (typeof type !== 'string' || !Object.hasOwn(readers, type)) {
    const given = typeof type === 'string' ? ` ${shown(type)}` : '';
    const known = Object.keys(readers);
    const hint = typeof type === 'string' ? suggest(type, known) : '';
    errors.add(reader.at('type'), 'MR_DEF_UNKNOWN_TYPE', `There is no node type${given}: use one of ${known.join(', ')}.${hint}`);
    return null;
  }
  if (id === undefined) return null;
  const node = readers[type as NodeType]({ id, reader, expressions });
  for (const [field, message] of Object.entries(elsewhere)) {
    if (Object.hasOwn(value, field) && !reader.knows(field)) {
      reader.raw(field);
      errors.add(reader.at(field), 'MR_DEF_UNKNOWN_FIELD', `${message} Leave it out here.`);
    }
  }
  reader.end(`A node of the type "${type}"`);
  return node;
}
