/** Reads reminders and escalations: one, or an array of them by rising time. */
import { ObjectReader } from '../../definition/object-reader.ts';
import type { DurationSetting, Escalation } from '../../definition/types.ts';
import { isJsonObject, type Json } from '../../json.ts';
import { pointerTo } from '../../json-pointer.ts';
import { type NodeContext, opening } from '../common/node-context.ts';
import { readAssignees } from './read-assignees.ts';

const STEPS_MAX = 20;

type Step = { readonly value: Json; readonly pointer: string };

export function readReminders(context: NodeContext): readonly DurationSetting[] {
  const steps = stepsOf(context.reader, 'reminder', 'an array of 1 to 20 durations');
  const errors = context.reader.errors.all.length;
  const reminders = steps.map(({ value, pointer }) => context.expressions.duration(value, pointer, opening(context)));
  if (context.reader.errors.all.length === errors) checkOrder(context.reader, 'reminder', reminders, (index) => steps[index]?.pointer);
  return reminders;
}

export function readEscalations(context: NodeContext): readonly Escalation[] {
  const steps = stepsOf(context.reader, 'escalate', 'an array of 1 to 20 objects with "after" and "to"');
  const errors = context.reader.errors.all.length;
  const escalations = steps.flatMap(({ value, pointer }) => {
    if (isJsonObject(value)) return [readEscalation(context, new ObjectReader(value, pointer, context.reader.errors))];
    context.reader.errors.add(pointer, 'MR_DEF_SHAPE', '"escalate" must be an object with "after" and "to", or an array of them.');
    return [];
  });
  const pointerOf = (index: number) => steps[index] && pointerTo(steps[index].pointer, 'after');
  const times = escalations.map(({ after }) => after);
  if (context.reader.errors.all.length === errors) checkOrder(context.reader, 'escalate', times, pointerOf);
  return escalations;
}

function readEscalation(context: NodeContext, escalate: ObjectReader): Escalation {
  const after = escalate.required('after', 'how long after the start of the task it goes to others');
  escalate.required('to', 'whom it goes to, as { "users": […], "roles": […] }');
  const place = opening(context);
  const escalation = {
    after: context.expressions.duration(after === undefined ? '1s' : after, escalate.at('after'), place),
    to: readAssignees(escalate, 'to', context.expressions, place),
  };
  escalate.end('"escalate"');
  return escalation;
}

function stepsOf(reader: ObjectReader, field: string, expected: string): readonly Step[] {
  const value = reader.raw(field);
  if (value === undefined) return [];
  if (!Array.isArray(value)) return [{ value, pointer: reader.at(field) }];
  if (value.length === 0 || value.length > STEPS_MAX) reader.refuse(field, expected);
  return value.map((step: Json, index) => ({ value: step, pointer: pointerTo(reader.at(field), index) }));
}

/** What expressions give is compared when the node opens; what could not be read is not compared. */
function checkOrder(
  reader: ObjectReader,
  field: string,
  times: readonly DurationSetting[],
  pointerOf: (index: number) => string | undefined,
): void {
  for (const [index, time] of times.entries()) {
    const before = times[index - 1];
    if (time.kind !== 'constant' || before?.kind !== 'constant' || time.ms > before.ms) continue;
    const message = `Each step of "${field}" counts from the start of the task, and must come after the one before.`;
    reader.errors.add(pointerOf(index) ?? reader.at(field), 'MR_DEF_SHAPE', message);
  }
}
