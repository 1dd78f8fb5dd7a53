/** What a request can end with instead of an answer. */
import type { FieldError, Problem } from '../contract/index.ts';
import { reasonOfNoAnswer } from '../core/no-answer.ts';

/** The server answered with a problem. */
export class MillraceApiError extends Error {
  override readonly name = 'MillraceApiError';
  readonly status: number;
  /** `MR_…`, stable. */
  readonly code: string;
  /** JSON pointers into the body, or `/query/<name>`, `/headers/<name>`. */
  readonly errors: readonly FieldError[];
  /** How many there are; `errors` has the first 100. */
  readonly errorCount: number;
  /** Names the request in the server's log; null when the answer came from something in between. */
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

/** No answer came: refused, reset, or too late. Whether the request was done is not known, unless it is repeatable. */
export class MillraceUnreachableError extends Error {
  override readonly name = 'MillraceUnreachableError';
  readonly url: string;

  constructor(url: string, cause: unknown) {
    super(`Millrace cannot be reached at ${url}: ${reasonOfNoAnswer(cause)}`, { cause });
    this.url = url;
  }
}
