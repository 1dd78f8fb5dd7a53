/**
 * Postgres takes JSON apart only after it has resolved every escape in it, and fails at those that are no text of its own: U+0000, and half
 * of a surrogate pair. `json` keeps both. So each `\u` is replaced by a mark that no value has, and put back where the value is read.
 */
import { randomUUID } from 'node:crypto';
import type { Json } from '../../../core/json.ts';

/** For one statement: nobody can have written it into a value. */
export function newMark(): string {
  return randomUUID();
}

/**
 * The SQL of what can be taken apart whatever it holds. A backslash before a backslash is itself one, so the `u` behind it is a letter.
 * @param json SQL of a value of the type `json`. @param mark SQL of the mark, such as `$1`.
 */
export function withoutEscapes(json: string, mark: string): string {
  return String.raw`CASE WHEN strpos(${json}::text, '\u') > 0
    THEN regexp_replace(${json}::text, '(?<!\\)((?:\\\\)*)\\u', '\1' || ${mark}::text, 'g')::json ELSE ${json} END`;
}

/** The SQL of the bytes that a value had before. */
export function bytesWithEscapes(json: string, mark: string): string {
  return String.raw`octet_length(replace(${json}::text, ${mark}::text, '\u'))`;
}

/** @param text of a value, as JSON. */
export function parseMarked(text: string, mark: string): Json {
  return JSON.parse(text.replaceAll(mark, '\\u')) as Json;
}
