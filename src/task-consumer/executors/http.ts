/**
 * The executor of `http` nodes. Sends the request with its idempotency key, follows redirects by its own
 * rules with every hop checked against the address guard, and reads no more than the limit. Messages of errors name the
 * method and the host, never a path, a header or a body: those may hold secrets, and messages are logged.
 */
import type { IncomingMessage } from 'node:http';
import type { Json } from '../../core/json.ts';
import { isForLater } from '../../core/nodes/http/answer-rules.ts';
import { type AttemptResult, failed, failedForNow } from '../attempt-result.ts';
import type { AttemptScope, Executor } from '../executor.ts';
import { idempotencyKeyOf, type ScheduledTask } from '../task.ts';
import { AddressDenied, type AddressGuard, type AddressPolicy, createAddressGuard } from './address-guard.ts';
import { errorDetailsOf } from './error-details.ts';
import { followRedirect, type HttpRequest, parseHttpRequest } from './http-request.ts';
import { discard, headerOf, parseRetryAfter, readBody, renderOutput } from './http-response.ts';
import { createHttpTransport, type HttpTransport } from './http-transport.ts';

export type HttpExecutorOptions = AddressPolicy & {
  readonly responseLimitBytes: number;
  readonly redirectsMax: number;
  /** Default: made here from the policy. */
  readonly guard?: AddressGuard;
};

export type HttpExecutor = Executor & { close(): Promise<void> };

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

export function createHttpExecutor(options: HttpExecutorOptions): HttpExecutor {
  const guard = options.guard ?? createAddressGuard(options);
  const transport = createHttpTransport(guard.lookup);
  return {
    canRun: ({ work }) => work?.type === 'http',
    label: () => 'http',
    run(task, scope) {
      if (task.work?.type !== 'http') return { status: 'returned' };
      return execute(task, scope, { ...options, guard, transport });
    },
    close: async () => transport.close(),
  };
}

type Dependencies = HttpExecutorOptions & { readonly guard: AddressGuard; readonly transport: HttpTransport };

async function execute(task: ScheduledTask, scope: AttemptScope, dependencies: Dependencies): Promise<AttemptResult> {
  const parsed = parseHttpRequest(task.input, idempotencyKeyOf(task), task.secrets);
  if (!parsed.ok) return failed('INPUT_INVALID', parsed.error);
  let request = parsed.value;
  try {
    for (let redirects = 0; ; redirects++) {
      const denied = await dependencies.guard.deny(request.url);
      if (denied !== null) return failed('ADDRESS_DENIED', denied.message);
      const response = await dependencies.transport.send(request, scope.signal);
      const location = headerOf(response.headers, 'location');
      if (!REDIRECTS.has(response.statusCode ?? 0) || location === undefined)
        return await conclude(task, request, response, dependencies.responseLimitBytes);
      discard(response);
      if (redirects >= dependencies.redirectsMax)
        return failed('TOO_MANY_REDIRECTS', `${nameOf(request)} redirected more than ${dependencies.redirectsMax} times.`);
      const next = followRedirect(request, response.statusCode ?? 0, location);
      if (!next.ok) return failed('REDIRECT_DENIED', `${nameOf(request)}: ${next.error}`);
      request = next.value;
    }
  } catch (error) {
    if (error instanceof AddressDenied) return failed('ADDRESS_DENIED', error.message);
    return failedForNow('NETWORK', `${nameOf(request)} could not be reached or broke off: ${networkCodeOf(error)}.`);
  }
}

async function conclude(task: ScheduledTask, request: HttpRequest, response: IncomingMessage, limitBytes: number): Promise<AttemptResult> {
  const { statusCode: status = 0, headers } = response;
  if (status < 200 || status > 299) return await concludeFailure(task, request, response);
  const bytes = await readBody(response, headers, request.method === 'HEAD' ? Number.POSITIVE_INFINITY : limitBytes);
  if (!bytes.ok) return failed(bytes.error.code, `${nameOf(request)}: ${bytes.error.message}`);
  const output = renderOutput(status, headers, bytes.value, request.answer);
  return output.ok ? { status: 'completed', output: output.value } : failed(output.error.code, output.error.message);
}

async function concludeFailure(task: ScheduledTask, request: HttpRequest, response: IncomingMessage): Promise<AttemptResult> {
  const { statusCode: status = 0, headers } = response;
  const details = await errorDetailsOf(response);
  const later = isForLater(status, headers['retry-after'] !== undefined) || (status === 409 && meetsItself(task, request, details));
  const message = `${nameOf(request)} answered ${status}.`;
  const result = later ? failedForNow(`HTTP_${status}`, message, parseRetryAfter(headers, Date.now())) : failed(`HTTP_${status}`, message);
  return { ...result, details };
}

/**
 * Whether a 409 may be caused by an earlier attempt of the same work that the server is still processing: the same key was sent
 * before, or the response names the key.
 */
function meetsItself(task: ScheduledTask, request: HttpRequest, details: Json): boolean {
  if (request.headers['idempotency-key'] !== idempotencyKeyOf(task)) return false;
  return task.attempt > 1 || /idempotency[-_ ]?key/i.test(JSON.stringify(details));
}

function nameOf({ method, url }: HttpRequest): string {
  return `${method} ${url.host}`;
}

/** The code of an error and of its causes (`ECONNREFUSED`, `ECONNRESET`): their messages may quote the URL. */
function networkCodeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  const inner = error instanceof AggregateError ? error.errors[0] : error.cause;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name;
  return inner instanceof Error && !('code' in error) ? networkCodeOf(inner) : code;
}
