/**
 * Finds values that a new input schema refuses and the one before accepted, which would break callers. It reports only what is
 * certain: parts with choices (`anyOf`, `if` …) are not compared, except for a choice between null and something else.
 */
import { type Decimal, decimalOf } from '../../avro/index.ts';
import { isJsonObject, type Json, type JsonObject, jsonEquals } from '../../json.ts';
import { pointerTo } from '../../json-pointer.ts';
import { own } from '../../record.ts';
import { enforced } from '../declared-schema.ts';
import { annotations, namesIn, orNull, targetOf, typesOf } from './shape.ts';

export type BreakingChange = { readonly pointer: string; readonly message: string };

const CHOICES = ['$ref', '$dynamicRef', 'allOf', 'anyOf', 'oneOf', 'not', 'if', 'dependentSchemas', 'dependentRequired', 'const'];
const LOWER = ['minimum', 'exclusiveMinimum', 'minLength', 'minItems', 'minProperties'] as const;
const UPPER = ['maximum', 'exclusiveMaximum', 'maxLength', 'maxItems', 'maxProperties'] as const;
const ALL_TYPES = ['null', 'boolean', 'object', 'array', 'number', 'string'];
/** Formats that refuse no string. */
const LOOSE_FORMATS = new Set(['password', 'binary', 'int32', 'int64', 'float', 'double']);
/** Pairs that are compared, and how deep: schemas that lead back to themselves have no end. */
const COMPARED_MAX = 2_000;
const DEPTH_MAX = 30;
const REFERENCES_MAX = 20;

/**
 * @param before what the version that callers know declares, JSON Schema or Avro. Undefined, here and for `after`, allows anything.
 * @returns pointers into `after`.
 */
export function breakingChanges(before: Json | undefined, after: Json | undefined, pointer = '/input'): readonly BreakingChange[] {
  const [old, now] = [enforced(before), enforced(after)];
  const comparison = new Comparison(old.schema ?? true, now.schema ?? true);
  const told = new Map<string, BreakingChange>();
  for (const { pointer: at, message } of comparison.changes()) {
    const change = { pointer: pointer + now.placeOf(at), message };
    told.set(`${change.pointer} ${message}`, change);
  }
  return [...told.values()];
}

/** A schema without its references, and without a choice between null and itself. */
type Plain = { readonly schema: JsonObject; readonly orNull: boolean; readonly pointer: string };

class Comparison {
  readonly #before: Json;
  readonly #after: Json;
  #left = COMPARED_MAX;

  constructor(before: Json, after: Json) {
    this.#before = before;
    this.#after = after;
  }

  changes(): readonly BreakingChange[] {
    return this.#compare(this.#before, this.#after, '', 0);
  }

  #compare(before: Json | undefined, after: Json | undefined, pointer: string, depth: number): readonly BreakingChange[] {
    if (after === undefined || after === true || depth > DEPTH_MAX || this.#left-- <= 0) return [];
    if (after === false) return before === false ? [] : [{ pointer, message: 'No value is allowed here any more.' }];
    const old = plainOf(this.#before, before === undefined || before === true ? {} : before, '');
    const now = plainOf(this.#after, after, pointer);
    if (old === null || now === null || CHOICES.some((keyword) => own(old.schema, keyword) !== undefined)) return [];
    if (own(old.schema, 'enum') !== undefined) return valueChanges(old, now);
    return [
      ...typeChanges(old, now),
      ...this.#memberChanges(old, now, depth),
      ...limitChanges(old.schema, now.schema, now.pointer),
      ...decimalChanges(old.schema, now.schema, now.pointer),
      ...this.#itemChanges(old.schema, now, depth),
    ];
  }

  #memberChanges({ schema: old }: Plain, { schema: after, pointer }: Plain, depth: number): readonly BreakingChange[] {
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
        Object.hasOwn(before, name) || isOpen
          ? this.#compare(own(before, name), schema, pointerTo(`${pointer}/properties`, name), depth + 1)
          : [],
      ),
      ...this.#otherMemberChanges(old, after, pointer, depth),
    ];
  }

  /** Of members that neither names, such as those of a map. */
  #otherMemberChanges(old: JsonObject, after: JsonObject, pointer: string, depth: number): readonly BreakingChange[] {
    const [before, others] = [own(old, 'additionalProperties'), own(after, 'additionalProperties')];
    const hasPatterns = own(old, 'patternProperties') !== undefined || own(after, 'patternProperties') !== undefined;
    if (!isJsonObject(others) || before === false || hasPatterns) return [];
    return this.#compare(before, others, `${pointer}/additionalProperties`, depth + 1);
  }

  #itemChanges(old: JsonObject, { schema: after, pointer }: Plain, depth: number): readonly BreakingChange[] {
    const items = own(after, 'items');
    if (items === undefined || !admits(old, 'array') || own(old, 'prefixItems') !== undefined || own(after, 'prefixItems') !== undefined)
      return [];
    return this.#compare(own(old, 'items'), items, `${pointer}/items`, depth + 1);
  }
}

/** null where a reference leads nowhere, or to what is no schema of its own. */
function plainOf(root: Json, given: Json, from: string): Plain | null {
  let [schema, pointer, isOrNull] = [given, from, false];
  for (let count = 0; count < REFERENCES_MAX; count++) {
    if (!isJsonObject(schema)) return null;
    const reference = own(schema, '$ref');
    const other = orNull(schema);
    if (other !== null) {
      const index = (schema.anyOf as readonly Json[]).indexOf(other);
      [schema, pointer, isOrNull] = [other, `${pointer}/anyOf/${index}`, true];
    } else if (typeof reference === 'string' && Object.keys(schema).every((key) => key === '$ref' || annotations.has(key))) {
      const target = targetOf(root, reference);
      if (target === undefined) return null;
      [schema, pointer] = [target, reference.slice(1)];
    } else return { schema, orNull: isOrNull, pointer };
  }
  return null;
}

