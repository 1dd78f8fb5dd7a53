/** Reads a `human` node: work for a person. */
import type { Expressions, Place } from '../../definition/expressions.ts';
import type { ObjectReader } from '../../definition/object-reader.ts';
import type { HumanNode } from '../../definition/types.ts';
import type { Template } from '../../expression/index.ts';
import { isJsonObject, type Json } from '../../json.ts';
import { pointerTo } from '../../json-pointer.ts';
import type { FailureEnding } from '../common/failure-ending.ts';
import { type NodeContext, opening, readCommon, readDuration } from '../common/node-context.ts';

export function readHuman(context: NodeContext): HumanNode {
  const { reader, expressions } = context;
  reader.notYet('approvals');
  reader.required('title', 'what the person reads in the list of tasks');
  const title = expressions.template(reader.string('title') ?? '-', reader.at('title'), opening(context));
  reader.required('assignees', 'who may do it, as { "users": […], "roles": […] }');
  const form = reader.raw('form');
  return {
    ...readCommon(context),
    type: 'human',
    title,
    assignees: readAssignees(reader, 'assignees', expressions, opening(context)),
    form: form === undefined ? null : expressions.schema(form, reader.at('form')),
    due: readDuration(context, 'due'),
    reminder: readDuration(context, 'reminder'),
    escalate: readEscalation(context),
    timeout: readDuration(context, 'timeout'),
  };
}

function readEscalation(context: NodeContext): HumanNode['escalate'] {
  const escalate = context.reader.nested('escalate');
  if (escalate === undefined) return null;
  const after = escalate.required('after', 'how long after the start of the task it goes to others');
  escalate.required('to', 'whom it goes to, as { "users": […], "roles": […] }');
  const place = opening(context);
  const escalation = {
    after: context.expressions.duration(after ?? '1s', escalate.at('after'), place),
    to: readAssignees(escalate, 'to', context.expressions, place),
  };
  escalate.end('"escalate"');
  return escalation;
}

/** `{ users, roles }` with at least one name, or one expression that gives such an object. */
function readAssignees(reader: ObjectReader, field: string, expressions: Expressions, place: Place): Template {
  const value = reader.raw(field);
  const pointer = reader.at(field);
  if (value === undefined) return expressions.template({}, pointer, place);
  if (typeof value === 'string' && value.includes('${')) return expressions.template(value, pointer, place);
  if (!isJsonObject(value)) {
    reader.refuse(field, 'an object such as { "users": ["ada"], "roles": ["manager"] }');
    return expressions.template({}, pointer, place);
  }
  const assignees = reader.nested(field);
  let named = 0;
  for (const list of ['users', 'roles']) {
    const names: Json | undefined = assignees?.raw(list);
    if (names === undefined) continue;
    if (typeof names === 'string' && names.includes('${')) named++;
    else if (Array.isArray(names) && names.every((name: Json) => typeof name === 'string' && name !== '' && name === name.trim())) {
      named += names.length;
      if (new Set(names).size < names.length)
        reader.errors.add(pointerTo(pointer, list), 'MR_DEF_DUPLICATE', `A name stands twice in "${list}": name each once.`);
    } else {
      assignees?.refuse(list, 'an array of names without blanks around them');
      named++;
    }
  }
  assignees?.end(`"${field}"`);
  if (named === 0)
    reader.errors.add(pointer, 'MR_DEF_MISSING_FIELD', `"${field}" names nobody, so nobody could do the task: give users or roles.`);
  return expressions.template(value, pointer, place);
}

export function whyHumanNeverEnds(node: HumanNode, on: FailureEnding): string | null {
  return on === 'timedOut' && node.timeout === null ? `"${node.name}" has no "timeout".` : null;
}
