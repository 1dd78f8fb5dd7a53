/** Turns the validator's errors into faults: where, and a plain sentence. Values are never quoted, allowed ones are. */
import type { ErrorObject } from 'ajv/dist/2020.js';
import type { SchemaFault } from './types.ts';
import { escaped, shortened } from './walk.ts';

const FAULTS_MAX = 100;
const QUOTED_MAX = 200;
const NOT_ALLOWED = 'This is not allowed by the schema.';

/** The same place and sentence once, in the order in which they were found. */
export function explain(errors: readonly ErrorObject[]): readonly SchemaFault[] {
  const faults = new Map<string, SchemaFault>();
  for (const error of errors) {
    const fault = faultOf(error);
    if (fault !== null) faults.set(`${fault.pointer} ${fault.message}`, fault);
    if (faults.size === FAULTS_MAX) break;
  }
  // An error alone that is told by others otherwise.
  return faults.size === 0 ? [{ pointer: '', message: NOT_ALLOWED }] : [...faults.values()];
}

function faultOf({ instancePath, keyword, params, schema, propertyName }: ErrorObject): SchemaFault | null {
  const at = (message: string): SchemaFault => ({ pointer: instancePath, message });
  const below = (key: unknown, message: string): SchemaFault => ({ pointer: `${instancePath}/${escaped(String(key))}`, message });
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
      return at(`This must be ${quoted(params.allowedValue)}.`);
    case 'if':
      // What `then` or `else` found wrong is told by itself.
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
  multipleOf: ({ multipleOf }) => `This must be a multiple of ${multipleOf}.`,
  minLength: ({ limit }) => `This text must have at least ${counted(limit, 'character')}.`,
  maxLength: ({ limit }) => `This text must have at most ${counted(limit, 'character')}.`,
  pattern: ({ pattern }) => `This text must match the pattern ${quoted(pattern)}.`,
  format: ({ format }) => `This text must have the format "${format}".`,
  minItems: ({ limit }) => `This list must have at least ${counted(limit, 'item')}.`,
  maxItems: ({ limit }) => `This list must have at most ${counted(limit, 'item')}.`,
  items: ({ limit }) => `This list must have at most ${counted(limit, 'item')}.`,
  unevaluatedItems: ({ limit }) => `This list must have at most ${counted(limit ?? 0, 'item')}.`,
  uniqueItems: () => 'This list has the same item twice.',
  contains: ({ minContains, maxContains }) =>
    maxContains === undefined
      ? `This list must hold at least ${counted(minContains, 'item')} of the shape that is asked for.`
      : `This list must hold ${minContains} to ${counted(maxContains, 'item')} of the shape that is asked for.`,
  minProperties: ({ limit }) => `This must have at least ${counted(limit, 'property')}.`,
  maxProperties: ({ limit }) => `This must have at most ${counted(limit, 'property')}.`,
};

const TYPES: { readonly [type: string]: string } = {
  string: 'a text',
  number: 'a number',
  integer: 'a whole number',
  boolean: 'true or false',
  null: 'null',
  array: 'a list',
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
