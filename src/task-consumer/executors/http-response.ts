/**
 * Reads a response within its limit and makes the output of the node: `{ status, headers, body }`, with the body parsed as the
 * node says.
 */
import type { Readable } from 'node:stream';
import { quoteInexactNumbers } from '../../core/exact-numbers.ts';
import type { Json } from '../../core/json.ts';
import { type AnswerOptions, isJsonType } from '../../core/nodes/http/answer-rules.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { parseJsonStrict } from '../../core/strict-json.ts';
import { decompress } from './content-encoding.ts';

export type HttpHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

export type ResponseFault = { readonly code: 'RESPONSE_TOO_LARGE' | 'OUTPUT_INVALID'; readonly message: string };

/** The body's bytes, decompressed. A stream that breaks off rejects. */
export async function readBody(body: Readable, headers: HttpHeaders, limitBytes: number): Promise<Result<Buffer, ResponseFault>> {
  const tooLarge = err({ code: 'RESPONSE_TOO_LARGE', message: `The response has more than ${limitBytes} bytes.` } as const);
  if (Number(headerOf(headers, 'content-length') ?? 0) > limitBytes) {
    discard(body);
    return tooLarge;
  }
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length;
    // Leaving the loop destroys the stream, and with it the connection.
    if (size > limitBytes) return tooLarge;
    chunks.push(chunk);
  }
  const plain = await decompress(Buffer.concat(chunks, size), headerOf(headers, 'content-encoding') ?? '', limitBytes);
  if (plain.ok) return plain;
  return plain.error.reason === 'tooLarge' ? tooLarge : err({ code: 'OUTPUT_INVALID', message: plain.error.message });
}

/** Discards a body that nobody reads. */
export function discard(body: Readable): void {
  // It may fail meanwhile, which no longer matters.
  body.on('error', () => undefined);
  body.destroy();
}

/** JSON text of the node's output. */
export function renderOutput(status: number, headers: HttpHeaders, bytes: Buffer, options: AnswerOptions): Result<string, ResponseFault> {
  const body = readAs(headers, bytes, options);
  if (!body.ok) return body;
  // Cookies are secrets between the two servers, and outputs are stored and shown.
  const shown = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined || name === 'set-cookie' ? [] : [[name, typeof value === 'string' ? value : value.join(', ')]],
  );
  return ok(`{"status":${status},"headers":${JSON.stringify(Object.fromEntries(shown))},"body":${JSON.stringify(body.value)}}`);
}

/** The body as the node's `parse` says. */
export function readAs(headers: HttpHeaders, bytes: Buffer, { parse, numbers }: AnswerOptions): Result<Json, ResponseFault> {
  if (bytes.length === 0) return ok(parse === 'text' || parse === 'base64' ? '' : null);
  if (parse === 'base64') return ok(bytes.toString('base64'));
  const type = headerOf(headers, 'content-type') ?? '';
  const text = decodeText(bytes, type);
  if (parse === 'text') return ok(text);
  if (parse === 'auto' && !isJsonType(type) && !(type === '' && looksLikeJson(text))) return ok(text);
  // Users cannot change what that server writes, so the last of equal keys counts, as for other clients. The body is stringified
  // again, so that every later reader sees the same value.
  const exact = parseJsonStrict(text, { duplicateKeys: 'last' });
  const isRounded = !exact.ok && exact.reason === 'unsafeNumber';
  const parsed = isRounded && numbers === 'string' ? parseJsonStrict(quoteInexactNumbers(text), { duplicateKeys: 'last' }) : exact;
  if (parsed.ok) return ok(parsed.value);
  if (parsed.reason !== 'syntax')
    return err({
      code: 'OUTPUT_INVALID',
      message: `/body${parsed.pointer}: ${parsed.message} Or set "numbers" of the node to "string", which makes strings of such numbers.`,
    });
  return parse === 'auto'
    ? ok(text)
    : err({ code: 'OUTPUT_INVALID', message: 'The body is not JSON, which "parse" of the node asks for.' });
}

/** For a response without a content type: a single number or word stays a string. */
function looksLikeJson(text: string): boolean {
  return /^\s*[{[]/.test(text);
}

function decodeText(bytes: Buffer, contentType: string): string {
  const charset = /charset="?([A-Za-z0-9_.:-]+)/i.exec(contentType)?.[1] ?? 'utf-8';
  try {
    return new TextDecoder(charset).decode(bytes);
  } catch (error) {
    if (error instanceof RangeError) return bytes.toString('utf8');
    throw error;
  }
}

export function headerOf(headers: HttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' || value === undefined ? value : value[0];
}

/** Retry-After in ms from now: seconds or an HTTP date. null when it is missing or neither. */
export function parseRetryAfter(headers: HttpHeaders, nowMs: number): number | null {
  const value = headerOf(headers, 'retry-after')?.trim();
  if (value === undefined || value === '') return null;
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1_000;
  const at = Date.parse(value);
  return Number.isNaN(at) ? null : Math.max(0, at - nowMs);
}
