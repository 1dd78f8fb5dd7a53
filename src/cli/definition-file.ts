/** A definition in a file, checked as a deploy would check it by the default limits. */
import { firstErrors } from '../contract/field-errors.ts';
import { parseDefinition } from '../core/definition/index.ts';
import type { Definition } from '../core/definition/types.ts';
import { CommandFailure, exitCodes } from './exit.ts';
import { readJsonFile } from './session.ts';

/** What a server and a local check say alike: the first errors, and the count of all. */
export type Invalid = {
  readonly errors: readonly { readonly pointer: string; readonly code?: string; readonly message: string }[];
  readonly errorCount: number;
};

/** @throws CommandFailure that names the errors. */
export function readDefinitionFile(file: string): Definition {
  const parsed = parseDefinition(readJsonFile(file), { version: 1 });
  if (parsed.ok) return parsed.value;
  throw new CommandFailure(exitCodes.refused, describeInvalid(file, firstErrors(parsed.error)));
}

export function describeInvalid(file: string, { errors, errorCount }: Invalid): string {
  const lines = errors.map(
    ({ pointer, code, message }) => `  ${pointer === '' ? '(whole)' : pointer}: ${message}${code === undefined ? '' : ` [${code}]`}`,
  );
  const more = errorCount > errors.length ? [`  and ${errorCount - errors.length} more`] : [];
  const count = errorCount === 1 ? 'an error' : `${errorCount} errors`;
  return [`${file} has ${count}:`, ...lines, ...more].join('\n');
}
