/** Avro schemas of tests, and what becomes of them in a definition. */
import { compileDeclared } from '../../definition/declared-schema.ts';
import { defaultDefinitionLimits } from '../../definition/limits.ts';
import type { Json, JsonObject } from '../../json.ts';

const limits = defaultDefinitionLimits.schema;

export function declared(avro: Json) {
  const compiled = compileDeclared({ avro }, limits);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.error));
  return compiled.value;
}
export const schemaOf = (avro: Json): Json => declared(avro).document;
export const takes = (avro: Json, value: Json): boolean => declared(avro).compiled.validate(value).length === 0;
export function refusals(avro: Json): readonly string[] {
  const compiled = compileDeclared({ avro }, limits);
  return compiled.ok
    ? []
    : compiled.error.map(({ pointer, message }) => `${pointer} ${message.replace(/^The Avro schema cannot be used: /, '')}`);
}
export const record = (name: string, fields: readonly JsonObject[], more: JsonObject = {}): JsonObject => ({
  type: 'record',
  name,
  fields,
  ...more,
});
export const field = (name: string, type: Json, more: JsonObject = {}): JsonObject => ({ name, type, ...more });
export const logical = (type: string, logicalType: string, more: JsonObject = {}): JsonObject => ({ type, logicalType, ...more });
