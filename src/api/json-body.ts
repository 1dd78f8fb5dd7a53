/**
 * Request bodies: JSON in UTF-8, read strictly. A number that a double would change, a string that Postgres cannot store
 * and nesting that is too deep are refused with their place, so that no later code has to handle them.
 */

import { isUtf8 } from 'node:buffer';
import { setImmediate } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import { isJsonObject, isStorable, type Json } from '../core/json.ts';
import { someMark } from '../core/json-marks.ts';
import { pointerTo } from '../core/json-pointer.ts';
import { parseJsonStrict } from '../core/strict-json.ts';
import { ApiProblem } from './problem.ts';

/** @param depthMax deepest nesting of objects and arrays. */
export function addJsonParser(app: FastifyInstance, depthMax: number): void {
  app.removeAllContentTypeParsers();
  const large = new OneInEachTurn();
  app.addContentTypeParser(/^application\/(?:[a-z0-9.-]+\+)?json(?:\s*;.*)?$/i, { parseAs: 'buffer' }, (request, body, done) => {
    const parse = (): Json | undefined => parseBody(body as Buffer, depthMax, request.routeOptions.config.takesUnsafeStrings);
    if (body.length > LARGE_BYTES) {
      large.run(parse).then((parsed) => done(null, parsed), done);
      return;
    }
    try {
      done(null, parse());
    } catch (error) {
      done(error as Error);
    }
  });
}

/** Bodies from here on take tens of milliseconds. */
const LARGE_BYTES = 65_536;

/** However many large bodies arrive at once, each turn of the event loop parses one, and what is done with it has another turn. */
class OneInEachTurn {
  #last: Promise<void> = Promise.resolve();

  async run<T>(work: () => T): Promise<T> {
    await this.#turn();
    const done = work();
    await this.#turn();
    return done;
  }

  #turn(): Promise<void> {
    this.#last = this.#last.then(() => setImmediate());
    return this.#last;
  }
}

/** No request has more at the top, and each that is unknown would make an error. */
const FIELDS_MAX = 1_000;

/** @throws ApiProblem */
export function assertFewFields(body: unknown): void {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return;
  const { length } = Object.keys(body);
  if (length > FIELDS_MAX) throw new ApiProblem('MR_REQUEST_INVALID', `The body has ${length} fields, and no request has as many.`);
}

/** Throws an ApiProblem; undefined for an empty body. */
export function parseBody(bytes: Buffer, depthMax: number, takesUnsafeStrings = false): Json | undefined {
  if (bytes.length === 0) return undefined;
  if (!isUtf8(bytes)) throw new ApiProblem('MR_JSON_MALFORMED', 'The body is not UTF-8.');
  const text = bytes.toString('utf8');
  // Checked on the characters, before any recursive code sees the value.
  if (isTooDeep(text, depthMax + 1)) throw new ApiProblem('MR_JSON_TOO_DEEP', `The body is nested deeper than ${depthMax} levels.`);
  const parsed = parseJsonStrict(text);
  if (!parsed.ok) {
    if (parsed.reason === 'syntax') throw new ApiProblem('MR_JSON_MALFORMED', parsed.message);
    const { reason, pointer, message } = parsed;
    const errors = [{ pointer, message }];
    if (reason === 'duplicateKey')
      throw new ApiProblem('MR_JSON_DUPLICATE_KEY', 'An object in the body has the same key twice.', { errors });
    throw new ApiProblem('MR_NUMBER_UNSAFE', 'A number in the body cannot be represented exactly. Send it as a string.', { errors });
  }
  if (!takesUnsafeStrings && text.includes('\\u')) {
    const pointer = findUnsafeString(parsed.value, '');
    if (pointer !== null)
      throw new ApiProblem('MR_STRING_UNSAFE', 'A string in the body cannot be stored.', {
        errors: [{ pointer, message: 'The string holds a NUL character or half of a surrogate pair.' }],
      });
  }
  return parsed.value;
}

function isTooDeep(text: string, depthMax: number): boolean {
  let depth = 0;
  return someMark(text, (code) => {
    if (code === 0x7b || code === 0x5b) return ++depth > depthMax;
    if (code === 0x7d || code === 0x5d) depth--;
    return false;
  });
}

function findUnsafeString(value: Json, pointer: string): string | null {
  if (typeof value === 'string') return !isStorable(value) ? pointer : null;
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) {
      const found = findUnsafeString(item, `${pointer}/${index}`);
      if (found !== null) return found;
    }
    return null;
  }
  if (!isJsonObject(value)) return null;
  for (const [key, member] of Object.entries(value)) {
    if (!isStorable(key)) return pointer;
    const found = findUnsafeString(member, pointerTo(pointer, key));
    if (found !== null) return found;
  }
  return null;
}
