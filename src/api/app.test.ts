/** What holds for every route: keys, limits, problems, probes, headers. */
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { type Answer, type Body, limits, openTestApi, type TestApi } from './testing/test-api.ts';

const UNKNOWN = '01890000-0000-7000-8000-000000000009';

function expectProblem({ status, body, headers }: Answer, expectedStatus: number, code: string): Body {
  expect({ status, code: (body as Body).code, body }).toMatchObject({ status: expectedStatus, code });
  expect(headers['content-type']).toMatch(/^application\/problem\+json/);
  expect(body).toMatchObject({ type: `urn:millrace:problem:${code}`, status: expectedStatus });
  return body as Body;
}

/** Bytes that no well-behaved client sends. */
async function send(api: TestApi, payload: string | Buffer, headers: Record<string, string> = {}, url = '/v1/events'): Promise<Answer> {
  const key = await api.engine.addKey('admin', 'sender');
  const response = await api.app.inject({
    method: 'POST',
    url,
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
    payload,
  });
  return { status: response.statusCode, headers: response.headers, body: response.json() };
}

describe('Keys', () => {
  it('are asked for on every route of /v1, and answered 401 with a challenge without one', async () => {
    const { app } = await openTestApi();
    for (const [method, url] of [
      ['GET', '/v1/instances'],
      ['POST', '/v1/definitions'],
      ['POST', `/v1/instances/${UNKNOWN}/cancel`],
      ['GET', `/v1/instances/${UNKNOWN}/events`],
    ] as const) {
      const response = await app.inject({ method, url });
      expect(response.statusCode).toBe(401);
      expect(response.headers['www-authenticate']).toBe('Bearer realm="millrace"');
      expect(response.json()).toMatchObject({ code: 'MR_UNAUTHENTICATED' });
    }
  });

  it.each(['Bearer', 'Bearer short', 'Basic dXNlcjpwYXNzd29yZDEyMzQ1', 'Bearer nobody-has-this-key-0123456789'])(
    'that are wrong are refused: %s',
    async (authorization) => {
      const { app } = await openTestApi();
      const response = await app.inject({ method: 'GET', url: '/v1/instances', headers: { authorization } });
      expect(response.statusCode).toBe(401);
      expect(response.payload).not.toContain('nobody-has-this-key');
    },
  );

  it('are looked up once, however many requests carry one at the same time', async () => {
    const api = await openTestApi();
    const key = await api.engine.addKey('viewer', 'vi');
    let lookups = 0;
    const { findApiKey } = api.engine.definitions;
    api.engine.definitions.findApiKey = (hash) => {
      lookups++;
      return findApiKey.call(api.engine.definitions, hash);
    };
    const answers = await Promise.all([1, 2, 3].map(() => api.ask('GET', '/v1/instances', undefined, { key })));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(lookups).toBe(1);
  });

  it('that were revoked stop working once what is known of them is old', async () => {
    const api = await openTestApi();
    const key = await api.engine.addKey('viewer', 'vi');
    await api.engine.removeKey(key);
    expectProblem(await api.ask('GET', '/v1/instances', undefined, { key }), 401, 'MR_UNAUTHENTICATED');
  });

  it.each([
    ['viewer', 'POST', '/v1/definitions/x/instances'],
    ['viewer', 'POST', '/v1/events'],
    ['user', 'POST', '/v1/definitions'],
    ['user', 'POST', `/v1/instances/${UNKNOWN}/cancel`],
    ['user', 'GET', '/v1/dead-letters'],
    ['operator', 'POST', '/v1/definitions'],
  ] as const)('of the role %s may not %s %s', async (role, method, url) => {
    const api = await openTestApi();
    const key = await api.engine.addKey(role, 'somebody');
    expectProblem(await api.ask(method, url, method === 'POST' ? {} : undefined, { key }), 403, 'MR_FORBIDDEN');
  });
});

