/**
 * The details of a response whose status is not a success: `{ status, headers: { retry-after }, body }`, for people and for
 * expressions. Never more than `errorDetailsBytesMax`, never a cookie or another header, and a body that can be stored.
 */
import type { IncomingMessage } from 'node:http';
import { errorDetailsBytesMax } from '../../core/instance/state/state.ts';
import { type Json, jsonByteLength } from '../../core/json.ts';
import { redactText } from '../../service/redact-text.ts';
import { discard, headerOf, readAs, readBody } from './http-response.ts';

/** Bytes to read of the body, which is cut afterwards. */
const READ_BYTES_MAX = 65_536;
/** Only the status decides what follows, so the body is not waited for any longer. */
const READ_MS_MAX = 5_000;
/** Characters of a body that is too long: with escapes and four bytes each it may still be too long, and is halved then. */
const CUT_LENGTH = 3_000;

export async function errorDetailsOf(response: IncomingMessage): Promise<Json> {
  const retryAfter = headerOf(response.headers, 'retry-after');
  const head = {
    status: response.statusCode ?? 0,
    headers: retryAfter === undefined ? {} : { 'retry-after': storable(retryAfter).slice(0, 100) },
  };
  const body = await bodyOf(response);
  if (fits({ ...head, body })) return { ...head, body };
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  for (let length = CUT_LENGTH; length > 0; length = Math.floor(length / 2)) {
    const cut = { ...head, body: `${text.slice(0, length).toWellFormed()}…` };
    if (fits(cut)) return cut;
  }
  return { ...head, body: null };
}

function fits(details: Json): boolean {
  return jsonByteLength(details) <= errorDetailsBytesMax;
}

/** null when the body cannot be read; the failure is reported without it. */
async function bodyOf(response: IncomingMessage): Promise<Json> {
  const timer = setTimeout(() => response.destroy(), READ_MS_MAX);
  try {
    const bytes = await readBody(response, response.headers, READ_BYTES_MAX);
    if (!bytes.ok) return null;
    const body = readAs(response.headers, bytes.value, { parse: 'auto', numbers: 'string' });
    return body.ok ? cleaned(body.value) : null;
  } catch (error) {
    // It broke off, or took too long.
    if (error instanceof Error) return null;
    throw error;
  } finally {
    clearTimeout(timer);
    discard(response);
  }
}

/**
 * `JSON.stringify` visits each string, so no recursion of our own is needed; a body that is nested too deeply was refused when it
 * was parsed.
 */
function cleaned(body: Json): Json {
  return JSON.parse(
    JSON.stringify(body, (_key, value: unknown) => (typeof value === 'string' ? storable(redactText(value)) : keyed(value))),
  ) as Json;
}

function keyed(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [storable(key), member]));
}

/** Postgres cannot store a NUL, nor half of a surrogate pair. */
function storable(text: string): string {
  return text.replaceAll('\u0000', '').toWellFormed();
}
