/** Checks the constant parts of a value with expressions against the schema that it must fit, as far as that is certain. */
import { isJsonObject, type Json } from '../../json.ts';
import { own } from '../../record.ts';
import type { DefinitionErrors } from '../errors.ts';
import type { Schema } from '../types.ts';

/** Keys are never evaluated, so these errors are certain even if members are expressions. */
const OF_KEYS = /^The property ".*" is (missing|not known here)\.$/s;

export function checkLiterals(schema: Schema | null, value: Json, pointer: string, errors: DefinitionErrors): void {
  if (schema === null) return;
  for (const error of schema.compiled.validate(value)) {
    const at = valueAt(value, error.pointer);
    // Which branch of a choice applies can depend on the values of expressions.
    if (hasExpression(at) && !(OF_KEYS.test(error.message) && !hasChoice(schema.document))) continue;
    if (hasExpression(value) && hasChoice(schema.document)) continue;
    errors.add(pointer + error.pointer, 'MR_DEF_TYPE', `This does not fit the schema that the node declares. ${error.message}`);
  }
}

function hasExpression(value: Json | undefined): boolean {
  return JSON.stringify(value ?? null).includes('${');
}

const CHOICES = /"(anyOf|oneOf|not|if|allOf|\$ref|\$dynamicRef|dependentSchemas|dependentRequired)":/;

function hasChoice(schema: Json): boolean {
  return CHOICES.test(JSON.stringify(schema));
}

function valueAt(value: Json, pointer: string): Json | undefined {
  let at: Json | undefined = value;
  for (const token of pointer.split('/').slice(1)) {
    const key = token.replaceAll('~1', '/').replaceAll('~0', '~');
    if (Array.isArray(at)) at = (at as readonly Json[])[Number(key)];
    else at = isJsonObject(at) ? own(at, key) : undefined;
  }
  return at;
}