describe('Requests', () => {
  it('with JSON that cannot be read are answered 400', async () => {
    const api = await openTestApi();
    expectProblem(await send(api, '{"type": '), 400, 'MR_JSON_MALFORMED');
    expectProblem(await send(api, Buffer.from([0x22, 0xff, 0x22])), 400, 'MR_JSON_MALFORMED');
  });

  it('with a body that is too large are answered 413', async () => {
    const api = await openTestApi();
    expectProblem(await send(api, JSON.stringify({ data: 'x'.repeat(limits.bodyBytes) })), 413, 'MR_BODY_TOO_LARGE');
    const inside = { type: 'a', key: 'k', data: 'x'.repeat(limits.payloadBytes) };
    const problem = expectProblem(await send(api, JSON.stringify(inside)), 413, 'MR_PAYLOAD_TOO_LARGE');
    expect(problem.errors).toMatchObject([{ pointer: '/data' }]);
  });

  it('with numbers that would be rounded are answered 422 with their place', async () => {
    const api = await openTestApi();
    const problem = expectProblem(
      await send(api, '{"type":"a","key":"k","data":{"list":[1,12345678901234567890]}}'),
      422,
      'MR_NUMBER_UNSAFE',
    );
    expect(problem.errors).toMatchObject([{ pointer: '/data/list/1' }]);
    expect((await send(api, '{"type":"a","key":"k","data":0.10}')).status).toBe(202);
  });

  it('with a key that stands twice are answered 422 with its place, wherever they are sent', async () => {
    const api = await openTestApi();
    for (const [url, text, pointer] of [
      ['/v1/events', '{"type":"a","key":"k","data":{"n":1,"n":2}}', '/data/n'],
      ['/v1/definitions', '{"id":"a","nodes":{"n":{"type":"wait","for":"1s"},"n":{"type":"wait","for":"2s"}}}', '/nodes/n'],
      ['/v1/definitions/a/instances', '{"input":{"amount":1,"amount":100}}', '/input/amount'],
      ['/v1/tasks/t/complete', '{"output":{"ok":true,"ok":false}}', '/output/ok'],
    ] as const) {
      const problem = expectProblem(await send(api, text, {}, url), 422, 'MR_JSON_DUPLICATE_KEY');
      expect(problem.errors).toMatchObject([{ pointer }]);
    }
  });

  it('name a string of a definition that cannot be stored among its other errors', async () => {
    const api = await openTestApi();
    const document = '{"id":"a\\u0000","nodes":{"n":{"type":"htpp"}}}';
    const problem = expectProblem(await send(api, document, {}, '/v1/definitions'), 422, 'MR_DEFINITION_INVALID');
    const codes = (problem.errors as { code: string }[]).map(({ code }) => code);
    expect(codes).toEqual(['MR_DEF_ID', 'MR_DEF_STRING', 'MR_DEF_UNKNOWN_TYPE']);
  });

  it('may begin with a byte order mark', async () => {
    const api = await openTestApi();
    expect((await send(api, '\ufeff{"type":"a","key":"k"}')).status).toBe(202);
  });

  it('with strings that cannot be stored, or nested too deep, are answered 422', async () => {
    const api = await openTestApi();
    const nul = expectProblem(await send(api, '{"type":"a","key":"k","data":{"a":"\\u0000"}}'), 422, 'MR_STRING_UNSAFE');
    expect(nul.errors).toMatchObject([{ pointer: '/data/a' }]);
    expectProblem(await send(api, '{"type":"a","key":"k","data":"\\ud800"}'), 422, 'MR_STRING_UNSAFE');
    expectProblem(await send(api, `{"type":"a","key":"k","data":${'['.repeat(5_000)}${']'.repeat(5_000)}}`), 422, 'MR_JSON_TOO_DEEP');
  });

  it('of another media type are answered 415', async () => {
    const api = await openTestApi();
    expectProblem(await send(api, 'type=a', { 'content-type': 'application/x-www-form-urlencoded' }), 415, 'MR_MEDIA_TYPE');
  });

  it('with unknown fields and parameters are answered 400 with the place of each', async () => {
    const api = await openTestApi();
    const body = expectProblem(await api.ask('POST', '/v1/events', { type: 'a', key: 'k', tpye: 1, 'a/b': 2 }), 400, 'MR_REQUEST_INVALID');
    expect(body.errors).toMatchObject([{ pointer: '/tpye' }, { pointer: '/a~1b' }]);
    const query = expectProblem(await api.ask('GET', '/v1/instances?stauts=running'), 400, 'MR_REQUEST_INVALID');
    expect(query.errors).toMatchObject([{ pointer: '/query/stauts', message: expect.stringContaining('Unknown') }]);
    for (const url of [
      `/v1/instances/${UNKNOWN}?x=1`,
      '/v1/definitions?x=1',
      '/v1/tasks?x=1',
      '/v1/dead-letters?x=1',
      `/v1/instances/${UNKNOWN}/events?x=1`,
    ])
      expectProblem(await api.ask('GET', url), 400, 'MR_REQUEST_INVALID');
    for (const url of ['/v1/events?x=1', '/v1/definitions?x=1', `/v1/instances/${UNKNOWN}/cancel?x=1`, `/v1/tasks/${UNKNOWN}.a/claim?x=1`])
      expectProblem(await api.ask('POST', url, url.includes('events') ? { type: 'a', key: 'k' } : {}), 400, 'MR_REQUEST_INVALID');
  });

  it('with values of the wrong kind are answered 400, and never turned into another kind', async () => {
    const api = await openTestApi();
    const body = expectProblem(await api.ask('POST', '/v1/events', { type: 1, key: 'k' }), 400, 'MR_REQUEST_INVALID');
    expect(body.errors).toMatchObject([{ pointer: '/type' }]);
    const missing = expectProblem(await api.ask('POST', '/v1/events', { type: 'a' }), 400, 'MR_REQUEST_INVALID');
    expect(missing.errors).toMatchObject([{ pointer: '/key', message: 'Missing.' }]);
    const many = expectProblem(await api.ask('GET', '/v1/instances?limit=501&status=sleeping'), 400, 'MR_REQUEST_INVALID');
    expect(many.errors).toMatchObject([{ pointer: '/query/limit' }, { pointer: '/query/status' }]);
    const time = expectProblem(await api.ask('GET', '/v1/instances?startedFrom=2026-01-01T00:00:00'), 400, 'MR_REQUEST_INVALID');
    expect(time.errors).toMatchObject([{ pointer: '/query/startedFrom', message: expect.stringContaining('offset') }]);
  });

  it('to routes and things that are not there are answered 404', async () => {
    const api = await openTestApi();
    expectProblem(await api.ask('GET', '/v1/nothing'), 404, 'MR_ROUTE_UNKNOWN');
    expectProblem(await api.ask('POST', '/v1/instances'), 404, 'MR_ROUTE_UNKNOWN');
    for (const url of [
      `/v1/instances/${UNKNOWN}`,
      '/v1/instances/no-id',
      `/v1/instances/${UNKNOWN}/history`,
      `/v1/instances/${UNKNOWN}/tasks`,
      `/v1/instances/${UNKNOWN}/events`,
      '/v1/definitions/unknown',
      '/v1/definitions/unknown/versions/1',
      '/v1/definitions/1%2F2',
      `/v1/tasks/${UNKNOWN}.a`,
      '/v1/tasks/none',
    ])
      expectProblem(await api.ask('GET', url), 404, 'MR_NOT_FOUND');
    for (const url of [
      `/v1/instances/${UNKNOWN}/pause`,
      '/v1/instances/none/retry',
      `/v1/tasks/${UNKNOWN}.a/claim`,
      '/v1/definitions/unknown/instances',
      '/v1/dead-letters/7/replay',
      '/v1/dead-letters/none/discard',
    ])
      expectProblem(await api.ask('POST', url, {}), 404, 'MR_NOT_FOUND');
  });

  it('to addresses that cannot be read, or are too long, get a problem too', async () => {
    const api = await openTestApi();
    expectProblem(await api.ask('GET', '/v1/instances/%zz'), 400, 'MR_REQUEST_INVALID');
    const long = await api.app.inject({ url: `/v1/instances/${'x'.repeat(3_000)}` });
    expect([long.statusCode, long.headers['content-type'], long.json()]).toMatchObject([
      414,
      expect.stringContaining('problem+json'),
      { status: 414 },
    ]);
  });

  it('that are no HTTP get a problem too', async () => {
    const answer = await answerToBytes('NONSENSE\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain('MR_REQUEST_INVALID');
  });

  it('that name two hosts are refused, since a proxy may believe the other one', async () => {
    const [one, two] = await Promise.all(
      ['Host: a\r\n', 'Host: a\r\nhost: b\r\n'].map((hosts) =>
        answerToBytes(`GET /health/live HTTP/1.1\r\n${hosts}Connection: close\r\n\r\n`),
      ),
    );
    expect(one).toMatch(/^HTTP\/1\.1 200 /);
    expect(two).toMatch(/^HTTP\/1\.1 400 /);
    expect(two).toContain('several `Host` headers');
  });

  it('that fail here say nothing of the reason', async () => {
    const api = await openTestApi();
    api.engine.queries.list = () => Promise.reject(new Error('password=secret'));
    const answer = await api.ask('GET', '/v1/instances');
    expectProblem(answer, 500, 'MR_INTERNAL');
    expect(JSON.stringify(answer.body)).not.toContain('secret');
  });
});

describe('Everything', () => {
  it('is answered with headers that keep browsers from misusing it, and an id for the log', async () => {
    const { app } = await openTestApi();
    const { headers } = await app.inject({ method: 'GET', url: '/v1/instances' });
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'cache-control': 'no-store',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    });
    const { headers: other } = await app.inject({ method: 'GET', url: '/v1/instances' });
    expect(headers['x-request-id']).not.toBe(other['x-request-id']);
  });

  it('has probes without a key: live, ready with what is told beside it, and metrics', async () => {
    const api = await openTestApi();
    api.refuse = 'the slot is gone.';
    expect((await api.app.inject('/health/live')).json()).toEqual({ status: 'ok', checks: {} });
    const ready = await api.app.inject('/health/ready');
    expect({ status: ready.statusCode, body: ready.json() as unknown }).toEqual({
      status: 200,
      body: { status: 'ok', checks: { starts: 'the slot is gone.', lifecycle: 'ok' } },
    });
    await api.ask('GET', '/v1/instances/none');
    const { payload } = await api.app.inject('/metrics');
    expect(payload).toContain('millrace_http_requests_total{method="GET",route="/v1/instances/:id",status="404",process="test"} 1');
  });

  it('is documented by a page that loads nothing from elsewhere', async () => {
    const { app } = await openTestApi();
    const page = await app.inject('/docs/');
    expect(page.statusCode).toBe(200);
    const policy = String(page.headers['content-security-policy']);
    for (const directive of ["default-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"])
      expect(policy).toContain(directive);
    const sources = [...page.payload.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, source]) => String(source));
    expect(sources.length).toBeGreaterThan(0);
    for (const source of sources) {
      expect(source).not.toMatch(/^(?:https?:)?\/\//);
      const asset = await app.inject(new URL(source, 'http://localhost/docs/').pathname);
      expect({ source, status: asset.statusCode }).toEqual({ source, status: 200 });
    }
  });
});

/** What the server says to these bytes, until it closes the connection. */
async function answerToBytes(bytes: string): Promise<string> {
  const { app } = await openTestApi();
  await app.listen({ host: '127.0.0.1', port: 0 });
  const address = app.server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return await new Promise<string>((resolve, reject) => {
    let text = '';
    const socket = connect(address.port, '127.0.0.1', () => socket.write(bytes));
    socket.on('data', (chunk) => {
      text += chunk.toString();
    });
    socket.on('error', reject).on('close', () => resolve(text));
  });
}
