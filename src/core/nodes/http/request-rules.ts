/** Rules for requests of `http` nodes. A deploy checks constants by them, a worker the values of expressions. */

/** `TRACE` and `CONNECT` are for proxies. */
export const httpMethods: readonly string[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/** Servers drop or refuse a body that comes with these. */
export const methodsWithoutBody: ReadonlySet<string> = new Set(['GET', 'HEAD']);

/** base64: the body is a string of base64, and its bytes are sent. */
export const bodyEncodings = ['none', 'base64'] as const;

export type BodyEncoding = (typeof bodyEncodings)[number];

export const BYTES_EXPECTED = 'a string of base64, since "bodyEncoding" says so';

const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$/;

/** Headers that the connection itself sets, and headers that allow request smuggling. */
const RESERVED_HEADERS: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

const CREDENTIAL_HEADER =
  /^(authorization|cookie|x-(api|auth|access)-(key|token)|api-?key|.*[-_](token|secret|password)|token|secret|password)$/i;

/** Whether the header carries a credential. */
export function isCredential(name: string): boolean {
  return CREDENTIAL_HEADER.test(name);
}

export function canBeHeader(name: string): boolean {
  return HEADER_NAME.test(name) && !RESERVED_HEADERS.has(name.toLowerCase());
}
