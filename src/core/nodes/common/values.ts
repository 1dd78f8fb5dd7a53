/** Values that nodes evaluate, brought into the shape that their place wants. Throws UnfitValueError. */
import { characterCount } from '../../correlation-key.ts';
import { UnfitValueError } from '../../instance/expressions/evaluate.ts';
import type { Assignees } from '../../instance/state/state.ts';
import { isJsonObject, type Json } from '../../json.ts';

const NAME_LENGTH_MAX = 256;
/** Of users, of roles, or of people who may not decide: each is in an index, and in every list that shows the task. */
const NAMES_MAX = 1_000;

export function stringOf(value: Json, field: string, lengthMax: number): string {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value !== 'string') throw new UnfitValueError(`\`${field}\` must be a string.`);
  if (value.length === 0 || characterCount(value) > lengthMax)
    throw new UnfitValueError(`\`${field}\` must have 1 to ${lengthMax} characters.`);
  if (value.includes('\u0000')) throw new UnfitValueError(`\`${field}\` must not hold a NUL character.`);
  return value;
}

export function assigneesOf(value: Json, field: string): Assignees {
  if (!isJsonObject(value)) throw new UnfitValueError(`\`${field}\` must be an object with users and roles.`);
  const assignees = { users: namesOf(value.users, `${field}.users`), roles: namesOf(value.roles, `${field}.roles`) };
  if (assignees.users.length === 0 && assignees.roles.length === 0)
    throw new UnfitValueError(`\`${field}\` names nobody, so nobody could do the task.`);
  return assignees;
}

/** Names of people: an array of strings, one string, or nobody. A null in the array is nobody: that node was not completed by a person. */
export function peopleOf(value: Json, field: string): readonly string[] {
  const all = Array.isArray(value) ? value : [value];
  return [
    ...new Set(
      namesOf(
        all.filter((name: Json) => name !== null),
        field,
      ),
    ),
  ];
}

function namesOf(value: Json | undefined, field: string): readonly string[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new UnfitValueError(`\`${field}\` must be an array of strings.`);
  if (value.length > NAMES_MAX) throw new UnfitValueError(`\`${field}\` has ${value.length} names; ${NAMES_MAX} at most.`);
  return value.map((name: Json) => nameOf(name, field));
}

/** Names are compared exactly, so one with blanks around it would reach nobody. */
function nameOf(value: Json, field: string): string {
  const name = stringOf(value, field, NAME_LENGTH_MAX);
  if (name !== name.trim()) throw new UnfitValueError(`\`${field}\` has a name with blanks around it, which nobody has.`);
  return name;
}
