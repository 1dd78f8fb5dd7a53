/** What all nodes have in common: `join`, `cancelRest`, `set`, and how literals and times of a node are read. */
import type { NodeId } from '../../ids.ts';
import { isJsonObject, type Json } from '../../json.ts';
import type { Expressions, Place } from '../expressions.ts';
import { shown, suggest } from '../faults.ts';
import type { Fields } from '../fields.ts';
import type { DurationSetting, Join, Node } from '../types.ts';

export type NodeReading = { readonly id: NodeId; readonly fields: Fields; readonly expressions: Expressions };

type Common = Pick<Node, 'id' | 'join' | 'cancelRest' | 'set'>;

const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/;
const ATLEAST_MAX = 100_000;

export function opening({ id }: NodeReading): Place {
  return { kind: 'opening', nodeId: id };
}

export function readCommon(reading: NodeReading): Common {
  const { id, fields, expressions } = reading;
  fields.notYet('compensation');
  const join = readJoin(fields);
  const cancelRest = fields.bool('cancelRest') ?? false;
  if (cancelRest && join.kind === 'all')
    fields.faults.add(
      fields.at('cancelRest'),
      'MR_DEF_JOIN',
      '"cancelRest" has no meaning for a join that waits for all: set "join" to "any" or {"atLeast": n}, or leave it out.',
    );
  const set = new Map(
    readVariables(fields, 'set').map(([name, value, pointer]) => [
      name,
      expressions.template(value, pointer, { kind: 'leaving', nodeId: id }),
    ]),
  );
  return { id, join, cancelRest, set };
}

function readJoin(fields: Fields): Join {
  const value = fields.raw('join');
  if (value === undefined || value === 'all') return { kind: 'all' };
  if (value === 'any') return { kind: 'any' };
  if (isJsonObject(value)) {
    const join = fields.nested('join');
    join?.required('atLeast', 'how many branches must arrive');
    const n = join?.integer('atLeast', 1, ATLEAST_MAX);
    join?.end('A join');
    return n === undefined ? { kind: 'all' } : { kind: 'atLeast', n };
  }
  fields.refuse('join', '"all", "any" or {"atLeast": n}', typeof value === 'string' ? suggest(value, ['all', 'any']) : '');
  return { kind: 'all' };
}

/** Names and values of `vars` or `set`, with the pointer of each. */
export function readVariables(fields: Fields, field: 'vars' | 'set'): (readonly [name: string, value: Json, pointer: string])[] {
  const variables = fields.nested(field);
  if (variables === undefined) return [];
  return Object.entries(variables.object).map(([name, value]) => {
    if (!VARIABLE.test(name))
      fields.faults.add(
        variables.at(name),
        'MR_DEF_ID',
        `${shown(name)} cannot be the name of a variable: a letter or _, then letters, digits and _, at most 64 characters.`,
      );
    return [name, value, variables.at(name)] as const;
  });
}

export function readDuration(reading: NodeReading, field: string, place = opening(reading)): DurationSetting | null {
  const value = reading.fields.raw(field);
  return value === undefined ? null : reading.expressions.duration(value, reading.fields.at(field), place);
}

/** A name that a deploy must know: no expression. */
export function readLiteral(fields: Fields, field: string, pattern: RegExp, rule: string): string | undefined {
  const value = fields.text(field);
  if (value === undefined) return undefined;
  if (value.includes('${')) {
    const message = `"${field}" must be written out, without expressions, so that a deploy knows it.`;
    fields.faults.add(fields.at(field), 'MR_DEF_LITERAL', message);
  } else if (!pattern.test(value)) {
    fields.faults.add(fields.at(field), 'MR_DEF_SHAPE', `${shown(value)} cannot be the ${field}: ${rule}.`);
  }
  return value;
}

/** Types of events are chosen by others: any text of up to 255 characters without blanks. */
const EVENT_TYPE = /^[^\s\p{C}]{1,255}$/u;

export function readEventType(fields: Fields): string {
  fields.required('event', 'the type of the event');
  return readLiteral(fields, 'event', EVENT_TYPE, 'at most 255 characters without blanks') ?? '';
}

/** A correlation key: a text, mostly an expression. */
export function readKey(fields: Fields, expressions: Expressions, place: Place) {
  const value = fields.required('key', 'the key by which the event is told from others of its type');
  return expressions.template(fields.text('key') ?? (value === undefined ? '-' : ''), fields.at('key'), place);
}
