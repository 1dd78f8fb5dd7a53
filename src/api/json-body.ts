/**
 * Request bodies: JSON in UTF-8, read strictly. A number that a double would change, text that Postgres cannot hold and
 * nesting that is too deep are refused with their place, so nothing behind this ever meets them.
 */
import { isUtf8 } from 'node:buffer';
import type { FastifyInstance } from 'fastify';
import { isJsonObject, type Json, parseJsonStrict } from '../core/json.ts';
import { ApiProblem } from './problem.ts';
import { escapePointer } from './validation.ts';

/** @param depthMax deepest nesting of objects and lists. */
export function addJsonParser(app: FastifyInstance, depthMax: number): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(/^application\/(?:[a-z0-9.-]+\+)?json(?:\s*;.*)?$/i, { parseAs: 'buffer' }, (_request, body, done) => {
    try {
      done(null, parseBody(body as Buffer, depthMax));
    } catch (error) {
      done(error as Error);
    }
  });
}

/** Throws an ApiProblem; undefined for an empty body. */
export function parseBody(bytes: Buffer, depthMax: number): Json | undefined {
  if (bytes.length === 0) return undefined;
  if (!isUtf8(bytes)) throw new ApiProblem(400, 'MR_JSON_MALFORMED', 'The body is not UTF-8.');
  const text = bytes.toString('utf8');
  // Before anything walks it: hostile nesting must not meet a recursion.
  if (isTooDeep(text, depthMax + 1)) throw new ApiProblem(422, 'MR_JSON_TOO_DEEP', `The body is nested deeper than ${depthMax} levels.`);
  const parsed = parseJsonStrict(text);
  if (!parsed.ok) {
    if (parsed.reason === 'syntax') throw new ApiProblem(400, 'MR_JSON_MALFORMED', parsed.message);
    const { pointer, message } = parsed;
    throw new ApiProblem(422, 'MR_NUMBER_UNSAFE', 'A number in the body cannot be held exactly. Send it as a text.', {
      errors: [{ pointer, message }],
    });
  }
  if (text.includes('\\u')) {
    const pointer = findUnsafeText(parsed.value, '');
    if (pointer !== null)
      throw new ApiProblem(422, 'MR_TEXT_UNSAFE', 'A text in the body cannot be stored.', {
        errors: [{ pointer, message: 'The text holds a NUL character or half of a surrogate pair.' }],
      });
  }
  return parsed.value;
}

function isTooDeep(text: string, depthMax: number): boolean {
  let depth = 0;
  let inText = false;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (inText) {
      if (c === 0x5c) i++;
      else if (c === 0x22) inText = false;
    } else if (c === 0x22) inText = true;
    else if (c === 0x7b || c === 0x5b) {
      if (++depth > depthMax) return true;
    } else if (c === 0x7d || c === 0x5d) depth--;
  }
  return false;
}

function isUnsafeText(text: string): boolean {
  return text.includes('\u0000') || !text.isWellFormed();
}

function findUnsafeText(value: Json, pointer: string): string | null {
  if (typeof value === 'string') return isUnsafeText(value) ? pointer : null;
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) {
      const found = findUnsafeText(item, `${pointer}/${index}`);
      if (found !== null) return found;
    }
    return null;
  }
  if (!isJsonObject(value)) return null;
  for (const [key, member] of Object.entries(value)) {
    if (isUnsafeText(key)) return pointer;
    const found = findUnsafeText(member, `${pointer}/${escapePointer(key)}`);
    if (found !== null) return found;
  }
  return null;
}
