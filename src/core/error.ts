/** The error that is thrown when something outside fails, or the installation is wrong; its code is one of error-codes.ts. */
import type { ErrorCode } from './error-codes.ts';

/**
 * Something outside failed (a broker, database or registry is away), or the installation is set up wrongly.
 * What a caller did wrong is a rejection or a value, never this error.
 */
export class MillraceError extends Error {
  override readonly name = 'MillraceError';
  readonly code: ErrorCode;
  /** true: pause and try again, nothing was committed. */
  readonly retryable: boolean;

  constructor(code: ErrorCode, message: string, options: { readonly retryable: boolean; readonly cause?: unknown }) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable;
  }
}
