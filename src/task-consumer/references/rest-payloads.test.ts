import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { referenceTo } from '../../core/payload-reference.ts';
import type { ScheduledTask } from '../task.ts';
import { silent } from '../testing/fixture.ts';
import { createRestPayloads } from './rest-payloads.ts';

const task = { taskId: '01890000-0000-7000-8000-000000000001.each.3.work', attempt: 2, basis: 'b+/=' } as unknown as ScheduledTask;
const output = JSON.stringify({ text: 'ü'.repeat(50_000) });
const problem = (detail: string): string => JSON.stringify({ detail });

type Asked = { readonly line: string; readonly authorization: string | undefined; readonly body: string };
type Answer = readonly [status: number, body: string, location?: string];

/** An API that gives these answers, one after the other; the last one again and again. null: it closes the connection. */
async function open(...answers: readonly (Answer | null)[]) {
  const asked: Asked[] = [];
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await text(request);
    asked.push({ line: `${request.method} ${request.url}`, authorization: request.headers.authorization, body });
    const next = answers[Math.min(asked.length, answers.length) - 1] ?? null;
    if (next === null) request.socket.destroy();
    else response.writeHead(next[0], { 'content-type': 'application/json', ...(next[2] && { location: next[2] }) }).end(next[1]);
  };
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const end = new AbortController();
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const payloads = createRestPayloads({
    ...{ url, apiKey: 'key', log: silent },
    ...{ backoff: { initialMs: 1, maxMs: 2 }, visibleAfterMs: [1, 1] },
  });
  return {
    url,
    asked,
    end,
    input: () => payloads.input(task, end.signal),
    keep: () => payloads.keep(task, output, referenceTo(output), end.signal),
  };
}

describe('From the REST API', () => {
  it('a worker gets the input of an attempt', async () => {
    const api = await open([200, '{"a":1}']);
    expect(await api.input()).toEqual({ ok: true, value: '{"a":1}' });
    expect(api.asked).toEqual([{ line: `GET /v1/tasks/${task.taskId}/input?attempt=2`, authorization: 'Bearer key', body: '' }]);
  });

  it('and leaves an output there as it is', async () => {
    const api = await open([204, '']);
    expect(await api.keep()).toEqual({ ok: true, value: null });
    const { sha256 } = referenceTo(output);
    const line = `PUT /v1/tasks/${task.taskId}/output?attempt=2&basis=b%2B%2F%3D&sha256=${sha256}`;
    expect(api.asked).toEqual([{ line, authorization: 'Bearer key', body: output }]);
  });

  it('it asks again while the API is away, or busy', async () => {
    const api = await open(null, [503, problem('away')], [429, problem('busy')], [502, '<html>'], [200, '1']);
    expect(await api.input()).toEqual({ ok: true, value: '1' });
    expect(api.asked).toHaveLength(5);
    const other = await open(null, [500, ''], [204, '']);
    expect(await other.keep()).toEqual({ ok: true, value: null });
    expect(other.asked.map(({ body }) => body)).toEqual([output, output, output]);
  });

  it('it asks again for an attempt whose commit cannot be seen yet, and no longer for one that is not there', async () => {
    const seen = await open([404, problem('no task')], [409, problem('not open')], [200, '1']);
    expect(await seen.input()).toEqual({ ok: true, value: '1' });
    const api = await open([409, problem('Attempt 2 is over.')]);
    expect(await api.input()).toMatchObject({
      error: { code: 'ATTEMPT_NOT_OPEN', retryable: true, message: expect.stringContaining('over') },
    });
    expect(api.asked).toHaveLength(3);
    expect(await (await open([404, '']))?.keep()).toMatchObject({ error: { code: 'ATTEMPT_NOT_OPEN' } });
  });

  it.each([
    [401, 'WORKER_KEY_REFUSED', true],
    [403, 'WORKER_KEY_REFUSED', true],
    [400, 'PAYLOAD_REFUSED', true],
    [413, 'OUTPUT_TOO_LARGE', false],
  ])('%s fails the attempt with %s', async (status, code, retryable) => {
    const api = await open([status, problem('why')]);
    expect(await api.keep()).toMatchObject({
      ok: false,
      error: { status: 'failed', code, retryable, message: expect.stringContaining('why') },
    });
    expect(api.asked).toHaveLength(1);
  });

  it.each([302, 307, 308])('a redirect (%s) is not followed, so that data go nowhere else', async (status) => {
    const elsewhere = await open([204, '']);
    const api = await open([status, '', elsewhere.url]);
    expect(await api.keep()).toMatchObject({
      error: { code: 'PAYLOAD_REFUSED', retryable: true, message: expect.stringContaining('MILLRACE_URL') },
    });
    expect([api.asked.length, elsewhere.asked.length]).toEqual([1, 0]);
  });

  it('it waits no longer once the worker has to end', async () => {
    const api = await open(null);
    const input = api.input();
    api.end.abort(new Error('the end'));
    await expect(input).rejects.toThrow('the end');
  });
});
