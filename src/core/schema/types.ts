/** The results of compiling a JSON Schema and of validating with one. */
import type { Json } from '../json.ts';
import type { InParts } from '../parts.ts';

/** A plain sentence, and a JSON pointer into the schema (when compiling) or into the value (when validating). */
export type SchemaError = { readonly pointer: string; readonly message: string };

export type CompiledSchema = {
  /** Empty when the value is valid; at most a hundred errors. Never changes the value, never throws. */
  validate(value: Json): readonly SchemaError[];
  /** The same in parts: finding all errors of a wrong value takes twice as long as finding that it is wrong. */
  validateInParts(value: Json): InParts<readonly SchemaError[]>;
};
