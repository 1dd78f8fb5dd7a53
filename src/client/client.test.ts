/** The client against a server that answers as it is told. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createClient, MillraceApiError, MillraceUnreachableError } from './index.ts';

type Answer = (request: IncomingMessage, response: ServerResponse, body: string) => void;
type Seen = {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
};

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** Gives the answers one after the other, the last one for ever. */
async function serve(...answers: readonly Answer[]): Promise<{ readonly url: string; readonly seen: Seen[] }> {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on('end', () => {
      const answer = answers[Math.min(seen.length, answers.length - 1)];
      seen.push({ method: request.method, url: request.url, headers: request.headers, body });
      answer?.(request, response, body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(
    () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error === undefined ? resolve() : reject(error)));
        server.closeAllConnections();
      }),
  );
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

const json =
  (status: number, body: unknown): Answer =>
  (_, response) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
const hangUp: Answer = (request) => request.socket.destroy();

describe('A request', () => {
  it('carries the key, the body, and what was asked for', async () => {
    const { url, seen } = await serve(json(201, { instanceId: 'i' }));
    const client = createClient({ url: `${url}/`, apiKey: 'secret' });
    await client.start('a b', { input: { x: 1 } }, { idempotencyKey: 'k1', waitMs: 2_000 });
    expect(seen[0]).toMatchObject({
      method: 'POST',
      url: '/v1/definitions/a%20b/instances?wait=2000ms',
      headers: { authorization: 'Bearer secret', 'idempotency-key': 'k1', 'content-type': 'application/json' },
    });
    expect(JSON.parse(seen[0]?.body ?? '')).toEqual({ input: { x: 1 } });
  });

  it('leaves out filters that are not given', async () => {
    const { url, seen } = await serve(json(200, { items: [], nextCursor: null }));
    await createClient({ url }).instances({ status: 'running', definition: undefined, limit: 5 });
    expect(seen[0]?.url).toBe('/v1/instances?status=running&limit=5');
  });

  it('is repeated when repeating is safe', async () => {
    const { url, seen } = await serve(hangUp, json(503, {}), json(200, { items: [], nextCursor: null }));
    expect(await createClient({ url }).instances()).toEqual({ items: [], nextCursor: null });
    expect(seen).toHaveLength(3);
  });

  it('is not repeated when it might be done twice', async () => {
    const { url, seen } = await serve(hangUp, json(201, { instanceId: 'i' }));
    await expect(createClient({ url }).start('a')).rejects.toThrow(MillraceUnreachableError);
    expect(seen).toHaveLength(1);
  });

  it('is a start that is repeated with its idempotency key', async () => {
    const { url, seen } = await serve(hangUp, json(201, { instanceId: 'i' }));
    expect(await createClient({ url }).start('a', {}, { idempotencyKey: 'k' })).toEqual({ instanceId: 'i' });
    expect(seen.map(({ headers }) => headers['idempotency-key'])).toEqual(['k', 'k']);
  });

  it('ends when there is no answer in time', async () => {
    const { url } = await serve(() => undefined);
    const failed = createClient({ url, timeoutMs: 50, retries: 0 }).instance('i');
    await expect(failed).rejects.toThrow('no answer in time');
  });

  it('does not take its key to another address', async () => {
    const elsewhere = await serve(json(200, {}));
    const { url } = await serve((_, response) => response.writeHead(307, { location: elsewhere.url }).end());
    await expect(createClient({ url, apiKey: 'secret', retries: 0 }).instance('i')).rejects.toThrow(MillraceUnreachableError);
    expect(elsewhere.seen).toEqual([]);
  });
});

describe('A refusal', () => {
  it('is an error with status, code and the errors by their places', async () => {
    const errors = [{ pointer: '/input', message: 'must be an object' }];
    const { url } = await serve(json(422, { detail: 'The input is invalid.', code: 'MR_INPUT_INVALID', errors, instance: 'urn:x' }));
    const error = await createClient({ url })
      .start('a')
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(MillraceApiError);
    expect(error).toMatchObject({
      status: 422,
      code: 'MR_INPUT_INVALID',
      message: 'The input is invalid.',
      errors,
      errorCount: 1,
      request: 'urn:x',
    });
  });

  it('of something in between is told by its status', async () => {
    const { url } = await serve((_, response) => response.writeHead(403).end('<html>no</html>'));
    await expect(createClient({ url }).instance('i')).rejects.toMatchObject({ status: 403, code: 'HTTP_403', errors: [] });
  });
});

describe('Following an instance', () => {
  const entry = (seq: number) => `id: ${seq}\nevent: X\ndata: ${JSON.stringify({ seq, type: 'X' })}\n\n`;

  it('goes on where the stream broke off, gives each entry once, and ends with the instance', async () => {
    const { url, seen } = await serve(
      (request, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(`retry: 1000\n\n${entry(1)}${entry(2)}`, () => request.socket.destroy());
      },
      (_, response) => response.writeHead(200, { 'content-type': 'text/event-stream' }).end(`${entry(2)}${entry(3)}`),
      (_, response) => response.writeHead(204).end(),
    );
    const seqs: number[] = [];
    for await (const { seq } of createClient({ url }).follow('i')) seqs.push(seq);
    expect(seqs.at(-1)).toBe(3);
    expect(seqs).toEqual([...new Set(seqs)]);
    expect(seen.at(-1)?.headers['last-event-id']).toBe('3');
  });

  it('says that there is no such instance', async () => {
    const { url } = await serve(json(404, { code: 'MR_NOT_FOUND' }));
    await expect(createClient({ url }).follow('i').next()).rejects.toMatchObject({ status: 404 });
  });
});
