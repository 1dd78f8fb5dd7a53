/** Exit codes, part of the contract with scripts, and how a command ends with one. */
import { MillraceApiError, MillraceUnreachableError } from '../client/errors.ts';
import { MillraceError } from '../core/error.ts';
import { ConfigError } from '../service/config.ts';

export const exitCodes = {
  ok: 0,
  /** It was done and failed, or something unforeseen happened. */
  failed: 1,
  /** The command line, a file or the configuration cannot be used. */
  usage: 2,
  notFound: 3,
  /** The server understood and said no: a conflict, an invalid definition, a key that may not. */
  refused: 4,
  unreachable: 5,
} as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** Ends a command with a message for the person and a code for the script. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure';
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof CommandFailure) return error.exitCode;
  if (error instanceof MillraceUnreachableError) return exitCodes.unreachable;
  if (error instanceof ConfigError) return exitCodes.usage;
  if (error instanceof MillraceApiError) return codeOfStatus(error.status);
  if (error instanceof MillraceError) return error.retryable ? exitCodes.unreachable : exitCodes.refused;
  return exitCodes.failed;
}

function codeOfStatus(status: number): ExitCode {
  if (status === 404) return exitCodes.notFound;
  if (status === 400) return exitCodes.usage;
  if (status >= 500 || status === 429) return exitCodes.unreachable;
  return exitCodes.refused;
}

/** How many errors the answer left out. */
function moreOf({ errors, errorCount }: MillraceApiError): readonly string[] {
  return errorCount > errors.length ? [`  and ${errorCount - errors.length} more`] : [];
}

/** For a person: what happened, and each error with its place. */
export function describeError(error: unknown): string {
  if (error instanceof MillraceApiError) {
    const lines = error.errors.map(({ pointer, message }) => `  ${pointer === '' ? '(whole)' : pointer}: ${message}`);
    return [`${error.message} (${error.code})`, ...lines, ...moreOf(error)].join('\n');
  }
  if (error instanceof CommandFailure || error instanceof ConfigError || error instanceof MillraceUnreachableError) return error.message;
  if (error instanceof MillraceError) return `${error.message} (${error.code})`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
