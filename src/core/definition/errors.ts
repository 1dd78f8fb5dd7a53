/** The codes of all errors in definitions, and the collector of errors while a document is read. */
import { distance } from 'fastest-levenshtein';
import type { ErrorCode } from '../error-codes.ts';
import type { DefinitionError } from './types.ts';

/** Each is a row of docs/errors.md. */
export const definitionErrorCodes = [
  /** A value of the wrong type, or one that its field does not allow. */
  'MR_DEF_SHAPE',
  'MR_DEF_MISSING_FIELD',
  'MR_DEF_UNKNOWN_FIELD',
  'MR_DEF_UNKNOWN_TYPE',
  'MR_DEF_ID',
  /** A string that no database can store. */
  'MR_DEF_STRING',
  /** `event`, `queue`, `task` and `topic` are literals, so that a deploy knows them. */
  'MR_DEF_LITERAL',
  'MR_DEF_DURATION',
  'MR_DEF_INSTANT',
  'MR_DEF_CRON',
  'MR_DEF_TIME_ZONE',
  'MR_DEF_SCHEMA',
  'MR_DEF_EXPRESSION',
  'MR_DEF_UNKNOWN_ROOT',
  'MR_DEF_UNKNOWN_VAR',
  'MR_DEF_UNKNOWN_MEMBER',
  'MR_DEF_UNKNOWN_NODE',
  /** A constant, or a member that an expression reads, does not fit a schema that the definition declares. */
  'MR_DEF_TYPE',
  /** An expression reads the output of a node that cannot have run before. */
  'MR_DEF_NODE_NOT_BEFORE',
  'MR_DEF_SELF_EDGE',
  'MR_DEF_DUPLICATE_EDGE',
  'MR_DEF_COMPENSATION',
  'MR_DEF_EDGE',
  /** An edge for an ending that its node cannot have. */
  'MR_DEF_EDGE_NEVER_TAKEN',
  'MR_DEF_CYCLE',
  'MR_DEF_UNREACHABLE_NODE',
  'MR_DEF_OTHERWISE_MISSING',
  'MR_DEF_OTHERWISE_NEVER',
  'MR_DEF_OTHERWISE_TWICE',
  'MR_DEF_JOIN',
  'MR_DEF_DUPLICATE',
  'MR_DEF_LIMIT',
  /** A child of the definition itself, without a condition on the way. */
  'MR_DEF_CHILD_OF_ITSELF',
] as const satisfies readonly ErrorCode[];
export type DefinitionErrorCode = (typeof definitionErrorCodes)[number];

/** A deploy warns of these and accepts the definition. Each is a row of docs/errors.md. */
export const definitionWarningCodes = [
  /** The value of a header that carries a credential is in the definition. */
  'MR_DEF_CREDENTIAL_IN_CLEAR',
  /** A string such as `nodes.pay.output`, which is text without `${ … }`. */
  'MR_DEF_TEXT_LIKE_EXPRESSION',
  /** An expression compares the status of a node with a word that is none. */
  'MR_DEF_STATUS_UNKNOWN',
  /** What is made of a marked value is in a place that views do not mask. */
  'MR_DEF_SENSITIVE_SHOWN',
] as const satisfies readonly ErrorCode[];
export type DefinitionWarningCode = (typeof definitionWarningCodes)[number];

/** Comparing thousands of names with thousands of others would take a second. */
const HINTED_MAX = 100;

export class DefinitionErrors {
  readonly all: (DefinitionError & { readonly code: DefinitionErrorCode })[] = [];

  readonly warnings: (DefinitionError & { readonly code: DefinitionWarningCode })[] = [];

  /** Where something is refused. What cannot be read there at all has no type. */
  places(): ReadonlySet<string> {
    return new Set(this.all.map(({ pointer }) => pointer));
  }

  warn(pointer: string, code: DefinitionWarningCode, message: string): void {
    this.warnings.push({ pointer, code, message });
  }

  add(pointer: string, code: DefinitionErrorCode, message: string): void {
    this.all.push({ pointer, code, message });
  }

  /** Like `suggest`, for many names: only the first errors get a hint, since each hint compares with all names. */
  hint(given: string, known: () => Iterable<string>): string {
    return this.all.length < HINTED_MAX ? suggest(given, known()) : '';
  }
}

/** ` Did you mean "x"?`, or nothing when no name is near. */
export function suggest(given: string, known: Iterable<string>): string {
  if (given.length > 64) return '';
  let best: { readonly name: string; readonly far: number } | null = null;
  for (const name of known) {
    const far = distance(given.toLowerCase(), name.toLowerCase());
    if (best === null || far < best.far) best = { name, far };
  }
  // `retries` is three changes away from `retry`, but begins like it.
  const farMax = best !== null && best.name.slice(0, 4) === given.slice(0, 4) ? 3 : 2;
  const near = best !== null && best.far < given.length && best.far <= Math.max(farMax, Math.floor(given.length / 3));
  return near && best !== null ? ` Did you mean "${best.name}"?` : '';
}

/** A name from a document as a message shows it: never longer than a line. */
export function shown(name: string): string {
  // With escapes for characters that nobody sees.
  return JSON.stringify(name.length > 80 ? `${name.slice(0, 79)}…` : name);
}
