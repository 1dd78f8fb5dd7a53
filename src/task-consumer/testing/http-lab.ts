/** The http executor and a server on loopback, new for each test: the requests that the server got, and how it answers. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach } from 'vitest';
import type { Json } from '../../core/json.ts';
import type { AttemptResult } from '../attempt-result.ts';
import { createHttpExecutor, type HttpExecutor, type HttpExecutorOptions } from '../executors/http.ts';
import type { ScheduledTask } from '../task.ts';
import { silent, untimed } from './fixture.ts';

export type Seen = {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  readonly bytes: Buffer;
};
export type Answer = (request: Seen, response: ServerResponse) => void;

export class HttpLab {
  readonly seen: Seen[] = [];
  answer: Answer = (_, response) => response.end();
  executor: HttpExecutor = this.open();
  #listening: { readonly server: Server; readonly url: string } | null = null;

  /** The server's address. */
  get base(): string {
    if (this.#listening === null) throw new Error('the server listens while a test runs');
    return this.#listening.url;
  }

  open(options: Partial<HttpExecutorOptions> = {}): HttpExecutor {
    return createHttpExecutor({ allowPrivate: true, allow: [], deny: [], responseLimitBytes: 1_000, redirectsMax: 3, ...options });
  }

  async start(): Promise<void> {
    this.seen.length = 0;
    this.answer = (_, response) => response.end();
    this.#listening = await listen((request, response) => this.answer(request, response), this.seen);
    this.executor = this.open();
  }

  async stop(): Promise<void> {
    await this.executor.close();
    if (this.#listening !== null) await stopListening(this.#listening.server);
    this.#listening = null;
  }

  async run(
    input: Json,
    { attempt = 1, signal = new AbortController().signal }: { readonly attempt?: number; readonly signal?: AbortSignal } = {},
  ): Promise<AttemptResult> {
    const ids = { taskId: 'i.n', instanceId: 'i', attempt, basis: 'abc' };
    const task = { ...ids, work: { type: 'http' }, input, secrets: [], timeoutMs: 1_000, dispatchedAt: 0 };
    return await this.executor.run(task as unknown as ScheduledTask, { signal, log: silent, untimed });
  }
}

/** Call it where the tests are described. */
export function httpLab(): HttpLab {
  const lab = new HttpLab();
  beforeEach(() => lab.start());
  afterEach(() => lab.stop());
  return lab;
}

export async function listen(answer: Answer, seen: Seen[]): Promise<{ readonly server: Server; readonly url: string }> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const bytes = Buffer.concat(chunks);
    const one = { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body: bytes.toString(), bytes };
    seen.push(one);
    answer(one, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

export async function stopListening(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

export function outputOf(result: AttemptResult): unknown {
  return result.status === 'completed' ? JSON.parse(result.output) : result;
}
