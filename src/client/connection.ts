/**
 * One HTTP request to the API: address, key, timeout, problem details as errors, and retries of requests that are safe to
 * repeat. Knows no route.
 */
import { ExponentialBackoff, handleWhen, retry } from 'cockatiel';
import type { Problem } from '../contract/index.ts';
import { MillraceApiError, MillraceUnreachableError } from './errors.ts';

export type ConnectionOptions = {
  /** Where the API listens, without `/v1`, e.g. `http://127.0.0.1:8080`. */
  readonly url: string;
  readonly apiKey?: string;
  /** Timeout of one request in ms; a `wait` is added to it. Default 15 000. */
  readonly timeoutMs?: number;
  /** How often a request that is safe to repeat is repeated after no answer, 429 or 503. Default 3. */
  readonly retries?: number;
  /** Default: the global `fetch`. */
  readonly fetch?: typeof fetch;
};

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

export type RequestOptions = {
  readonly method: 'GET' | 'POST';
  /** Segments after `/v1`; each is encoded. */
  readonly path: readonly string[];
  readonly query?: Query;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** The request is safe to repeat. Default: true for GET. */
  readonly repeatable?: boolean;
  /** How long the server may wait before it answers, in ms. */
  readonly waitMs?: number;
  readonly signal?: AbortSignal;
};

export type Connection = {
  request<Answer>(options: RequestOptions): Promise<Answer>;
  /** Resolves with the response when its headers have arrived; its body has no timeout. null for 204. */
  open(options: RequestOptions): Promise<Response | null>;
};

const TIMEOUT_MS = 15_000;
const RETRIES = 3;

export function createConnection(options: ConnectionOptions): Connection {
  const { apiKey, timeoutMs = TIMEOUT_MS, retries = RETRIES, fetch: send = fetch } = options;
  const base = options.url.replace(/\/+$/, '');
  const again = retry(handleWhen(isWorthRepeating), {
    maxAttempts: retries,
    backoff: new ExponentialBackoff({ initialDelay: 100, maxDelay: 2_000 }),
  });

  async function exchange(request: RequestOptions, timeout: AbortController): Promise<Response> {
    const { method, body, headers = {}, signal } = request;
    const signals = signal === undefined ? [timeout.signal] : [timeout.signal, signal];
    let response: Response;
    try {
      response = await send(addressOf(base, request), {
        method,
        headers: {
          accept: 'application/json, application/problem+json',
          ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        // A redirect would send the key to another server.
        redirect: 'error',
        signal: AbortSignal.any(signals),
      });
    } catch (error) {
      signal?.throwIfAborted();
      throw new MillraceUnreachableError(base, error);
    }
    if (response.ok) return response;
    throw new MillraceApiError(response.status, problemOf(await textOf(response, base)));
  }

  async function timed<Value>(request: RequestOptions, use: (response: Response) => Promise<Value>): Promise<Value> {
    const once = async (): Promise<Value> => {
      const timeout = new AbortController();
      const timer = setTimeout(
        () => timeout.abort(new DOMException('No answer in time', 'TimeoutError')),
        timeoutMs + (request.waitMs ?? 0),
      );
      try {
        return await use(await exchange(request, timeout));
      } finally {
        clearTimeout(timer);
      }
    };
    return (request.repeatable ?? request.method === 'GET') ? await again.execute(once, request.signal) : await once();
  }

  return {
    request: <Answer>(request: RequestOptions) =>
      timed(request, async (response) => {
        const text = await textOf(response, base);
        return (text === '' ? null : JSON.parse(text)) as Answer;
      }),
    open: (request) => timed(request, async (response) => (response.status === 204 ? null : response)),
  };
}

function isWorthRepeating(error: unknown): boolean {
  return error instanceof MillraceUnreachableError || (error instanceof MillraceApiError && (error.status === 429 || error.status === 503));
}

function addressOf(base: string, { path, query = {} }: RequestOptions): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) parameters.set(name, String(value));
  const search = parameters.size === 0 ? '' : `?${parameters}`;
  return `${base}/v1/${path.map(encodeURIComponent).join('/')}${search}`;
}

async function textOf(response: Response, base: string): Promise<string> {
  try {
    return await response.text();
  } catch (error) {
    throw new MillraceUnreachableError(base, error);
  }
}

/** A proxy may answer with any body. */
function problemOf(text: string): Partial<Problem> {
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === 'object' && body !== null ? body : {};
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}
