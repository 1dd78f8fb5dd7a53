/** Reads one node by its type. */
import { parseNodeId } from '../../ids.ts';
import { isJsonObject, type Json } from '../../json.ts';
import type { Expressions } from '../expressions.ts';
import { type Faults, pointerTo, shown, suggest } from '../faults.ts';
import { Fields } from '../fields.ts';
import type { Node, NodeType } from '../types.ts';
import { readHttp, readTask } from './automated.ts';
import type { NodeReading } from './common.ts';
import { readEvent } from './event.ts';
import { readHuman } from './human.ts';
import { readPublish, readTransform, readWait } from './simple.ts';

const readers: { readonly [Type in NodeType]: (reading: NodeReading) => Node & { readonly type: Type } } = {
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

/** Fields that belong to some types only, and what to say where they do not. */
const elsewhere: Readonly<Record<string, string>> = {
  retry: '"retry" belongs to "http" and "task" only.',
  queueTimeout: '"queueTimeout" belongs to "http" and "task" only.',
  timeout: '"timeout" belongs to "http", "task", "human" and "event" only.',
};

/** @returns null when the node cannot be read at all; its faults are noted. */
export function readNode(name: string, value: Json, expressions: Expressions, faults: Faults): Node | null {
  const pointer = pointerTo('/nodes', name);
  const id = parseNodeId(name);
  if (id === undefined)
    faults.add(
      pointer,
      'MR_DEF_ID',
      `${shown(name)} cannot be the id of a node: a letter, then letters, digits, _ and -, at most 64 characters.`,
    );
  if (!isJsonObject(value)) {
    faults.add(pointer, 'MR_DEF_SHAPE', 'A node must be an object with a "type".');
    return null;
  }
  const fields = new Fields(value, pointer, faults);
  const type = fields.required('type', `one of ${Object.keys(readers).join(', ')}`);
  if (type === undefined) return null;
  if (typeof type === 'string' && notYet.includes(type)) {
    faults.add(fields.at('type'), 'MR_DEF_NOT_YET', `Nodes of the type "${type}" are not supported by this version of Millrace yet.`);
    return null;
  }
  if (typeof type !== 'string' || !Object.hasOwn(readers, type)) {
    const given = typeof type === 'string' ? ` ${shown(type)}` : '';
    const known = Object.keys(readers);
    const hint = typeof type === 'string' ? suggest(type, known) : '';
    faults.add(fields.at('type'), 'MR_DEF_UNKNOWN_TYPE', `There is no node type${given}: use one of ${known.join(', ')}.${hint}`);
    return null;
  }
  if (id === undefined) return null;
  const node = readers[type as NodeType]({ id, fields, expressions });
  for (const [field, message] of Object.entries(elsewhere)) {
    if (Object.hasOwn(value, field) && !fields.knows(field)) {
      fields.raw(field);
      faults.add(fields.at(field), 'MR_DEF_UNKNOWN_FIELD', `${message} Leave it out here.`);
    }
  }
  fields.end(`A node of the type "${type}"`);
  return node;
}
