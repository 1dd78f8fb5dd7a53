/**
 * A fault: the world outside failed (broker, database, registry away), or is set up wrongly.
 * What is the caller's fault is a rejection or a value, never this.
 */
export class MillraceError extends Error {
  override readonly name = 'MillraceError';
  /** `MR_…`, a row of docs/errors.md. */
  readonly code: string;
  /** true: pause and try again, nothing was committed. */
  readonly retryable: boolean;

  constructor(code: string, message: string, options: { readonly retryable: boolean; readonly cause?: unknown }) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable;
  }
}
