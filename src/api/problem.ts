/**
 * Errors as callers see them: problem details (RFC 9457) with a code and the errors by their places. The message of an
 * internal error goes to the log only, so that no answer quotes a secret.
 */
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { type FieldError, firstErrors } from '../contract/field-errors.ts';
import type { Problem } from '../contract/problem.ts';
import { MillraceError } from '../core/error.ts';
import { type ErrorCode, httpStatusesOf } from '../core/error-codes.ts';
import { fieldErrors } from './validation.ts';

export type ProblemOptions = {
  readonly errors?: readonly FieldError[];
  readonly headers?: Readonly<Record<string, string>>;
  /** Default: what the table of codes says. */
  readonly status?: number;
};

/** Thrown by routes; the error handler answers with it. */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem';
  readonly status: number;
  readonly code: ErrorCode;
  readonly errors: readonly FieldError[];
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    code: ErrorCode,
    detail: string,
    { errors = [], headers = {}, status = httpStatusesOf(code)[0] ?? 500 }: ProblemOptions = {},
  ) {
    super(detail);
    this.status = status;
    this.code = code;
    this.errors = errors;
    this.headers = headers;
  }
}

const RETRY_AFTER_S = '5';

const titles: Readonly<Record<number, string>> = {
  400: 'Bad request',
  401: 'No valid API key',
  403: 'Not allowed',
  404: 'Not found',
  406: 'Not acceptable',
  408: 'Request timeout',
  409: 'Conflict',
  413: 'Too large',
  414: 'Address too long',
  415: 'Unsupported media type',
  422: 'Cannot be processed',
  429: 'Too many requests',
  431: 'Headers too large',
  500: 'Internal error',
  503: 'Unavailable',
};

export const notFound = (what: string): ApiProblem => new ApiProblem('MR_NOT_FOUND', what);

export function problemBody(problem: Pick<ApiProblem, 'status' | 'code' | 'message' | 'errors'>, requestId: string): Problem {
  return {
    type: `urn:millrace:problem:${problem.code}`,
    title: titles[problem.status] ?? 'Error',
    status: problem.status,
    detail: problem.message,
    instance: `urn:millrace:request:${requestId}`,
    code: problem.code,
    ...firstErrors(problem.errors),
  };
}

export function sendProblem(reply: FastifyReply, problem: ApiProblem, requestId: string): void {
  // Serialized here, because the serializer of the route is for its own answers.
  reply
    .code(problem.status)
    .headers(problem.headers)
    .type('application/problem+json')
    .serializer((body: unknown) => JSON.stringify(body))
    .send(problemBody(problem, requestId));
}

/** Errors of fastify itself, by their codes. */
const fastifyProblems: Readonly<Record<string, readonly [ErrorCode, string, ProblemOptions?]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ['MR_BODY_TOO_LARGE', 'The body is larger than this server accepts.'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['MR_MEDIA_TYPE', 'Send JSON with `content-type: application/json`.'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['MR_REQUEST_INVALID', 'The body is not as long as `content-length` says.'],
  FST_ERR_CTP_EMPTY_JSON_BODY: ['MR_JSON_MALFORMED', 'The body is empty.'],
  FST_ERR_BAD_URL: ['MR_REQUEST_INVALID', 'The address cannot be decoded.'],
  FST_ERR_MAX_PARAM_LENGTH: ['MR_REQUEST_INVALID', 'A part of the address is too long.', { status: 414 }],
};

/** @returns the problem for the caller; a 5xx does not say the reason. */
export function problemOf(error: unknown): ApiProblem {
  if (error instanceof ApiProblem) return error;
  if (error instanceof MillraceError) return ofMillraceError(error);
  const { code, validation, validationContext, statusCode } = error as FastifyError;
  if (validation !== undefined) {
    const errors = fieldErrors(validation, validationContext ?? 'body');
    const first = errors[0];
    const detail =
      first === undefined ? 'The request is invalid.' : `The request is invalid: ${first.pointer || 'the body'}: ${first.message}`;
    return new ApiProblem('MR_REQUEST_INVALID', detail, { errors });
  }
  const known = typeof code === 'string' ? fastifyProblems[code] : undefined;
  if (known !== undefined) return new ApiProblem(...known);
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500)
    return new ApiProblem('MR_REQUEST_INVALID', 'The request is invalid.', { status: statusCode });
  return new ApiProblem('MR_INTERNAL', 'An internal error; the log has the details under the id of this request.');
}

/** Details for the caller where the message of the error would not help, or says too much. */
const details: { readonly [Code in ErrorCode]?: readonly [string, ProblemOptions?] } = {
  MR_CURSOR_INVALID: [
    'The cursor does not belong to this list.',
    { errors: [{ pointer: '/query/cursor', message: 'Send the `nextCursor` of the previous page, unchanged.' }] },
  ],
  MR_MESSAGE_TOO_LARGE: ['The message with this payload would be larger than MILLRACE_MAX_MESSAGE_BYTES allows.'],
  MR_RECORD_TOO_LARGE: ['The message with this payload would be larger than MILLRACE_MAX_MESSAGE_BYTES allows.'],
  MR_RECORD_REFUSED: ['Kafka refuses the record; does its topic still exist?'],
};

/** The status is that of the table of codes. An unavailable system is 503; any other internal error is 500. */
function ofMillraceError(error: MillraceError): ApiProblem {
  const { code } = error;
  const [status] = httpStatusesOf(code);
  if (status === 429) return new ApiProblem(code, error.message, { headers: { 'retry-after': '1' } });
  if (status !== undefined && status < 500) return new ApiProblem(code, ...(details[code] ?? [error.message]));
  if (error.retryable)
    return new ApiProblem(code, 'A system that is needed for this is unavailable. Try again.', {
      headers: { 'retry-after': RETRY_AFTER_S },
      status: 503,
    });
  return new ApiProblem('MR_INTERNAL', 'An internal error; the log has the details under the id of this request.');
}

export function handleError(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const problem = problemOf(error);
  if (problem.status >= 500) {
    const level = problem.status === 503 ? 'warn' : 'error';
    request.log[level]({ err: error, requestId: request.id, route: request.routeOptions.url, code: problem.code }, 'A request failed');
  }
  sendProblem(reply, problem, request.id);
}

/** For `clientErrorHandler`, which has no reply object because the request could not be parsed as HTTP. */
export function rawProblem(status: number, code: ErrorCode, detail: string): string {
  const body = JSON.stringify(problemBody(new ApiProblem(code, detail, { status }), 'unread'));
  return (
    `HTTP/1.1 ${status} ${titles[status] ?? 'Error'}\r\ncontent-type: application/problem+json\r\n` +
    `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`
  );
}
