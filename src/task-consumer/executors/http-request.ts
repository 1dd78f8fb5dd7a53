/** Makes a request of the input of an `http` node, or says why it is not valid. */

import { decodeBase64 } from '../../core/base64.ts';
import { isJsonObject, type Json } from '../../core/json.ts';
import { type AnswerOptions, numberModes, parseModes } from '../../core/nodes/http/answer-rules.ts';
import {
  type BodyEncoding,
  BYTES_EXPECTED,
  bodyEncodings,
  canBeHeader,
  httpMethods,
  methodsWithoutBody,
} from '../../core/nodes/http/request-rules.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { SecretUse } from '../../core/secrets.ts';

export type HttpRequest = {
  readonly method: string;
  readonly url: URL;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer | null;
  /** A secret is in a part of the request that a redirect to another server would carry along. */
  readonly isBoundToOrigin: boolean;
  /** How its response is read. */
  readonly answer: AnswerOptions;
};

const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** @param idempotencyKey sent as `Idempotency-Key` unless the node sets that header itself. */
export function parseHttpRequest(input: Json, idempotencyKey: string, secrets: readonly SecretUse[]): Result<HttpRequest, string> {
  if (!isJsonObject(input)) return err('The request is not an object.');
  const { method = 'GET', url, headers = {}, body = null, bodyEncoding = 'none', parse = 'auto', numbers = 'exact' } = input;
  if (typeof method !== 'string' || !httpMethods.includes(method.toUpperCase()))
    return err(`/method: one of ${httpMethods.join(', ')} is expected.`);
  const verb = method.toUpperCase();
  const target = parseTarget(url);
  if (!target.ok) return target;
  const given = parseHeaders(headers ?? {});
  if (!given.ok) return given;
  if (body !== null && methodsWithoutBody.has(verb)) return err(`/body: a ${verb} request has none.`);
  const encoding = bodyEncodings.find((one) => one === bodyEncoding);
  if (encoding === undefined) return err(`/bodyEncoding: one of ${bodyEncodings.join(', ')} is expected.`);
  const sent = parseBody(body, encoding);
  if (!sent.ok) return sent;
  const mode = parseModes.find((one) => one === parse);
  if (mode === undefined) return err(`/parse: one of ${parseModes.join(', ')} is expected.`);
  const precision = numberModes.find((one) => one === numbers);
  if (precision === undefined) return err(`/numbers: one of ${numberModes.join(', ')} is expected.`);
  return ok({
    method: verb,
    url: target.value,
    headers: {
      accept: 'application/json, */*;q=0.5',
      'user-agent': 'millrace',
      'idempotency-key': idempotencyKey,
      ...(sent.value === null ? {} : { 'content-type': sent.value.type }),
      ...given.value,
    },
    body: sent.value?.content ?? null,
    isBoundToOrigin: secrets.some(followsRedirect),
    answer: { parse: mode, numbers: precision },
  });
}

/** With the content type that it has unless the headers name another one. */
type Body = { readonly content: string | Buffer; readonly type: string };

function parseBody(body: Json, encoding: BodyEncoding): Result<Body | null, string> {
  if (encoding === 'base64') {
    const bytes = typeof body === 'string' ? decodeBase64(body) : undefined;
    return bytes === undefined
      ? err(`/body: ${BYTES_EXPECTED}, is expected.`)
      : ok({ content: Buffer.from(bytes), type: 'application/octet-stream' });
  }
  if (body === null) return ok(null);
  if (typeof body === 'string') return ok({ content: body, type: 'text/plain; charset=utf-8' });
  return ok({ content: JSON.stringify(body), type: 'application/json' });
}

function parseTarget(url: Json | undefined): Result<URL, string> {
  const target = typeof url === 'string' ? URL.parse(url) : null;
  if (target === null) return err('/url: an absolute URL is expected.');
  if (target.protocol !== 'http:' && target.protocol !== 'https:') return err('/url: only http and https can be reached.');
  if (target.username !== '' || target.password !== '') return err('/url: put credentials into a header; a URL is stored and shown.');
  return ok(target);
}

function parseHeaders(headers: Json): Result<Readonly<Record<string, string>>, string> {
  if (!isJsonObject(headers)) return err('/headers: an object is expected.');
  const parsed: [string, string][] = [];
  for (const [name, value] of Object.entries(headers)) {
    // An expression that gave null leaves the header out.
    if (value === null) continue;
    if (!canBeHeader(name)) return err(`/headers/${name.slice(0, 64)}: cannot be set.`);
    if (typeof value === 'object') return err(`/headers/${name}: a string is expected.`);
    if (!HEADER_VALUE.test(String(value))) return err(`/headers/${name}: the value has characters that a header cannot hold.`);
    parsed.push([name.toLowerCase(), String(value)]);
  }
  return ok(Object.fromEntries(parsed));
}

/** Headers that are sent after a redirect to another origin: none of them can hold a secret. */
const CROSS_ORIGIN_HEADERS: ReadonlySet<string> = new Set([
  'accept',
  'accept-language',
  'content-type',
  'idempotency-key',
  'traceparent',
  'user-agent',
]);

function followsRedirect({ pointer }: SecretUse): boolean {
  const [, field, name = ''] = pointer.split('/');
  return field === 'body' || (field === 'headers' && CROSS_ORIGIN_HEADERS.has(name.toLowerCase()));
}

/**
 * The request that follows a redirect, or why it is not followed. From https only to https; to another origin without
 * headers that could be secrets; 303, and 301 and 302 after a POST, go on as GET, as browsers do.
 */
export function followRedirect(request: HttpRequest, status: number, location: string): Result<HttpRequest, string> {
  const url = URL.parse(location, request.url.href);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    return err('The redirect leads to something that is no web address.');
  if (request.url.protocol === 'https:' && url.protocol === 'http:') return err('The redirect leads from https to http.');
  if (url.username !== '' || url.password !== '') return err('The redirect leads to an address with credentials in it.');
  const becomesGet = (status === 303 && request.method !== 'HEAD') || ((status === 301 || status === 302) && request.method === 'POST');
  const sameOrigin = url.origin === request.url.origin;
  if (!sameOrigin && request.isBoundToOrigin)
    return err('The redirect leads to another server, which must not get the secret in the request.');
  const headers = Object.entries(request.headers).filter(
    ([name]) => (sameOrigin || CROSS_ORIGIN_HEADERS.has(name)) && !(becomesGet && name.startsWith('content-')),
  );
  return ok({
    method: becomesGet ? 'GET' : request.method,
    url,
    headers: Object.fromEntries(headers),
    body: becomesGet ? null : request.body,
    isBoundToOrigin: request.isBoundToOrigin,
    answer: request.answer,
  });
}
