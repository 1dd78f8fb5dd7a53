/**
 * Finds values that a new input schema refuses and the one before accepted, which would break callers. It reports only what is
 * certain: parts with choices (`anyOf`, `$ref`, `if` …) are not compared.
 */
import { isJsonObject, type Json, type JsonObject } from '../../json.ts';
import { pointerTo } from '../../json-pointer.ts';
import { own } from '../../record.ts';
import { typesOf } from './look-up.ts';

export type BreakingChange = { readonly pointer: string; readonly message: string };

const CHOICES = ['$ref', '$dynamicRef', 'allOf', 'anyOf', 'oneOf', 'not', 'if', 'dependentSchemas', 'dependentRequired', 'const', 'enum'];
const LOWER = ['minimum', 'exclusiveMinimum', 'minLength', 'minItems', 'minProperties'] as const;
const UPPER = ['maximum', 'exclusiveMaximum', 'maxLength', 'maxItems', 'maxProperties'] as const;

/** @param before the schema of the version that callers know. Undefined, here and for `after`, allows anything. */
export function breakingChanges(before: Json | undefined, after: Json | undefined, pointer = '/input'): readonly BreakingChange[] {
  if (after === undefined || after === true) return [];
  if (after === false) return before === false ? [] : [{ pointer, message: 'No value is allowed here any more.' }];
  const old = before === undefined || before === true ? {} : before;
  if (!isJsonObject(after) || !isJsonObject(old) || CHOICES.some((keyword) => own(old, keyword) !== undefined)) return [];
  return [
    ...typeChanges(old, after, pointer),
    ...memberChanges(old, after, pointer),
    ...limitChanges(old, after, pointer),
    ...itemChanges(old, after, pointer),
  ];
}

function admits(schema: JsonObject, type: string): boolean {
  const types = typesOf(schema);
  return types === null || types.includes(type) || (type === 'integer' && types.includes('number'));
}

function typeChanges(old: JsonObject, after: JsonObject, pointer: string): readonly BreakingChange[] {
  if (typesOf(after) === null) return [];
  const refused = (typesOf(old) ?? ['null', 'boolean', 'object', 'array', 'number', 'string']).filter((type) => !admits(after, type));
  return refused.length === 0 ? [] : [{ pointer: `${pointer}/type`, message: `A value of type ${refused.join(' or ')} is refused now.` }];
}

function memberChanges(old: JsonObject, after: JsonObject, pointer: string): readonly BreakingChange[] {
  if (!admits(old, 'object')) return [];
  const known = namesIn(own(old, 'required'));
  const required = namesIn(own(after, 'required')).filter((name) => !known.includes(name));
  const [before, now] = [membersOf(old), membersOf(after)];
  const closed = own(after, 'additionalProperties') === false && own(after, 'patternProperties') === undefined;
  const isOpen = own(old, 'additionalProperties') !== false;
  return [
    ...required.map((name) => ({ pointer: `${pointer}/required`, message: `The property "${name}" is required now.` })),
    ...(closed ? Object.keys(before).filter((name) => !Object.hasOwn(now, name)) : []).map((name) => ({
      pointer: `${pointer}/properties`,
      message: `The property "${name}" is refused now.`,
    })),
    ...(closed && isOpen
      ? [{ pointer: `${pointer}/additionalProperties`, message: 'Properties that are not named are refused now.' }]
      : []),
    ...Object.entries(now).flatMap(([name, schema]) =>
      // A member that was not allowed cannot have been sent.
      Object.hasOwn(before, name) || isOpen ? breakingChanges(own(before, name), schema, pointerTo(`${pointer}/properties`, name)) : [],
    ),
  ];
}

function limitChanges(old: JsonObject, after: JsonObject, pointer: string): readonly BreakingChange[] {
  const changed = [...LOWER, ...UPPER].filter((keyword) => {
    const [before, now] = [own(old, keyword), own(after, keyword)];
    if (typeof now !== 'number' || !admitsLimited(old, keyword)) return false;
    if (typeof before !== 'number') return true;
    return LOWER.some((one) => one === keyword) ? now > before : now < before;
  });
  const patterns = own(after, 'pattern') !== undefined && own(old, 'pattern') === undefined && admits(old, 'string') ? ['pattern'] : [];
  const choices = ['enum', 'const'].filter((keyword) => own(after, keyword) !== undefined);
  return [...changed, ...patterns, ...choices].map((keyword) => ({
    pointer: `${pointer}/${keyword}`,
    message: `"${keyword}" refuses values now that were allowed.`,
  }));
}

function admitsLimited(old: JsonObject, keyword: string): boolean {
  if (keyword.endsWith('Length')) return admits(old, 'string');
  if (keyword.endsWith('Items')) return admits(old, 'array');
  return keyword.endsWith('Properties') ? admits(old, 'object') : admits(old, 'number') || admits(old, 'integer');
}

function itemChanges(old: JsonObject, after: JsonObject, pointer: string): readonly BreakingChange[] {
  const items = own(after, 'items');
  if (items === undefined || !admits(old, 'array') || own(old, 'prefixItems') !== undefined || own(after, 'prefixItems') !== undefined)
    return [];
  return breakingChanges(own(old, 'items'), items, `${pointer}/items`);
}

function namesIn(value: Json | undefined): readonly string[] {
  return Array.isArray(value) ? value.filter((name) => typeof name === 'string') : [];
}

function membersOf(schema: JsonObject): JsonObject {
  const properties = own(schema, 'properties');
  return isJsonObject(properties) ? properties : {};
}