function admits(schema: JsonObject, type: string): boolean {
  const types = typesOf(schema);
  return types === null || types.includes(type) || (type === 'integer' && types.includes('number'));
}

function admitsType({ schema, orNull: isNullable }: Plain, type: string): boolean {
  return admits(schema, type) || (isNullable && type === 'null');
}

function typeChanges(old: Plain, after: Plain): readonly BreakingChange[] {
  if (typesOf(after.schema) === null) return [];
  const known = [...(typesOf(old.schema) ?? ALL_TYPES), ...(old.orNull ? ['null'] : [])];
  return refusedTypes([...new Set(known)], after);
}

function refusedTypes(known: readonly string[], after: Plain): readonly BreakingChange[] {
  const refused = known.filter((type) => !admitsType(after, type));
  return refused.length === 0
    ? []
    : [{ pointer: `${after.pointer}/type`, message: `A value of type ${refused.join(' or ')} is refused now.` }];
}

/** Where the values were listed, each that the new schema refuses by its list or its type. */
function valueChanges(old: Plain, after: Plain): readonly BreakingChange[] {
  const values = own(old.schema, 'enum');
  // Beside a list and its type nothing else says which of the values were taken.
  const isPlain = Object.keys(old.schema).every((key) => key === 'enum' || key === 'type' || annotations.has(key));
  if (!Array.isArray(values) || !isPlain) return [];
  const taken = [...(values as readonly Json[]), ...(old.orNull ? [null] : [])].filter((value) => admitsType(old, typeOf(value)));
  const now = own(after.schema, 'enum');
  if (!Array.isArray(now)) return refusedTypes([...new Set(taken.map(typeOf))], after);
  const listed = now as readonly Json[];
  const refused = taken.filter((value) => !(after.orNull && value === null) && !listed.some((each) => jsonEquals(each, value)));
  if (refused.length === 0) return [];
  const shown = refused.slice(0, 10).map((value) => JSON.stringify(value).slice(0, 80));
  return [{ pointer: `${after.pointer}/enum`, message: `${shown.join(', ')} ${refused.length === 1 ? 'is' : 'are'} refused now.` }];
}

function typeOf(value: Json): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return Number.isInteger(value) ? 'integer' : typeof value;
}

function limitChanges(old: JsonObject, after: JsonObject, pointer: string): readonly BreakingChange[] {
  const changed = [...LOWER, ...UPPER].filter((keyword) => {
    const [before, now] = [own(old, keyword), own(after, keyword)];
    if (typeof now !== 'number' || !admitsLimited(old, keyword)) return false;
    if (typeof before !== 'number') return true;
    return LOWER.some((one) => one === keyword) ? now > before : now < before;
  });
  const isAnyString = admits(old, 'string') && own(old, 'pattern') === undefined && own(old, 'format') === undefined;
  const format = own(after, 'format');
  const texts = isAnyString
    ? [
        ...(own(after, 'pattern') === undefined ? [] : ['pattern']),
        ...(typeof format === 'string' && !LOOSE_FORMATS.has(format) ? ['format'] : []),
      ]
    : [];
  const choices = ['enum', 'const'].filter((keyword) => own(after, keyword) !== undefined);
  return [...changed, ...texts, ...choices].map((keyword) => ({
    pointer: `${pointer}/${keyword}`,
    message: `"${keyword}" refuses values now that were allowed.`,
  }));
}

/** Decimals of Avro are strings that fit a pattern. Of other patterns nobody knows whether one takes what the other did. */
function decimalChanges(old: JsonObject, after: JsonObject, pointer: string): readonly BreakingChange[] {
  const [before, now] = [decimalIn(old), decimalIn(after)];
  if (before === null || !admits(old, 'string') || !admits(after, 'string')) return [];
  const format = own(after, 'format');
  const isOtherText = own(old, 'format') === undefined && typeof format === 'string' && !LOOSE_FORMATS.has(format);
  if (now === null) return isOtherText ? [{ pointer: `${pointer}/format`, message: `${decimalText(before)} is refused now.` }] : [];
  const fits = now.scale === before.scale && now.precision >= before.precision;
  const message = `${decimalText(before)} is refused now: this one has precision ${now.precision} and scale ${now.scale}.`;
  return fits ? [] : [{ pointer: `${pointer}/pattern`, message }];
}

function decimalIn(schema: JsonObject): Decimal | null {
  const pattern = own(schema, 'pattern');
  return typeof pattern === 'string' ? decimalOf(pattern) : null;
}

function decimalText({ precision, scale }: Decimal): string {
  return `A decimal of precision ${precision} and scale ${scale}`;
}

function admitsLimited(old: JsonObject, keyword: string): boolean {
  if (keyword.endsWith('Length')) return admits(old, 'string');
  if (keyword.endsWith('Items')) return admits(old, 'array');
  return keyword.endsWith('Properties') ? admits(old, 'object') : admits(old, 'number') || admits(old, 'integer');
}

function membersOf(schema: JsonObject): JsonObject {
  const properties = own(schema, 'properties');
  return isJsonObject(properties) ? properties : {};
}
