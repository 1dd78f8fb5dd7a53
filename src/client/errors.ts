/** The errors of a request. */
import type { FieldError, Problem } from '../contract/index.ts';
import { reasonOfNoAnswer } from '../core/no-answer.ts';

/** The server answered with problem details. */
export class MillraceApiError extends Error {
  override readonly name = 'MillraceApiError';
  readonly status: number;
  /** `MR_…`, stable. */
  readonly code: string;
  /** JSON pointers into the body, or `/query/<name>`, `/headers/<name>`. */
  readonly errors: readonly FieldError[];
  /** How many there are; `errors` has the first 100. */
  readonly errorCount: number;
  /** The request as the server's log names it; null if the answer came from a proxy. */
  readonly request: string | null;

  constructor(status: number, problem: Partial<Problem>) {
    super(problem.detail ?? problem.title ?? `The server answered ${status}.`);
    this.status = status;
    this.code = problem.code ?? `HTTP_${status}`;
    this.errors = problem.errors ?? [];
    this.errorCount = problem.errorCount ?? this.errors.length;
    this.request = problem.instance ?? null;
  }
}

/** No answer: the connection was refused or reset, or the request timed out. It is not known whether the request was processed. */
export class MillraceUnreachableError extends Error {
  override readonly name = 'MillraceUnreachableError';
  readonly url: string;

  constructor(url: string, cause: unknown) {
    super(`Millrace cannot be reached at ${url}: ${reasonOfNoAnswer(cause)}`, { cause });
    this.url = url;
  }
}
