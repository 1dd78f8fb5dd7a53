/** Definitions checked without a server, as a deploy would check them by the default limits. */
import { firstErrors } from '../contract/field-errors.ts';
import { parseDefinition, storedDefinitionLimits } from '../core/definition/index.ts';
import type { Definition } from '../core/definition/types.ts';
import type { Json } from '../core/json.ts';
import { type Explanation, explain } from '../explain/index.ts';
import { CommandFailure, exitCodes } from './exit.ts';
import { describeInvalid, type Invalid } from './invalid-definition.ts';
import { readJsonFile } from './session.ts';

export type Checked = Invalid & { readonly warnings: readonly Invalid['errors'][number][] };

export function checkDefinition(document: Json): Checked {
  const parsed = parseDefinition(document, { version: 1 });
  return { ...firstErrors(parsed.ok ? [] : parsed.error), warnings: parsed.ok ? parsed.value.warnings : [] };
}

/** A server may allow what the limits here do not; what is in the document is the same. */
export function explainDefinition(document: Json): Explanation | null {
  const parsed = parseDefinition(document, { version: 1, limits: storedDefinitionLimits });
  return parsed.ok ? explain(parsed.value) : null;
}

/** @throws CommandFailure that names the errors. */
export function readDefinitionFile(file: string): Definition {
  const parsed = parseDefinition(readJsonFile(file), { version: 1 });
  if (parsed.ok) return parsed.value;
  throw new CommandFailure(exitCodes.refused, describeInvalid(file, firstErrors(parsed.error)));
}
