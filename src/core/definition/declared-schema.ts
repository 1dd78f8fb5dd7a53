/**
 * A schema as a definition declares it: JSON Schema, or Avro as `{ "avro": … }`, of which the JSON Schema is made that is enforced. What
 * travels is JSON in both cases.
 */
import { jsonSchemaOf, readAvro, type Translated } from '../avro/index.ts';
import { isJsonObject, type Json } from '../json.ts';
import { pointerTo } from '../json-pointer.ts';
import { own } from '../record.ts';
import { err, ok, type Result } from '../result.ts';
import { boundsError, compileSchema, type SchemaError, type SchemaLimits } from '../schema/index.ts';
import type { Schema } from './types.ts';

/** Characters of JSON Schema that a character of Avro becomes, at most as a rule: `"int"` has two bounds. */
const AVRO_GROWTH = 3;

/** The errors have whole sentences, and pointers into what is declared. */
export function compileDeclared(declared: Json, limits: SchemaLimits): Result<Schema, readonly SchemaError[]> {
  if (!isAvro(declared)) {
    const compiled = compileSchema(declared, limits);
    if (compiled.ok) return ok({ document: declared, compiled: compiled.value });
    return err(compiled.error.map(({ pointer, message }) => ({ pointer, message: `The JSON Schema cannot be used: ${message}` })));
  }
  const translated = translate(declared);
  if (!translated.ok) return translated;
  const { schema, placeOf } = translated.value;
  const compiled = compileSchema(schema, limits);
  if (compiled.ok) return ok({ document: schema, compiled: compiled.value });
  return err(compiled.error.map(({ pointer, message }) => avroError(placeOf(pointer), message)));
}

/** About the work of compiling it, in characters. */
export function declaredCost(declared: Json): number {
  return JSON.stringify(declared).length * (isAvro(declared) ? AVRO_GROWTH : 1);
}

/**
 * The JSON Schema that is enforced, and the place in what is declared of which a place in it was made. Undefined where nothing is declared,
 * or nothing that could be read: then anything fits, as far as anybody knows.
 */
export function enforced(declared: Json | undefined): { readonly schema: Json | undefined; readonly placeOf: (pointer: string) => string } {
  if (declared === undefined || !isAvro(declared)) return { schema: declared, placeOf: (pointer) => pointer };
  const translated = translate(declared);
  if (!translated.ok) return { schema: undefined, placeOf: (pointer) => pointer };
  const { schema, placeOf } = translated.value;
  return { schema, placeOf: (pointer) => `/avro${placeOf(pointer)}` };
}

/** No keyword of JSON Schema is called so. */
function isAvro(declared: Json): declared is { readonly avro: Json } {
  return isJsonObject(declared) && own(declared, 'avro') !== undefined;
}

function translate(declared: { readonly avro: Json }): Result<Translated, readonly SchemaError[]> {
  const others = Object.keys(declared).filter((key) => key !== 'avro');
  if (others.length > 0)
    return err(
      others.map((key) => ({ pointer: pointerTo('', key), message: 'Nothing may stand beside "avro": the schema is all in it.' })),
    );
  const bounds = boundsError(declared.avro);
  if (bounds !== null) return err([avroError('', bounds)]);
  const read = readAvro(declared.avro);
  return read.ok ? ok(jsonSchemaOf(read.value)) : err(read.error.map(({ pointer, message }) => avroError(pointer, message)));
}

function avroError(place: string, message: string): SchemaError {
  return { pointer: `/avro${place}`, message: `The Avro schema cannot be used: ${message}` };
}
