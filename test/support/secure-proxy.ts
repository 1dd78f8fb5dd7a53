/**
 * What stands before a registry or a Connect in production: https, with a login asked of everybody. Behind it is the
 * stack's own. Its certificate names 127.0.0.1.
 */
import { request as forward } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { host } from '../../stack/settings.ts';
import { type Certificate, issueCertificate } from './certificates.ts';

export type SecureProxy = { readonly url: string; close(): Promise<void> };

export type ProxyOptions = {
  readonly target: string;
  readonly authority: Certificate;
  readonly username: string;
  readonly password: string;
  /** Headers over those of the caller: how the proxy itself logs in. */
  readonly behind?: Readonly<Record<string, string>>;
};

export async function startSecureProxy({ target, authority, username, password, behind = {} }: ProxyOptions): Promise<SecureProxy> {
  const expected = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  const server = createServer(await issueCertificate(authority, 'proxy', { ip: host }), (request, response) => {
    const { method, url = '/', headers } = request;
    if (headers.authorization !== expected) {
      response.writeHead(401, { 'content-type': 'application/json' }).end('{"error_code":40101,"message":"Unauthorized"}');
      return;
    }
    const onward = forward(new URL(url, target), { method, headers: { ...headers, ...behind } }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.once('error', () => response.writeHead(502).end());
    request.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return {
    url: `https://${host}:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
