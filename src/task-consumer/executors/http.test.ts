import type { ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { eventually } from '../../../test/support/eventually.ts';
import type { Json } from '../../core/json.ts';
import type { ScheduledTask } from '../task.ts';
import { silent, untimed } from '../testing/fixture.ts';
import { httpLab, listen, outputOf } from '../testing/http-lab.ts';

describe('the http executor', () => {
  const lab = httpLab();

  it('sends method, headers, JSON body and the idempotency key, and gives status, headers and parsed body', async () => {
    lab.answer = (_, response) =>
      response.writeHead(201, { 'content-type': 'application/json; charset=utf-8', 'x-a': '1', 'set-cookie': 's=1' }).end('{"id":7}');
    const result = await lab.run({
      method: 'post',
      url: `${lab.base}/pay?x=1`,
      headers: { Authorization: 'Bearer t', 'X-Skip': null, 'X-Number': 5 },
      body: { a: [1] },
    });
    expect(lab.seen).toMatchObject([{ method: 'POST', url: '/pay?x=1', body: '{"a":[1]}' }]);
    expect(lab.seen[0]?.headers).toMatchObject({
      authorization: 'Bearer t',
      'content-type': 'application/json',
      'idempotency-key': 'i.n:abc',
      'x-number': '5',
    });
    expect(lab.seen[0]?.headers).not.toHaveProperty('x-skip');
    expect(outputOf(result)).toMatchObject({ status: 201, headers: { 'x-a': '1' }, body: { id: 7 } });
    expect(outputOf(result)).not.toHaveProperty('headers.set-cookie');
  });

  it.each<[string, Record<string, string>, string | Buffer, unknown]>([
    ['a text as it is', { 'content-type': 'text/plain' }, '{"a":1}', '{"a":1}'],
    ['a problem document as JSON', { 'content-type': 'application/problem+json' }, '{"a":1}', { a: 1 }],
    ['no body as null', { 'content-type': 'application/json' }, '', null],
    ['what says JSON and is none as a text', { 'content-type': 'application/json' }, 'oops', 'oops'],
    ['a compressed body', { 'content-type': 'application/json', 'content-encoding': 'gzip' }, gzipSync('{"a":1}'), { a: 1 }],
    ['deflate', { 'content-type': 'application/json', 'content-encoding': 'deflate' }, deflateSync('{"a":1}'), { a: 1 }],
    [
      'deflate without its head',
      { 'content-type': 'application/json', 'content-encoding': 'deflate' },
      deflateRawSync('{"a":1}'),
      { a: 1 },
    ],
    [
      'what was compressed twice',
      { 'content-type': 'application/json', 'content-encoding': 'gzip, br' },
      brotliCompressSync(gzipSync('{"a":1}')),
      { a: 1 },
    ],
    ...['x-amz-json-1.1', 'vnd.api+json', 'x-json', 'vnd.example.json', 'JSON;odata=verbose', 'json-patch+json'].map(
      (type): [string, Record<string, string>, string, unknown] => [
        `application/${type} as JSON`,
        { 'content-type': `application/${type}` },
        '{"a":1}',
        { a: 1 },
      ],
    ),
    ['text/json as JSON', { 'content-type': 'text/json; charset=utf-8' }, '[1]', [1]],
    ['many JSON documents as a text', { 'content-type': 'application/x-ndjson' }, '{"a":1}', '{"a":1}'],
    ['a JSON answer without a type', {}, ' {"a":1}', { a: 1 }],
    ['a word without a type as a text', {}, '12', '12'],
    ['a byte order mark as nothing', { 'content-type': 'application/json' }, '\ufeff{"a":1}', { a: 1 }],
    ['another charset', { 'content-type': 'text/plain; charset=latin1' }, Buffer.from([0xe9]), 'é'],
  ])('reads %s', async (_, headers, body, expected) => {
    lab.answer = (_request, response) => response.writeHead(200, headers).end(body);
    expect(outputOf(await lab.run({ url: lab.base }))).toMatchObject({ body: expected });
  });

  it.each<[string, Record<string, string>, string]>([
    ['octets', {}, 'application/octet-stream'],
    ['what the headers say', { 'Content-Type': 'image/png' }, 'image/png'],
  ])('sends bytes as %s', async (_, headers, type) => {
    await lab.run({ method: 'POST', url: lab.base, headers, body: 'AP_-Cg', bodyEncoding: 'base64' });
    expect(lab.seen.map(({ headers: sent, bytes }) => [sent['content-type'], bytes])).toEqual([[type, Buffer.from([0, 255, 254, 10])]]);
  });

  it.each<[Json, string]>([
    [{ body: '?', bodyEncoding: 'base64' }, '/body: a string of base64'],
    [{ body: 'AA', bodyEncoding: 'hex' }, '/bodyEncoding: one of none, base64 is expected.'],
  ])('sends nothing for %j', async (options, message) => {
    const outcome = await lab.run({ method: 'POST', url: lab.base, ...(options as object) });
    expect(JSON.stringify(outcome)).toContain(message);
  });

  it.each<[Json, Record<string, string>, string | Buffer, unknown]>([
    [{ parse: 'json' }, { 'content-type': 'text/plain' }, '{"a":1}', { a: 1 }],
    [{ parse: 'json' }, {}, '12', 12],
    [{ parse: 'text' }, { 'content-type': 'application/json' }, '{"id":12345678901234567890}', '{"id":12345678901234567890}'],
    [{ parse: 'base64' }, { 'content-type': 'image/png' }, Buffer.from([0, 255, 10]), 'AP8K'],
    [
      { numbers: 'string' },
      { 'content-type': 'application/json' },
      '{"id":12345678901234567890,"n":1,"s":"say \\"12345678901234567890\\"","d":[0.10,-1e400]}',
      { id: '12345678901234567890', n: 1, s: 'say "12345678901234567890"', d: [0.1, '-1e400'] },
    ],
  ])('reads the answer as %j asks', async (options, headers, body, expected) => {
    lab.answer = (_request, response) => response.writeHead(200, headers).end(body);
    expect((outputOf(await lab.run({ url: lab.base, ...(options as object) })) as { body: unknown }).body).toEqual(expected);
  });

  it('fails for good on what is no JSON where the node asks for JSON', async () => {
    lab.answer = (_, response) => response.writeHead(200, { 'content-type': 'application/json' }).end('oops');
    expect(await lab.run({ url: lab.base, parse: 'json' })).toMatchObject({ code: 'OUTPUT_INVALID', retryable: false });
  });

  it.each([200, 500])('reads what is no JSON in one pass, also an answer %i of quotes without an end', async (status) => {
    const body = `"${'\\"'.repeat(200)}${'a'.repeat(400)}`;
    lab.answer = (_, response) => response.writeHead(status, { 'content-type': 'application/json' }).end(body);
    const result = await lab.run({ url: lab.base, numbers: 'string' });
    expect(status === 200 ? outputOf(result) : result).toMatchObject(status === 200 ? { body } : { details: { body } });
  });

  it('passes over interim answers that it never asked for', async () => {
    const raw = createTcpServer((socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n');
        socket.end('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 7\r\n\r\n{"a":1}');
      });
    });
    await new Promise<void>((resolve) => raw.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(raw.address() as AddressInfo).port}`;
    expect(outputOf(await lab.run({ method: 'POST', url, body: { b: 1 } }))).toMatchObject({ status: 200, body: { a: 1 } });
    await new Promise((resolve) => raw.close(resolve));
  });

  it.each(['POST', 'PUT', 'PATCH', 'DELETE'])('sends the length of a body with %s', async (method) => {
    await lab.run({ method, url: lab.base, body: 'ü' });
    expect(lab.seen).toMatchObject([{ method, body: 'ü', headers: { 'content-length': '2' } }]);
  });

  it('fails on a number that would be rounded, for good, and says where', async () => {
    lab.answer = (_, response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{"a":{"id":12345678901234567890}}');
    expect(await lab.run({ url: lab.base })).toMatchObject({
      status: 'failed',
      code: 'OUTPUT_INVALID',
      retryable: false,
      message: expect.stringContaining('/body/a/id'),
    });
  });

  it.each([
    [200, 'done', 'done'],
    [204, '', null],
    [299, 'done', 'done'],
  ])('takes status %i for a success', async (status, sent, body) => {
    lab.answer = (_, response) => response.writeHead(status, { 'content-type': 'text/plain' }).end(sent);
    const result = await lab.run({ url: lab.base });
    expect(result).toMatchObject({ status: 'completed' });
    expect(outputOf(result)).toMatchObject({ status, body });
  });

  it.each([300, 304])('takes status %i without a location for a failure, for good', async (status) => {
    lab.answer = (_, response) => response.writeHead(status).end();
    expect(await lab.run({ url: lab.base })).toMatchObject({ status: 'failed', code: `HTTP_${status}`, retryable: false });
    expect(lab.seen).toHaveLength(1);
  });

  it.each([
    [400, false],
    [401, false],
    [404, false],
    [403, false],
    [408, true],
    [425, true],
    [409, false],
    [422, false],
    [429, true],
    [500, true],
    [502, true],
    [503, true],
    [304, false],
  ])('judges status %i: retryable %s', async (status, retryable) => {
    lab.answer = (_, response) => response.writeHead(status).end(status === 304 ? '' : 'secret detail');
    const result = await lab.run({ url: `${lab.base}/path-with-token` });
    expect(result).toMatchObject({ status: 'failed', code: `HTTP_${status}`, retryable });
    expect((result as { message: string }).message).not.toContain('secret');
    expect(JSON.stringify(result)).not.toContain('path-with-token');
  });

  it('takes any answer with Retry-After for one that comes later', async () => {
    lab.answer = (_, response) => response.writeHead(403, { 'retry-after': '7' }).end();
    expect(await lab.run({ url: lab.base })).toMatchObject({ code: 'HTTP_403', retryable: true, retryAfterMs: 7_000 });
  });

  it('takes a conflict for one with its own earlier attempt when its own key was sent before, or the answer says so', async () => {
    const sent = (body: Json, headers = {}): Json => ({ method: 'POST', url: lab.base, headers, body });
    lab.answer = ({ body }, response) => response.writeHead(409, { 'content-type': 'application/json' }).end(body);
    expect(await lab.run(sent({}), { attempt: 2 })).toMatchObject({ code: 'HTTP_409', retryable: true });
    expect(await lab.run(sent({}, { 'Idempotency-Key': 'mine' }), { attempt: 2 })).toMatchObject({ code: 'HTTP_409', retryable: false });
    expect(await lab.run(sent({ type: 'idempotency_key_in_use' }))).toMatchObject({ retryable: true });
    expect(await lab.run(sent({ type: 'sold_out' }))).toMatchObject({ retryable: false });
  });

  describe('what the server said', () => {
    const detailsOf = async (status: number, headers: Record<string, string>, body: string | Buffer): Promise<unknown> => {
      lab.answer = (_, response) => response.writeHead(status, { 'set-cookie': 's=1', ...headers }).end(body);
      return ((await lab.run({ url: lab.base })) as { details?: unknown }).details;
    };

    it('is kept: status, Retry-After and body', async () => {
      const json = { 'content-type': 'application/json' };
      expect(await detailsOf(402, json, '{"error":{"code":"card_declined","id":12345678901234567890}}')).toEqual({
        status: 402,
        headers: {},
        body: { error: { code: 'card_declined', id: '12345678901234567890' } },
      });
      expect(await detailsOf(503, { 'retry-after': '3' }, 'busy')).toEqual({ status: 503, headers: { 'retry-after': '3' }, body: 'busy' });
      expect(await detailsOf(500, { ...json, 'content-encoding': 'gzip' }, gzipSync('{"a":1}'))).toMatchObject({ body: { a: 1 } });
      expect(await detailsOf(500, { 'content-encoding': 'gzip' }, 'no gzip')).toMatchObject({ status: 500, body: null });
    });

    it.each([
      ['a text', 'text/plain', 'x'.repeat(10_000)],
      ['a text of long characters', 'text/plain', '\u{1f600}'.repeat(5_000)],
      ['a document', 'application/json', JSON.stringify({ list: Array(5_000).fill('"') })],
      ['a page', 'text/html', 'x'.repeat(1_000_000)],
    ])('is never more than 4 KiB of %s', async (_, type, body) => {
      const details = await detailsOf(500, { 'content-type': type }, body);
      expect(details).toMatchObject({ status: 500 });
      expect(Buffer.byteLength(JSON.stringify(details))).toBeLessThanOrEqual(4_096);
    });

    it('holds nothing that cannot be stored, and no token', async () => {
      const body = '{"a\\u0000":"b\\u0000\\ud800","said":"Bearer abcdefghijkl"}';
      expect(await detailsOf(500, { 'content-type': 'application/json' }, body)).toMatchObject({
        body: { a: 'b\ufffd', said: expect.not.stringContaining('abcdefghijkl') },
      });
    });

    it('costs nothing but itself when it breaks off', async () => {
      lab.answer = (_, response) => {
        response.writeHead(422, { 'content-length': '100' });
        response.write('half');
        setImmediate(() => response.socket?.destroy());
      };
      expect(await lab.run({ url: lab.base })).toMatchObject({ code: 'HTTP_422', retryable: false, details: { status: 422, body: null } });
    });
  });

  it.each([
    ['7', 7_000],
    ['soon', null],
    ['999999999', 24 * 3_600_000],
  ])('takes Retry-After %s', async (value, expected) => {
    lab.answer = (_, response) => response.writeHead(429, { 'retry-after': value }).end();
    expect(await lab.run({ url: lab.base })).toMatchObject({ code: 'HTTP_429', retryAfterMs: expected });
  });

  it('takes a Retry-After that is a date', async () => {
    const at = new Date(Date.now() + 3_600_000).toUTCString();
    lab.answer = (_, response) => response.writeHead(429, { 'retry-after': at }).end();
    const before = Date.now();
    const result = await lab.run({ url: lab.base });
    const after = Date.now();
    expect(result).toMatchObject({ code: 'HTTP_429' });
    const { retryAfterMs } = result as { readonly retryAfterMs: number };
    expect(Date.parse(at) - retryAfterMs).toBeGreaterThanOrEqual(before);
    expect(Date.parse(at) - retryAfterMs).toBeLessThanOrEqual(after);
  });

  it('retries what cannot be reached or breaks off', async () => {
    lab.answer = (_, response) => response.socket?.destroy();
    expect(await lab.run({ url: lab.base })).toMatchObject({ code: 'NETWORK', retryable: true });
    lab.answer = (_, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half');
      setImmediate(() => response.socket?.destroy());
    };
    expect(await lab.run({ url: lab.base })).toMatchObject({ code: 'NETWORK', retryable: true });
    const closed = await listen(() => undefined, []);
    await new Promise((resolve) => closed.server.close(resolve));
    expect(await lab.run({ url: `${closed.url}/token` })).toMatchObject({
      code: 'NETWORK',
      message: expect.stringMatching(/ECONNREFUSED/),
    });
    expect(JSON.stringify(await lab.run({ url: `${closed.url}/token` }))).not.toContain('token');
  });

  it('lets go of the request when the attempt is over', async () => {
    const reached = Promise.withResolvers<ServerResponse>();
    lab.answer = (_, response) => reached.resolve(response);
    const controller = new AbortController();
    const result = lab.run({ url: lab.base }, { signal: controller.signal });
    const response = await reached.promise;
    controller.abort();
    expect(await result).toMatchObject({ status: 'failed' });
    await eventually(() => expect(response.destroyed).toBe(true));
  });

  describe('size', () => {
    it.each<[string, (response: ServerResponse) => void]>([
      ['that is announced', (response) => response.writeHead(200, { 'content-length': '1001' }).end('x'.repeat(1_001))],
      [
        'that comes in pieces',
        (response) => {
          response.writeHead(200);
          for (let piece = 0; piece < 20; piece++) response.write('x'.repeat(100));
          response.end();
        },
      ],
      [
        'that is small only while compressed',
        (response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('x'.repeat(100_000))),
      ],
    ])('refuses a body above the limit %s', async (_, send) => {
      lab.answer = (_request, response) => send(response);
      expect(await lab.run({ url: lab.base })).toMatchObject({ code: 'RESPONSE_TOO_LARGE', retryable: false });
    });

    it('does not mind what a HEAD announces', async () => {
      lab.answer = (_, response) => response.writeHead(200, { 'content-length': '100000' }).end();
      expect(await lab.run({ method: 'HEAD', url: lab.base })).toMatchObject({ status: 'completed' });
    });
  });

  it.each<[string, Json, string]>([
    ['no URL', {}, '/url'],
    ['a relative URL', { url: '/x' }, '/url'],
    ['another protocol', { url: 'file:///etc/passwd' }, '/url'],
    ['credentials in the URL', { url: 'http://user:pass@host/' }, '/url'],
    ['an unknown method', { url: 'http://h/', method: 'TRACE' }, '/method'],
    ['a body where none can be', { url: 'http://h/', body: 1 }, '/body'],
    ['a header of the connection', { url: 'http://h/', headers: { 'Transfer-Encoding': 'chunked' } }, '/headers'],
    ['a header with a line break', { url: 'http://h/', headers: { a: 'b\r\nc: d' } }, '/headers/a'],
    ['a header that is no text', { url: 'http://h/', headers: { a: ['b'] } }, '/headers/a'],
    ['a way to read that there is not', { url: 'http://h/', parse: 'xml' }, '/parse'],
    ['a way with numbers that there is not', { url: 'http://h/', numbers: 'round' }, '/numbers'],
    ['no object', 'http://h/', 'request'],
  ])('refuses %s for good', async (_, input, pointer) => {
    const result = await lab.run(input);
    expect(result).toMatchObject({ status: 'failed', code: 'INPUT_INVALID', retryable: false, message: expect.stringContaining(pointer) });
    expect(JSON.stringify(result)).not.toContain('pass@');
  });

  it('gives back what is no http task', () => {
    const task = { work: { type: 'task', name: 'x' } } as unknown as ScheduledTask;
    expect(lab.executor.run(task, { signal: new AbortController().signal, log: silent, untimed })).toEqual({ status: 'returned' });
  });
});
