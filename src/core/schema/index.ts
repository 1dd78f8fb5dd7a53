/** JSON Schema (draft 2020-12) for inputs, forms and outputs of definitions. */
import type { Json } from '../json.ts';
import type { Result } from '../result.ts';
import { err } from '../result.ts';

export type SchemaFault = { readonly pointer: string; readonly message: string };

export type CompiledSchema = {
  /** Empty when the value is valid. Never changes the value. */
  validate(value: Json): readonly SchemaFault[];
};

export function compileSchema(_schema: Json): Result<CompiledSchema, readonly SchemaFault[]> {
  return err([{ pointer: '', message: 'Schemas are not supported yet.' }]);
}
