/** Checks a schema by the meta-schema of its draft. */
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import type { Json } from '../json.ts';
import { explain } from './explain.ts';
import type { SchemaError } from './types.ts';

const DRAFT = 'https://json-schema.org/draft/2020-12/schema';

/** walk.ts checks what the formats of the meta-schema are for; here they would use JavaScript's regular expressions. */
const ajv = new Ajv2020({ allErrors: true, verbose: true, validateFormats: false, strict: false, logger: false });

/** One error for each place: the meta-schema reports the same error several times. */
export function metaErrors(schema: Json): readonly SchemaError[] {
  const validate = ajv.getSchema(DRAFT);
  if (validate === undefined) throw new Error('Bug: the validator has no meta-schema of its draft');
  if (validate(schema) === true) return [];
  const first = new Map<string, ErrorObject>();
  for (const error of validate.errors ?? []) if (!first.has(error.instancePath)) first.set(error.instancePath, error);
  return explain([...first.values()]);
}
