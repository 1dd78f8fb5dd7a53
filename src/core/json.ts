/** JSON as values: types, comparison, sizes, and a canonical string for hashing. `strict-json.ts` parses JSON. */

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export type JsonObject = { readonly [key: string]: Json };

export function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The same text for equal values: keys sorted by code unit, no white space. */
export function canonicalJson(value: Json): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value !== 'object' || value === null) return String(value);
  let text = '';
  if (Array.isArray(value)) {
    for (const item of value as readonly Json[]) text += `${text === '' ? '' : ','}${canonicalJson(item)}`;
    return `[${text}]`;
  }
  const object = value as JsonObject;
  for (const key of Object.keys(object).sort()) {
    text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${canonicalJson(object[key] ?? null)}`;
  }
  return `{${text}}`;
}

const encoder = new TextEncoder();
/** Strings are encoded into it, piece by piece: a new buffer for each would cost as much as the JSON itself. */
const scratch = new Uint8Array(12_288);
/** A character takes three bytes at most, and two that are a pair take four. */
const PIECE = scratch.length / 3 - 1;

/** Length of the value as compact JSON, in UTF-8 bytes. */
export function jsonByteLength(value: Json): number {
  const text = JSON.stringify(value);
  let bytes = 0;
  for (let at = 0; at < text.length; ) {
    const end = at + PIECE;
    const next = isHighSurrogate(text.charCodeAt(end - 1)) ? end + 1 : end;
    bytes += encoder.encodeInto(text.slice(at, next), scratch).written;
    at = next;
  }
  return bytes;
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code < 0xdc00;
}

/** Postgres cannot store a NUL character, and UTF-8 cannot hold half of a surrogate pair. */
export function isStorable(text: string): boolean {
  return !text.includes('\u0000') && text.isWellFormed();
}

export function jsonEquals(a: Json, b: Json): boolean {
  return a === b || canonicalJson(a) === canonicalJson(b);
}
