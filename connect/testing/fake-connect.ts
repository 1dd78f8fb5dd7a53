/** A Connect with one connector, for tests: it answers as the real one does, and tests set the state of its task. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type FakeConnect = {
  readonly url: string;
  /** `METHOD path` of every request, in order. */
  readonly requests: string[];
  readonly headers: (string | undefined)[];
  /** Settings of its connector; null: there is none. */
  settings: Record<string, string> | null;
  state: string;
  task: { state: string; trace?: string } | null;
  /** Answers of the next requests, instead of the real ones. */
  readonly failures: { status: number; body: string }[];
  /** Called when a restart of the failed parts is requested. */
  onRestart(): void;
  close(): Promise<void>;
};

export async function startFakeConnect(): Promise<FakeConnect> {
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const fake: FakeConnect = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: [],
    headers: [],
    settings: null,
    state: 'RUNNING',
    task: { state: 'RUNNING' },
    failures: [],
    onRestart: () => {
      if (fake.task !== null) fake.task = { state: 'RUNNING' };
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    fake.requests.push(`${request.method} ${request.url}`);
    fake.headers.push(request.headers.authorization);
    const failure = fake.failures.shift();
    if (failure !== undefined) return end(response, failure.status, failure.body);
    const action = /^\/connectors\/[^/?]+\/(\w+)/.exec(request.url ?? '')?.[1];
    if (action === 'config' && request.method === 'PUT') {
      let body = '';
      for await (const chunk of request) body += String(chunk);
      const status = fake.settings === null ? 201 : 200;
      fake.settings = JSON.parse(body) as Record<string, string>;
      return end(response, status, JSON.stringify({ config: fake.settings }));
    }
    if (fake.settings === null) return end(response, 404, JSON.stringify({ error_code: 404, message: 'Connector not found' }));
    switch (action) {
      case 'config':
        return end(response, 200, JSON.stringify(fake.settings));
      case 'status':
        return end(
          response,
          200,
          JSON.stringify({ connector: { state: fake.state }, tasks: fake.task === null ? [] : [{ id: 0, ...fake.task }] }),
        );
      case 'restart':
        fake.onRestart();
        return end(response, 202, JSON.stringify({}));
      case 'offsets':
        return end(response, 200, JSON.stringify({ message: 'deleted' }));
      default:
        return end(response, 202, '');
    }
  }
  return fake;
}

function end(response: ServerResponse, status: number, body: string): void {
  response.statusCode = status;
  response.end(body);
}
