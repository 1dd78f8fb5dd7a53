/** Reads an `event` node: it waits for external events. */
import { ObjectReader } from '../../definition/object-reader.ts';
import type { EventNode, EventWait } from '../../definition/types.ts';
import { canonicalJson, isJsonObject } from '../../json.ts';
import { pointerTo } from '../../json-pointer.ts';
import type { FailureEnding } from '../common/failure-ending.ts';
import { type NodeContext, opening, readCommon, readDuration, readEventType, readKey } from '../common/node-context.ts';

const COUNT_MAX = 10_000;
const WAITS_MAX = 100;

export function readEvent(context: NodeContext): EventNode {
  const { reader } = context;
  const count = reader.integer('count', 1, COUNT_MAX);
  const timeout = readDuration(context, 'timeout');
  return {
    ...readCommon(context),
    type: 'event',
    waits: reader.raw('anyOf') === undefined ? [readWait(context, reader)] : readAnyOf(context),
    count: count ?? 1,
    list: count !== undefined,
    timeout,
    onTimeout: readOnTimeout(reader, count !== undefined, timeout !== null),
  };
}

function readOnTimeout(reader: ObjectReader, isList: boolean, hasTimeout: boolean): EventNode['onTimeout'] {
  const onTimeout = reader.oneOf('onTimeout', ['fail', 'take']);
  if (onTimeout === undefined) return 'fail';
  const missing = [...(isList ? [] : ['"count"']), ...(hasTimeout ? [] : ['"timeout"'])];
  if (missing.length > 0) {
    const message = `"onTimeout" says what becomes of several events at the timeout: give ${missing.join(' and ')} too, or leave it out.`;
    reader.errors.add(reader.at('onTimeout'), 'MR_DEF_SHAPE', message);
  }
  return onTimeout;
}

function readAnyOf(context: NodeContext): EventWait[] {
  const { reader } = context;
  for (const field of ['event', 'key', 'where']) {
    if (reader.raw(field) !== undefined)
      reader.errors.add(reader.at(field), 'MR_DEF_SHAPE', `"${field}" cannot stand beside "anyOf": put it into one of its entries.`);
  }
  const list = reader.array('anyOf');
  if (list === undefined) return [];
  if (list.length === 0 || list.length > WAITS_MAX) reader.refuse('anyOf', `an array of 1 to ${WAITS_MAX} events`);
  const seen = new Map<string, number>();
  return list.flatMap((entry, index) => {
    const pointer = pointerTo(reader.at('anyOf'), index);
    if (!isJsonObject(entry)) {
      reader.errors.add(pointer, 'MR_DEF_SHAPE', 'An entry of "anyOf" must be an object with "event" and "key".');
      return [];
    }
    const first = seen.get(canonicalJson(entry));
    if (first !== undefined)
      reader.errors.add(pointer, 'MR_DEF_DUPLICATE', `This event is the same as entry ${first} of "anyOf": leave one of them out.`);
    else seen.set(canonicalJson(entry), index);
    const own = new ObjectReader(entry, pointer, reader.errors);
    const wait = readWait(context, own);
    own.end('An entry of "anyOf"');
    return [wait];
  });
}

function readWait(context: NodeContext, reader: ObjectReader): EventWait {
  const event = readEventType(reader);
  const key = readKey(reader, context.expressions, opening(context));
  const where = reader.raw('where');
  return {
    event,
    key,
    where:
      where === undefined
        ? null
        : context.expressions.condition(where, reader.at('where'), { kind: 'where', scope: context.scope, nodeId: context.id }),
  };
}

export function whyEventNeverEnds(node: EventNode, on: FailureEnding): string | null {
  if (on === 'failed') return 'an event node cannot fail; it can only time out ("on": "timedOut").';
  if (node.timeout === null) return `"${node.name}" has no "timeout".`;
  return node.onTimeout === 'take' ? `"${node.name}" completes at its timeout ("onTimeout": "take").` : null;
}
