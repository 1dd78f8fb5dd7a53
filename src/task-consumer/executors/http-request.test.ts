import { describe, expect, it } from 'vitest';
import { followRedirect, type HttpRequest } from './http-request.ts';

const request: HttpRequest = {
  method: 'GET',
  url: new URL('https://shop.example/a'),
  headers: { authorization: 'Bearer t', accept: '*/*' },
  body: null,
  isBoundToOrigin: false,
  answer: { parse: 'auto', numbers: 'exact' },
};

describe('following a redirect', () => {
  it('never leads from https to http', () => {
    expect(followRedirect(request, 302, 'http://shop.example/b')).toEqual({ ok: false, error: 'The redirect leads from https to http.' });
  });

  it('from http to https counts as another origin', () => {
    const next = followRedirect({ ...request, url: new URL('http://shop.example/a') }, 308, 'https://shop.example/b');
    expect(next).toMatchObject({ ok: true, value: { headers: { accept: '*/*' } } });
    expect(next.ok && 'authorization' in next.value.headers).toBe(false);
  });

  it('keeps a HEAD a HEAD', () => {
    expect(followRedirect({ ...request, method: 'HEAD' }, 303, '/b')).toMatchObject({ value: { method: 'HEAD' } });
  });
});
