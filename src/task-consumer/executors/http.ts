/**
 * The executor of `http` nodes, on undici. Sends the request with its idempotency key, follows redirects by its own
 * rules with every hop checked against the address guard, and reads no more than the limit. Errors name the method and
 * the host, never a path, a header or a body: those may hold secrets, and errors are stored and shown.
 */
import { Agent, type Dispatcher, request as send } from 'undici';
import { type AttemptResult, failed, failedForNow } from '../attempt-result.ts';
import type { AttemptScope, Executor } from '../executor.ts';
import { idempotencyKeyOf, type ScheduledTask } from '../task.ts';
import { AddressDenied, type AddressGuard, type AddressPolicy, createAddressGuard } from './address-guard.ts';
import { followRedirect, type HttpRequest, parseHttpRequest } from './http-request.ts';
import { discard, headerOf, parseRetryAfter, readBody, renderOutput } from './http-response.ts';

export type HttpExecutorOptions = AddressPolicy & {
  readonly responseLimitBytes: number;
  readonly redirectsMax: number;
  /** Default: made here from the policy. */
  readonly guard?: AddressGuard;
};

export type HttpExecutor = Executor & { close(): Promise<void> };

const CONNECT_TIMEOUT_MS = 10_000;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

export function createHttpExecutor(options: HttpExecutorOptions): HttpExecutor {
  const guard = options.guard ?? createAddressGuard(options);
  // The attempt's own timeout governs; a slow server may take all of it.
  const agent = new Agent({ headersTimeout: 0, bodyTimeout: 0, connect: { lookup: guard.lookup, timeout: CONNECT_TIMEOUT_MS } });
  return {
    label: () => 'http',
    run(task, scope) {
      if (task.work?.type !== 'http') return { status: 'returned' };
      return execute(task, scope, { ...options, guard, agent });
    },
    close: () => agent.destroy(),
  };
}

type Dependencies = HttpExecutorOptions & { readonly guard: AddressGuard; readonly agent: Agent };

async function execute(task: ScheduledTask, scope: AttemptScope, dependencies: Dependencies): Promise<AttemptResult> {
  const parsed = parseHttpRequest(task.input, idempotencyKeyOf(task));
  if (!parsed.ok) return failed('INPUT_INVALID', parsed.error);
  let request = parsed.value;
  try {
    for (let redirects = 0; ; redirects++) {
      const denied = dependencies.guard.deny(request.url);
      if (denied !== null) return failed('ADDRESS_DENIED', denied.message);
      const response = await send(request.url, {
        method: request.method as Dispatcher.HttpMethod,
        headers: request.headers,
        body: request.body,
        signal: scope.signal,
        dispatcher: dependencies.agent,
      });
      const location = headerOf(response.headers, 'location');
      if (!REDIRECTS.has(response.statusCode) || location === undefined)
        return await conclude(request, response, dependencies.responseLimitBytes);
      discard(response.body);
      if (redirects >= dependencies.redirectsMax)
        return failed('TOO_MANY_REDIRECTS', `${nameOf(request)} redirected more than ${dependencies.redirectsMax} times.`);
      const next = followRedirect(request, response.statusCode, location);
      if (!next.ok) return failed('REDIRECT_DENIED', `${nameOf(request)}: ${next.error}`);
      request = next.value;
    }
  } catch (error) {
    if (error instanceof AddressDenied) return failed('ADDRESS_DENIED', error.message);
    return failedForNow('NETWORK', `${nameOf(request)} could not be reached or broke off: ${networkCodeOf(error)}.`);
  }
}

async function conclude(request: HttpRequest, response: Dispatcher.ResponseData, limitBytes: number): Promise<AttemptResult> {
  const { statusCode: status, headers, body } = response;
  if (status < 200 || status > 299) {
    discard(body);
    const message = `${nameOf(request)} answered ${status}.`;
    const later = status === 408 || status === 429 || status >= 500;
    return later ? failedForNow(`HTTP_${status}`, message, parseRetryAfter(headers, Date.now())) : failed(`HTTP_${status}`, message);
  }
  const bytes = await readBody(body, headers, request.method === 'HEAD' ? Number.POSITIVE_INFINITY : limitBytes);
  if (!bytes.ok) return failed(bytes.error.code, `${nameOf(request)}: ${bytes.error.message}`);
  const output = renderOutput(status, headers, bytes.value);
  return output.ok ? { status: 'completed', output: output.value } : failed(output.error.code, output.error.message);
}

function nameOf({ method, url }: HttpRequest): string {
  return `${method} ${url.host}`;
}

/** The code of an error and of its causes (`ECONNREFUSED`, `UND_ERR_SOCKET`): their messages may quote the URL. */
function networkCodeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  const inner = error instanceof AggregateError ? error.errors[0] : error.cause;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name;
  return inner instanceof Error && !('code' in error) ? networkCodeOf(inner) : code;
}
