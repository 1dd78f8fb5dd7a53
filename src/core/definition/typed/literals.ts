/** Checks the constant parts of a value with expressions against the schema that it must fit, as far as that is certain. */
import { isJsonObject, type Json } from '../../json.ts';
import { valueAt } from '../../json-pointer.ts';
import type { DefinitionErrors } from '../errors.ts';
import type { Schema } from '../types.ts';
import { orNull } from './shape.ts';

/** Keys are never evaluated, so these errors are certain even if members are expressions. */
const OF_KEYS = /^The property ".*" is (missing|not known here)\.$/s;

/** @param what it must fit, for the sentence. */
export function checkLiterals(
  schema: Schema | null,
  value: Json,
  pointer: string,
  errors: DefinitionErrors,
  what = 'the schema that the node declares',
): void {
  if (schema === null) return;
  for (const error of schema.compiled.validate(value)) {
    const at = valueAt(value, error.pointer);
    // Which branch of a choice applies can depend on the values of expressions.
    if (hasExpression(at) && !(OF_KEYS.test(error.message) && !hasChoice(schema.document))) continue;
    if (hasExpression(value) && hasChoice(schema.document)) continue;
    errors.add(pointer + error.pointer, 'MR_DEF_TYPE', `This does not fit ${what}. ${error.message}`);
  }
}

function hasExpression(value: Json | undefined): boolean {
  return JSON.stringify(value ?? null).includes('${');
}

const CHOICES = new Set(['anyOf', 'oneOf', 'not', 'if', 'allOf', 'dependentSchemas', 'dependentRequired']);

/** Whether null or the other schema applies is seen by the value. */
function hasChoice(schema: Json): boolean {
  if (Array.isArray(schema)) return schema.some(hasChoice);
  if (!isJsonObject(schema)) return false;
  const plain = orNull(schema) === null ? schema : { ...schema, anyOf: null, either: schema.anyOf ?? null };
  return Object.entries(plain).some(([key, value]) => (CHOICES.has(key) && value !== null) || hasChoice(value));
}
