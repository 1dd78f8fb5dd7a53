/**
 * Sends one request and returns the response, whose body is still to be read. Uses Node's own client, which skips `100 Continue`
 * and other interim responses. Connections are kept for the next request to the same place, and every name is looked up through
 * the guard at the moment of connecting. Never follows a redirect, never uses a proxy.
 */
import { type ClientRequest, Agent as HttpAgent, type IncomingMessage, request as sendHttp } from 'node:http';
import { Agent as HttpsAgent, request as sendHttps } from 'node:https';
import type { LookupFunction, Socket } from 'node:net';
import type { HttpRequest } from './http-request.ts';

export type HttpTransport = {
  /** Rejects when there is no response, with an error that has a `code`, like those of Node's sockets. */
  send(request: HttpRequest, signal: AbortSignal): Promise<IncomingMessage>;
  close(): void;
};

const CONNECT_TIMEOUT_MS = 10_000;
/** Shorter than what common servers allow, so that a request is seldom sent on a connection that is just being closed. */
const IDLE_MS = 4_000;

class ConnectTimeout extends Error {
  override readonly name = 'ConnectTimeout';
  readonly code = 'CONNECT_TIMEOUT';
}

export function createHttpTransport(lookup: (port: number) => LookupFunction): HttpTransport {
  const options = { keepAlive: true, timeout: IDLE_MS };
  const plain = new HttpAgent(options);
  const secure = new HttpsAgent(options);
  return {
    send: ({ method, url, headers, body }, signal) =>
      new Promise((resolve, reject) => {
        const length = body === null ? {} : { 'content-length': String(Buffer.byteLength(body)) };
        const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
        const given = { method, signal, lookup: lookup(port), headers: { ...headers, ...length } };
        const request = url.protocol === 'https:' ? sendHttps(url, { ...given, agent: secure }) : sendHttp(url, { ...given, agent: plain });
        request.once('response', resolve);
        // An error after the response began is reported by the response's body.
        request.on('error', reject);
        limitConnecting(request, url.protocol === 'https:' ? 'secureConnect' : 'connect');
        request.end(body ?? undefined);
      }),
    close: () => {
      plain.destroy();
      secure.destroy();
    },
  };
}

/** Limits connecting only. A slow server may use up all of the attempt's timeout. */
function limitConnecting(request: ClientRequest, connected: 'connect' | 'secureConnect'): void {
  request.once('socket', (socket: Socket) => {
    if (!socket.connecting) return;
    const timer = setTimeout(() => request.destroy(new ConnectTimeout('No connection was made in time.')), CONNECT_TIMEOUT_MS);
    const stop = (): void => clearTimeout(timer);
    socket.once(connected, stop);
    socket.once('close', stop);
  });
}
