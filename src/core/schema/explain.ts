/** Turns each error of the validator into a sentence and a pointer. It never quotes the value, only what is allowed. */

import type { ErrorObject } from 'ajv/dist/2020.js';
import { pointerTo } from '../json-pointer.ts';
import type { SchemaError } from './types.ts';
import { FUEL_KEYWORD, shortened } from './walk.ts';

const ERRORS_MAX = 100;
/** Alternatives inside of alternatives leave a hundred thousand errors, nearly all of which say the same. */
const LOOKED_AT_MAX = 5_000;
const QUOTED_MAX = 200;
const NOT_ALLOWED = 'This is not allowed by the schema.';

/** The same place and sentence once, in the order in which they were found. */
export function explain(errors: readonly ErrorObject[]): readonly SchemaError[] {
  const explained = new Map<string, SchemaError>();
  for (const found of errors.slice(0, LOOKED_AT_MAX)) {
    if (isOfNull(found)) continue;
    const error = errorOf(found);
    if (error !== null) explained.set(`${error.pointer} ${error.message}`, error);
    if (explained.size === ERRORS_MAX) break;
  }
  // Some errors have no sentence, since another error says the same. An error that stands alone needs one.
  return explained.size === 0 ? [{ pointer: '', message: NOT_ALLOWED }] : [...explained.values()];
}

/** Whoever gives an object or an array where null could stand does not mean null. */
function isOfNull({ keyword, data, schema, parentSchema, schemaPath }: ErrorObject): boolean {
  if (typeof data !== 'object' || data === null) return false;
  if (keyword === 'type') return isNull(parentSchema) && /\/anyOf\/\d+\/type$/.test(schemaPath);
  return keyword === 'anyOf' && Array.isArray(schema) && schema.length === 2 && schema.some(isNull);
}

function isNull(schema: unknown): boolean {
  if (typeof schema !== 'object' || schema === null || !('type' in schema)) return false;
  return schema.type === 'null' && Object.keys(schema).every((key) => key === 'type' || key === FUEL_KEYWORD);
}

function errorOf({ instancePath, keyword, params, schema, propertyName }: ErrorObject): SchemaError | null {
  const at = (message: string): SchemaError => ({ pointer: instancePath, message });
  const below = (key: unknown, message: string): SchemaError => ({ pointer: pointerTo(instancePath, String(key)), message });
  const name = (value: unknown): string => `"${shortened(String(value))}"`;
  switch (keyword) {
    case 'required':
      return at(`The property ${name(params.missingProperty)} is missing.`);
    case 'dependentRequired':
      return at(`The property ${name(params.missingProperty)} is missing: ${name(params.property)} asks for it.`);
    case 'additionalProperties':
      return below(params.additionalProperty, `The property ${name(params.additionalProperty)} is not known here.`);
    case 'unevaluatedProperties':
      return below(params.unevaluatedProperty, `The property ${name(params.unevaluatedProperty)} is not known here.`);
    case 'propertyNames':
      return at(`The name of the property ${name(params.propertyName)} is not allowed.`);
    case 'type':
      return at(`This must be ${typesOf(params.type)}.`);
    case 'enum':
      return at(`This must be one of ${listOf(schema)}.`);
    case 'const':
      return at(`This must be ${quoted(schema)}.`);
    case 'if':
      // The errors in `then` or `else` are reported by themselves.
      return null;
    case 'anyOf':
      return at('This fits none of the shapes that are allowed here.');
    case 'oneOf':
      return at(
        params.passingSchemas === null
          ? 'This fits none of the shapes that are allowed here.'
          : 'This fits several of the shapes here, of which only one is allowed.',
      );
    case 'not':
      return at('This has the shape that is not allowed here.');
    case 'false schema':
      return at('Nothing is allowed here.');
    default: {
      const sentence = SENTENCES[keyword]?.(params, schema) ?? NOT_ALLOWED;
      return propertyName === undefined ? at(sentence) : null;
    }
  }
}

const SENTENCES: { readonly [keyword: string]: (params: ErrorObject['params'], schema: unknown) => string } = {
  minimum: ({ limit }) => `This must be at least ${limit}.`,
  maximum: ({ limit }) => `This must be at most ${limit}.`,
  exclusiveMinimum: ({ limit }) => `This must be more than ${limit}.`,
  exclusiveMaximum: ({ limit }) => `This must be less than ${limit}.`,
  multipleOf: (_, divisor) => `This must be a multiple of ${divisor}.`,
  minLength: ({ limit }) => `This string must have at least ${counted(limit, 'character')}.`,
  maxLength: ({ limit }) => `This string must have at most ${counted(limit, 'character')}.`,
  pattern: ({ pattern }) => `This string must match the pattern ${quoted(pattern)}.`,
  format: ({ format }) =>
    `This string must have the format "${format}"${format === 'duration' ? ': ISO 8601, such as "P2D" or "PT5M"' : ''}.`,
  minItems: ({ limit }) => `This array must have at least ${counted(limit, 'item')}.`,
  maxItems: ({ limit }) => `This array must have at most ${counted(limit, 'item')}.`,
  items: ({ limit }) => `This array must have at most ${counted(limit, 'item')}.`,
  unevaluatedItems: ({ limit }) => `This array must have at most ${counted(limit ?? 0, 'item')}.`,
  uniqueItems: () => 'This array has the same item twice.',
  contains: ({ minContains, maxContains }) =>
    maxContains === undefined
      ? `This array must hold at least ${counted(minContains, 'item')} of the shape that is asked for.`
      : `This array must hold ${minContains} to ${counted(maxContains, 'item')} of the shape that is asked for.`,
  minProperties: ({ limit }) => `This must have at least ${counted(limit, 'property')}.`,
  maxProperties: ({ limit }) => `This must have at most ${counted(limit, 'property')}.`,
};

const TYPES: { readonly [type: string]: string } = {
  string: 'a string',
  number: 'a number',
  integer: 'an integer',
  boolean: 'true or false',
  null: 'null',
  array: 'an array',
  object: 'an object',
};

function typesOf(types: unknown): string {
  const names: readonly unknown[] = Array.isArray(types) ? types : String(types).split(',');
  return names.map((name) => TYPES[String(name)] ?? String(name)).join(' or ');
}

function counted(count: unknown, what: string): string {
  return count === 1 ? `1 ${what}` : `${count} ${what.replace(/y$/, 'ie')}s`;
}

function quoted(value: unknown): string {
  return shortened(JSON.stringify(value), QUOTED_MAX);
}

function listOf(values: unknown): string {
  return Array.isArray(values) ? shortened(values.map((value) => JSON.stringify(value)).join(', '), QUOTED_MAX) : quoted(values);
}
