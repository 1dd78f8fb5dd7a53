/**
 * Reads `triggers` of a document. A trigger's name tells it from the others in every version: given by the author, or its place
 * counted from 1, so that a schedule whose cron changes stays the same schedule.
 */
import { isJsonObject, type Json } from '../../json.ts';
import { pointerTo } from '../../json-pointer.ts';
import { readEventType } from '../../nodes/common/node-context.ts';
import { shown } from '../errors.ts';
import type { Expressions, Place } from '../expressions.ts';
import { checkCount, type DefinitionLimits } from '../limits.ts';
import { ObjectReader } from '../object-reader.ts';
import type { Schema } from '../types.ts';
import { readSchedule } from './read-schedule.ts';
import type { EventTrigger, ScheduleTrigger, Trigger } from './types.ts';

/** What the triggers of one document share while they are read. */
export type TriggersContext = {
  readonly expressions: Expressions;
  readonly limits: DefinitionLimits;
  /** The schema of the instance's input. */
  readonly schema: Schema | null;
};

const NAME = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;
const KEY_LENGTH_MAX = 255;

export function readTriggers(top: ObjectReader, context: TriggersContext): readonly Trigger[] {
  const list = top.array('triggers') ?? [];
  checkCount(list.length, context.limits.triggers, 'triggers', top.at('triggers'), top.errors);
  const names = new Set<string>();
  return list.slice(0, context.limits.triggers).flatMap((entry, index) => {
    const pointer = pointerTo(top.at('triggers'), index);
    if (!isJsonObject(entry)) {
      top.errors.add(pointer, 'MR_DEF_SHAPE', 'A trigger must be an object with "event" or "schedule".');
      return [];
    }
    const reader = new ObjectReader(entry, pointer, top.errors);
    const name = readName(reader, index, names);
    const trigger = readTrigger(reader, name, context);
    reader.end('A trigger');
    return trigger === null ? [] : [trigger];
  });
}

function readName(reader: ObjectReader, index: number, names: Set<string>): string {
  const given = reader.string('name');
  const name = given ?? String(index + 1);
  if (given !== undefined && !NAME.test(given)) {
    const rule = 'a letter, then letters, digits, _ and -, at most 64 characters';
    reader.errors.add(reader.at('name'), 'MR_DEF_ID', `${shown(name)} cannot be the name of a trigger: ${rule}.`);
  } else if (names.has(name)) {
    reader.errors.add(reader.at('name'), 'MR_DEF_DUPLICATE', `Another trigger is called ${shown(name)} already: use another name.`);
  }
  names.add(name);
  return name;
}

function readTrigger(reader: ObjectReader, name: string, context: TriggersContext): Trigger | null {
  // The other fields are checked only if it is clear whether it is an event or a schedule.
  const [event, schedule] = ['event', 'schedule', 'when', 'input', 'key'].map((field) => reader.raw(field));
  if (event !== undefined && schedule !== undefined) {
    reader.errors.add(reader.at('schedule'), 'MR_DEF_SHAPE', '"schedule" cannot stand beside "event": make two triggers of them.');
    return null;
  }
  if (schedule !== undefined) return readScheduleTrigger(reader, name, context);
  if (event !== undefined) return readEventTrigger(reader, name, context);
  const message = 'A trigger needs "event", the type of the event that starts an instance, or "schedule", the times at which one starts.';
  reader.errors.add(reader.pointer, 'MR_DEF_MISSING_FIELD', message);
  return null;
}

function readEventTrigger(reader: ObjectReader, name: string, context: TriggersContext): EventTrigger {
  const place: Place = { kind: 'trigger', of: 'event' };
  const [when, key] = [reader.raw('when'), reader.string('key')];
  const { expressions } = context;
  const trigger: EventTrigger = {
    kind: 'event',
    name,
    event: readEventType(reader),
    when: when === undefined ? null : expressions.condition(when, reader.at('when'), place),
    input: readInput(reader, place, context),
    key: key === undefined ? null : expressions.template(key, reader.at('key'), place),
  };
  if (trigger.key?.isConstant === true && (key?.length ?? 0) > KEY_LENGTH_MAX)
    reader.refuse('key', `a business key of at most ${KEY_LENGTH_MAX} characters`);
  return trigger;
}

function readScheduleTrigger(reader: ObjectReader, name: string, context: TriggersContext): ScheduleTrigger | null {
  for (const field of ['when', 'key']) {
    if (reader.raw(field) !== undefined)
      reader.errors.add(reader.at(field), 'MR_DEF_SHAPE', `"${field}" belongs to a trigger by event: a schedule has none.`);
  }
  const times = readSchedule(reader);
  const input = readInput(reader, { kind: 'trigger', of: 'schedule' }, context);
  return times === null ? null : { kind: 'schedule', name, ...times, input };
}

/** Without one it is `{}`, as for a start by REST. An input without expressions is validated now rather than at the first event. */
function readInput(reader: ObjectReader, place: Place, { expressions, schema }: TriggersContext): EventTrigger['input'] {
  const value: Json | undefined = reader.raw('input');
  const input = expressions.template(value === undefined ? {} : value, reader.at('input'), place);
  if (!input.isConstant || schema === null) return input;
  for (const error of schema.compiled.validate(input.evaluate({})))
    reader.errors.add(
      reader.at('input') + error.pointer,
      'MR_DEF_SHAPE',
      `The input does not fit the definition's "input": ${error.message}`,
    );
  return input;
}
