/** The results of compiling a JSON Schema and of validating with one. */
import type { Json } from '../json.ts';

/** A plain sentence, and a JSON pointer into the schema (when compiling) or into the value (when validating). */
export type SchemaError = { readonly pointer: string; readonly message: string };

export type CompiledSchema = {
  /** Empty when the value is valid; at most a hundred errors. Never changes the value, never throws. */
  validate(value: Json): readonly SchemaError[];
};
