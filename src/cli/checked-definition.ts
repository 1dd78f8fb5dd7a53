/** Definitions checked without a server, as a deploy would check them by the default limits. */
import { firstErrors } from '../contract/field-errors.ts';
import {
  type KnownChild,
  type KnownChildren,
  parseDefinition,
  parseTyped,
  storedDefinitionLimits,
  type TypedDefinition,
} from '../core/definition/index.ts';
import type { Definition } from '../core/definition/types.ts';
import type { Json } from '../core/json.ts';
import { type Explanation, explain } from '../explain/index.ts';
import { CommandFailure, exitCodes } from './exit.ts';
import { describeInvalid, type Invalid } from './invalid-definition.ts';
import { readJsonFile } from './session.ts';

export type Checked = Invalid & { readonly warnings: readonly Invalid['errors'][number][] };

/** @param children what is known of the definitions of its children; nothing where it is left out. */
export function checkDefinition(document: Json, children: KnownChildren = () => null): Checked {
  const parsed = parseDefinition(document, { version: 1, children });
  return { ...firstErrors(parsed.ok ? [] : parsed.error), warnings: parsed.ok ? parsed.value.warnings : [] };
}

/** A server may allow what the limits here do not; what is in the document is the same. */
export function explainDefinition(document: Json): Explanation | null {
  const parsed = parseDefinition(document, { version: 1, limits: storedDefinitionLimits });
  return parsed.ok ? explain(parsed.value) : null;
}

export type Reading = {
  readonly version?: number;
  readonly isDeployed?: boolean;
  readonly children?: KnownChildren;
};

/**
 * What those that are given together say of each other as children. One that has errors says nothing, and what it knows of its own children plays no
 * part, as at a deploy.
 */
export function childrenAmong(given: readonly { readonly document: Json; readonly version?: number }[]): KnownChildren {
  const known = new Map<string, KnownChild>();
  for (const { document, version } of given) {
    const parsed = parseTyped(document, { version: version ?? 1, limits: storedDefinitionLimits, checksTypes: false });
    if (!parsed.ok) continue;
    const { definition, output } = parsed.value;
    const child = { version: version ?? null, input: definition.input, output, isMarked: definition.marks !== null };
    known.set(`${definition.id}@latest`, child);
    if (version !== undefined) known.set(`${definition.id}@${version}`, child);
  }
  return ({ definition, version }) => known.get(`${definition}@${version ?? 'latest'}`) ?? null;
}

/** With what is known of the types of its values. @throws CommandFailure that names the errors. */
export function readTyped(document: Json, file: string, { version = 1, isDeployed = false, children }: Reading = {}): TypedDefinition {
  const options = { version, limits: storedDefinitionLimits, checksTypes: !isDeployed };
  const parsed = parseTyped(document, children === undefined ? options : { ...options, children });
  if (parsed.ok) return parsed.value;
  throw new CommandFailure(exitCodes.refused, describeInvalid(file, firstErrors(parsed.error)));
}

/** @throws CommandFailure that names the errors. */
export function readDefinitionFile(file: string): Definition {
  const parsed = parseDefinition(readJsonFile(file), { version: 1 });
  if (parsed.ok) return parsed.value;
  throw new CommandFailure(exitCodes.refused, describeInvalid(file, firstErrors(parsed.error)));
}
