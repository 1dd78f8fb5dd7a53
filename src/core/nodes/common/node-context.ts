/** What all nodes have in common: `join`, `cancelRest`, `set`, `title`, `description` and `labels`; and how literals and times of a node are read. */

import { shown, suggest } from '../../definition/errors.ts';
import type { Expressions, Place } from '../../definition/expressions.ts';
import type { GraphScope, LoopSite } from '../../definition/graph-scope.ts';
import { readInfo } from '../../definition/info.ts';
import type { ObjectReader } from '../../definition/object-reader.ts';
import type { DurationSetting, Graph, Join, Node } from '../../definition/types.ts';
import type { NodeId } from '../../ids.ts';
import { isJsonObject, type Json } from '../../json.ts';

export type NodeContext = {
  /** Qualified by the loops around it. */
  readonly id: NodeId;
  readonly name: string;
  /** The graph in which the node stands. */
  readonly scope: GraphScope;
  readonly reader: ObjectReader;
  readonly expressions: Expressions;
  /** Reads the field `body` as a graph. Whatever is wrong in it is noted. */
  readonly readBody: (loop: Pick<LoopSite, 'type' | 'as'>) => Graph;
  /** Reads the field `workflow` of a forEach as such a graph. @param as the author's own name for the item. */
  readonly readItemChild: (as: string | null) => Graph;
  /** The node that this one undoes: its compensation is read. null: it is a node of its graph. */
  readonly undoes: NodeId | null;
};

type Common = Pick<Node, 'id' | 'name' | 'info' | 'join' | 'cancelRest' | 'set' | 'compensation'>;

const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/;
const ATLEAST_MAX = 100_000;

export function opening({ id, scope, undoes }: NodeContext): Place {
  return undoes === null ? { kind: 'opening', scope, nodeId: id } : { kind: 'compensating', scope, nodeId: undoes };
}

export function readCommon(context: NodeContext): Common {
  const { id, name, scope, reader, expressions, undoes } = context;
  const info = readInfo(reader);
  // A compensation is in no graph, and has no edges.
  if (undoes !== null) return { id, name, info, join: { kind: 'all' }, cancelRest: false, set: new Map(), compensation: null };
  const join = readJoin(reader);
  const cancelRest = reader.boolean('cancelRest') ?? false;
  if (cancelRest && join.kind === 'all')
    reader.errors.add(
      reader.at('cancelRest'),
      'MR_DEF_JOIN',
      '"cancelRest" has no meaning for a join that waits for all: set "join" to "any" or {"atLeast": n}, or leave it out.',
    );
  const set = new Map(
    readVariables(reader, 'set').map(([variable, value, pointer]) => [
      variable,
      expressions.template(value, pointer, { kind: 'leaving', scope, nodeId: id }),
    ]),
  );
  return { id, name, info, join, cancelRest, set, compensation: null };
}

function readJoin(reader: ObjectReader): Join {
  const value = reader.raw('join');
  if (value === undefined || value === 'all') return { kind: 'all' };
  if (value === 'any') return { kind: 'any' };
  if (isJsonObject(value)) {
    const join = reader.nested('join');
    join?.required('atLeast', 'how many branches must arrive');
    const n = join?.integer('atLeast', 1, ATLEAST_MAX);
    join?.end('A join');
    return n === undefined ? { kind: 'all' } : { kind: 'atLeast', n };
  }
  reader.refuse('join', '"all", "any" or {"atLeast": n}', typeof value === 'string' ? suggest(value, ['all', 'any']) : '');
  return { kind: 'all' };
}

/** Names and values of `vars` or `set`, with the pointer of each. */
export function readVariables(reader: ObjectReader, field: 'vars' | 'set'): (readonly [name: string, value: Json, pointer: string])[] {
  const variables = reader.nested(field);
  if (variables === undefined) return [];
  return Object.entries(variables.object).map(([name, value]) => {
    if (!VARIABLE.test(name))
      reader.errors.add(
        variables.at(name),
        'MR_DEF_ID',
        `${shown(name)} cannot be the name of a variable: a letter or _, then letters, digits and _, at most 64 characters.`,
      );
    return [name, value, variables.at(name)] as const;
  });
}

export function readDuration(context: NodeContext, field: string, place = opening(context)): DurationSetting | null {
  const value = context.reader.raw(field);
  return value === undefined ? null : context.expressions.duration(value, context.reader.at(field), place);
}

/** A name that a deploy must know: no expression. */
export function readLiteral(reader: ObjectReader, field: string, pattern: RegExp, rule: string): string | undefined {
  const value = reader.string(field);
  if (value === undefined) return undefined;
  if (value.includes('${')) {
    const message = `"${field}" must be written out, without expressions, so that a deploy knows it.`;
    reader.errors.add(reader.at(field), 'MR_DEF_LITERAL', message);
  } else if (!pattern.test(value)) {
    reader.errors.add(reader.at(field), 'MR_DEF_SHAPE', `${shown(value)} cannot be the ${field}: ${rule}.`);
  }
  return value;
}

/** Types of events are chosen by others: any string of up to 255 characters without blanks. */
const EVENT_TYPE = /^[^\s\p{C}]{1,255}$/u;

export function readEventType(reader: ObjectReader): string {
  reader.required('event', 'the type of the event');
  return readLiteral(reader, 'event', EVENT_TYPE, 'at most 255 characters without blanks') ?? '';
}

/** A correlation key: a string, mostly an expression. */
export function readKey(reader: ObjectReader, expressions: Expressions, place: Place) {
  const value = reader.required('key', 'the key that tells which of the events of this type is meant');
  return expressions.template(reader.string('key') ?? (value === undefined ? '-' : ''), reader.at('key'), place);
}
