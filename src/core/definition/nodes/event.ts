/** `event`: waits for external events. */
import { canonicalJson, isJsonObject } from '../../json.ts';
import { pointerTo } from '../faults.ts';
import { Fields } from '../fields.ts';
import type { EventNode, EventWait } from '../types.ts';
import { type NodeReading, opening, readCommon, readDuration, readEventType, readKey } from './common.ts';

const COUNT_MAX = 10_000;
const WAITS_MAX = 100;

export function readEvent(reading: NodeReading): EventNode {
  const { fields } = reading;
  const count = fields.integer('count', 1, COUNT_MAX);
  return {
    ...readCommon(reading),
    type: 'event',
    waits: fields.raw('anyOf') === undefined ? [readWait(reading, fields)] : readAnyOf(reading),
    count: count ?? 1,
    list: count !== undefined,
    timeout: readDuration(reading, 'timeout'),
  };
}

function readAnyOf(reading: NodeReading): EventWait[] {
  const { fields } = reading;
  for (const field of ['event', 'key', 'where']) {
    if (fields.raw(field) !== undefined)
      fields.faults.add(fields.at(field), 'MR_DEF_SHAPE', `"${field}" cannot stand beside "anyOf": put it into one of its entries.`);
  }
  const list = fields.list('anyOf');
  if (list === undefined) return [];
  if (list.length === 0 || list.length > WAITS_MAX) fields.refuse('anyOf', `a list of 1 to ${WAITS_MAX} events`);
  const seen = new Map<string, number>();
  return list.flatMap((entry, index) => {
    const pointer = pointerTo(fields.at('anyOf'), index);
    if (!isJsonObject(entry)) {
      fields.faults.add(pointer, 'MR_DEF_SHAPE', 'An entry of "anyOf" must be an object with "event" and "key".');
      return [];
    }
    const first = seen.get(canonicalJson(entry));
    if (first !== undefined)
      fields.faults.add(pointer, 'MR_DEF_DUPLICATE', `This event is the same as entry ${first} of "anyOf": leave one of them out.`);
    else seen.set(canonicalJson(entry), index);
    const own = new Fields(entry, pointer, fields.faults);
    const wait = readWait(reading, own);
    own.end('An entry of "anyOf"');
    return [wait];
  });
}

function readWait(reading: NodeReading, fields: Fields): EventWait {
  const event = readEventType(fields);
  const key = readKey(fields, reading.expressions, opening(reading));
  const where = fields.raw('where');
  return {
    event,
    key,
    where: where === undefined ? null : reading.expressions.condition(where, fields.at('where'), { kind: 'where', nodeId: reading.id }),
  };
}
