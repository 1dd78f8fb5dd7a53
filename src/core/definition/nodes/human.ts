/** `human`: work for a person. */

import type { Template } from '../../expression/index.ts';
import { isJsonObject, type Json } from '../../json.ts';
import type { Expressions, Place } from '../expressions.ts';
import { pointerTo } from '../faults.ts';
import type { Fields } from '../fields.ts';
import type { HumanNode } from '../types.ts';
import { type NodeReading, opening, readCommon, readDuration } from './common.ts';

export function readHuman(reading: NodeReading): HumanNode {
  const { fields, expressions } = reading;
  fields.notYet('approvals');
  fields.required('title', 'what the person reads in the list of tasks');
  const title = expressions.template(fields.text('title') ?? '-', fields.at('title'), opening(reading));
  fields.required('assignees', 'who may do it, as { "users": […], "roles": […] }');
  const form = fields.raw('form');
  return {
    ...readCommon(reading),
    type: 'human',
    title,
    assignees: readAssignees(fields, 'assignees', expressions, opening(reading)),
    form: form === undefined ? null : expressions.schema(form, fields.at('form')),
    due: readDuration(reading, 'due'),
    reminder: readDuration(reading, 'reminder'),
    escalate: readEscalation(reading),
    timeout: readDuration(reading, 'timeout'),
  };
}

function readEscalation(reading: NodeReading): HumanNode['escalate'] {
  const escalate = reading.fields.nested('escalate');
  if (escalate === undefined) return null;
  const after = escalate.required('after', 'how long after the start of the task it goes to others');
  escalate.required('to', 'whom it goes to, as { "users": […], "roles": […] }');
  const place = opening(reading);
  const escalation = {
    after: reading.expressions.duration(after ?? '1s', escalate.at('after'), place),
    to: readAssignees(escalate, 'to', reading.expressions, place),
  };
  escalate.end('"escalate"');
  return escalation;
}

/** `{ users, roles }` with at least one name, or one expression that gives such an object. */
function readAssignees(fields: Fields, field: string, expressions: Expressions, place: Place): Template {
  const value = fields.raw(field);
  const pointer = fields.at(field);
  if (value === undefined) return expressions.template({}, pointer, place);
  if (typeof value === 'string' && value.includes('${')) return expressions.template(value, pointer, place);
  if (!isJsonObject(value)) {
    fields.refuse(field, 'an object such as { "users": ["ada"], "roles": ["manager"] }');
    return expressions.template({}, pointer, place);
  }
  const assignees = fields.nested(field);
  let named = 0;
  for (const list of ['users', 'roles']) {
    const names: Json | undefined = assignees?.raw(list);
    if (names === undefined) continue;
    if (typeof names === 'string' && names.includes('${')) named++;
    else if (Array.isArray(names) && names.every((name: Json) => typeof name === 'string' && name !== '')) {
      named += names.length;
      if (new Set(names).size < names.length)
        fields.faults.add(pointerTo(pointer, list), 'MR_DEF_DUPLICATE', `A name stands twice in "${list}": name each once.`);
    } else {
      assignees?.refuse(list, 'a list of names');
      named++;
    }
  }
  assignees?.end(`"${field}"`);
  if (named === 0)
    fields.faults.add(pointer, 'MR_DEF_MISSING_FIELD', `"${field}" names nobody, so nobody could do the task: give users or roles.`);
  return expressions.template(value, pointer, place);
}
