/** Pieces of the schema for editors: values of definitions, as far as a JSON Schema can describe them. */
import type { Json, JsonObject } from '../core/json.ts';

/** A string with `${ … }` is not checked any further: the value of an expression is known at run time only. */
const EXPRESSION = '\\$\\{';

export const anything = (description: string): JsonObject => ({ description });
export const text = (description: string, more: JsonObject = {}): JsonObject => ({ type: 'string', minLength: 1, description, ...more });
export const flag = (description: string): JsonObject => ({ type: 'boolean', description });
export const oneOf = (choices: readonly string[], description: string, more: JsonObject = {}): JsonObject => ({
  enum: choices,
  description,
  ...more,
});

export function integer(min: number, max: number, description: string, more: JsonObject = {}): JsonObject {
  return { type: 'integer', minimum: min, maximum: max, description, ...more };
}

/** A name, without expressions. */
export const literal = (pattern: string, description: string): JsonObject => ({ type: 'string', pattern, description });

const DURATION =
  '^\\d{1,12}(\\.\\d{1,3})?(ms|s|m|h|d)$|^P(?=.)(\\d{1,6}W)?(\\d{1,6}D)?(T(?=.)(\\d{1,9}H)?(\\d{1,9}M)?(\\d{1,12}(\\.\\d{1,3})?S)?)?$';

export function duration(description: string, more: JsonObject = {}): JsonObject {
  return { type: 'string', pattern: `${EXPRESSION}|${DURATION}`, description, examples: ['30s', '5m', '2d'], ...more };
}

/** A duration without expressions. */
export function writtenDuration(description: string, more: JsonObject): JsonObject {
  return { type: 'string', pattern: DURATION, description, ...more };
}

export const instant = (description: string): JsonObject => ({
  type: 'string',
  pattern: `${EXPRESSION}|^\\d{4}-\\d{2}-\\d{2}[Tt]\\d{2}:\\d{2}(:\\d{2}(\\.\\d{1,9})?)?([Zz]|[+-]\\d{2}:\\d{2})$`,
  description,
});

/** Bare CEL. */
export const condition = (description: string): JsonObject => ({
  type: 'string',
  pattern: '^\\s*[^\\s$]',
  description: `${description} A bare expression (CEL), which gives true or false.`,
  examples: ['input.amount > 100'],
});

/** JSON Schema, or Avro: no keyword of JSON Schema is called `avro`. */
export const declaredSchema = (description: string): JsonObject => ({
  type: ['object', 'boolean'],
  description: `${description} JSON Schema, draft 2020-12, or Avro as { "avro": … }. "sensitive": true marks a value that views mask.`,
  properties: { avro: { type: ['object', 'array', 'string'], description: 'An Avro schema, of which the JSON Schema is made.' } },
  not: { type: 'object', required: ['avro'], minProperties: 2 },
});

export function object(properties: JsonObject, required: readonly string[], more: JsonObject = {}): JsonObject {
  return { type: 'object', properties, ...(required.length === 0 ? {} : { required }), additionalProperties: false, ...more };
}

/** An expression in place of the value, or the value. */
export const orExpression = (shape: JsonObject): JsonObject => {
  const { description, ...rest } = shape;
  return { ...(description === undefined ? {} : { description }), anyOf: [rest as Json, { type: 'string', pattern: EXPRESSION }] };
};

/** `then` where the value has this shape, else `otherwise`. */
export function when(condition: JsonObject, then: JsonObject, otherwise?: JsonObject): JsonObject {
  return { if: condition, then, ...(otherwise === undefined ? {} : { else: otherwise }) };
}
