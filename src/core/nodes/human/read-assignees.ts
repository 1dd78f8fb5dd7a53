/** Reads who may do a task of people. */
import type { Expressions, Place } from '../../definition/expressions.ts';
import type { ObjectReader } from '../../definition/object-reader.ts';
import type { Template } from '../../expression/index.ts';
import { isJsonObject, type Json } from '../../json.ts';
import { pointerTo } from '../../json-pointer.ts';

/** `{ users, roles }` with at least one name, or one expression that gives such an object. */
export function readAssignees(reader: ObjectReader, field: string, expressions: Expressions, place: Place): Template {
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
