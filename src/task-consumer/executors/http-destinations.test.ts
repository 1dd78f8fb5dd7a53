/** Where the http executor may go: private addresses, the engine's own services, and redirects. */
import { describe, expect, it, vi } from 'vitest';
import { type Answer, httpLab, listen, outputOf, type Seen, stopListening } from '../testing/http-lab.ts';

const lab = httpLab();

describe('addresses', () => {
  it('are denied when private, before anything is sent', async () => {
    lab.executor = lab.open({ allowPrivate: false });
    expect(await lab.run({ url: lab.base })).toMatchObject({ code: 'ADDRESS_DENIED', retryable: false });
    expect(await lab.run({ url: lab.base.replace('127.0.0.1', 'localhost') })).toMatchObject({ code: 'ADDRESS_DENIED', retryable: false });
    expect(await lab.run({ url: lab.base.replace('127.0.0.1', '2130706433') })).toMatchObject({ code: 'ADDRESS_DENIED' });
    expect(lab.seen).toHaveLength(0);
  });

  it('are denied at every hop', async () => {
    lab.executor = lab.open({ allowPrivate: false, allow: ['127.0.0.1'] });
    lab.answer = (_, response) => response.writeHead(302, { location: 'http://169.254.169.254/latest' }).end();
    expect(await lab.run({ url: lab.base })).toMatchObject({ code: 'ADDRESS_DENIED' });
    lab.answer = (_, response) => response.writeHead(302, { location: 'http://[::1]:1/' }).end();
    expect(await lab.run({ url: lab.base })).toMatchObject({ code: 'ADDRESS_DENIED' });
  });

  it('are denied on what the engine stands on, whatever is allowed', async () => {
    const { host } = new URL(lab.base);
    lab.executor = lab.open({ allowPrivate: true, deny: [host] });
    expect(await lab.run({ url: lab.base })).toMatchObject({ code: 'ADDRESS_DENIED' });
    expect(await lab.run({ url: lab.base.replace('127.0.0.1', 'localhost') })).toMatchObject({ code: 'ADDRESS_DENIED' });
    expect(lab.seen).toHaveLength(0);
    lab.executor = lab.open({ allowPrivate: false, allow: [host], deny: [host] });
    expect(await lab.run({ url: lab.base })).toMatchObject({ status: 'completed' });
  });

  it('are reached when the list names them', async () => {
    lab.executor = lab.open({ allowPrivate: false, allow: ['localhost'] });
    expect(await lab.run({ url: lab.base.replace('127.0.0.1', 'localhost') })).toMatchObject({ status: 'completed' });
  });
});

it('A proxy of the environment is not asked', async () => {
  const asked: Seen[] = [];
  const proxy = await listen((_, response) => response.end('by the proxy'), asked);
  vi.stubEnv('HTTP_PROXY', proxy.url);
  vi.stubEnv('http_proxy', proxy.url);
  vi.stubEnv('NODE_USE_ENV_PROXY', '1');
  try {
    lab.executor = lab.open({ allowPrivate: true });
    lab.answer = (_, response) => response.end('straight');
    expect(outputOf(await lab.run({ url: lab.base }))).toMatchObject({ body: 'straight' });
    expect(asked).toEqual([]);
  } finally {
    vi.unstubAllEnvs();
    await stopListening(proxy.server);
  }
});

describe('redirects', () => {
  const redirect =
    (status: number, location: string): Answer =>
    (request, response) => {
      if (request.url === '/from') response.writeHead(status, { location }).end();
      else response.end('there');
    };

  it.each([
    [301, 'GET', ''],
    [302, 'GET', ''],
    [303, 'GET', ''],
    [307, 'POST', 'x'],
    [308, 'POST', 'x'],
  ])('%i after a POST goes on as %s', async (status, method, body) => {
    lab.answer = redirect(status, '/to');
    await lab.run({ method: 'POST', url: `${lab.base}/from`, headers: { 'X-Api-Key': 'k' }, body: 'x' });
    expect(lab.seen[1]).toMatchObject({ method, url: '/to', body, headers: { 'x-api-key': 'k', 'idempotency-key': 'i.n:abc' } });
    expect('content-type' in (lab.seen[1]?.headers ?? {})).toBe(method === 'POST');
  });

  it('leave everything that may be a secret behind at another origin', async () => {
    const elsewhere: Seen[] = [];
    const other = await listen((_, response) => response.end('other'), elsewhere);
    lab.answer = redirect(307, `${other.url}/to`);
    const headers = { Authorization: 'Bearer t', Cookie: 'a=b', 'X-Api-Key': 'k', Accept: 'text/plain' };
    expect(outputOf(await lab.run({ url: `${lab.base}/from`, headers }))).toMatchObject({ body: 'other' });
    expect(elsewhere[0]?.headers).toMatchObject({ accept: 'text/plain' });
    for (const name of ['authorization', 'cookie', 'x-api-key']) expect(elsewhere[0]?.headers).not.toHaveProperty(name);
    await stopListening(other.server);
  });

  it.each([
    ['to another kind of address', 'ftp://example.org/', 'REDIRECT_DENIED'],
    ['to a file', 'file:///etc/passwd', 'REDIRECT_DENIED'],
    ['with credentials', 'http://user:pass@example.org/', 'REDIRECT_DENIED'],
    ['in a circle', '/from', 'TOO_MANY_REDIRECTS'],
  ])('%s are not followed', async (_, location, code) => {
    lab.answer = redirect(302, location);
    expect(await lab.run({ url: `${lab.base}/from` })).toMatchObject({ code, retryable: false });
  });

  it('without a location are an answer like any other', async () => {
    lab.answer = (_, response) => response.writeHead(302).end();
    expect(await lab.run({ url: lab.base })).toMatchObject({ code: 'HTTP_302', retryable: false });
  });
});
