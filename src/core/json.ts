/** JSON as values: types, comparing, a canonical text for hashing, and parsing that never rounds a number silently. */

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

/** Length of the value as compact JSON, in UTF-8 bytes. */
export function jsonByteLength(value: Json): number {
  return encoder.encode(JSON.stringify(value)).length;
}

export function jsonEquals(a: Json, b: Json): boolean {
  return a === b || canonicalJson(a) === canonicalJson(b);
}

export type JsonError =
  | { readonly reason: 'syntax'; readonly message: string }
  /** A number that a double would change. `pointer` is a JSON pointer to it. */
  | { readonly reason: 'unsafeNumber'; readonly pointer: string; readonly message: string };

export type ParsedJson = { readonly ok: true; readonly value: Json } | ({ readonly ok: false } & JsonError);

/** A number with more significant digits than a double always keeps, or with an exponent. */
const SUSPECT = /\d{16}|\d[\d.]{16}|\d[eE][+-]?\d/;

/** What may be a negative zero, `-0` or `-0.00`. */
const NEGATIVE_ZERO = /-0(?![.\d]*[1-9])/;

/**
 * Parses JSON text. Refuses an integer beyond 2^53 and a decimal whose shortest double has another value (`0.10`
 * passes), so that no number is ever rounded silently (design, §5). A negative zero becomes zero: written as JSON it would
 * anyway, and until then an expression could tell the two apart.
 */
export function parseJsonStrict(text: string): ParsedJson {
  let value: Json;
  try {
    value = (NEGATIVE_ZERO.test(text) ? JSON.parse(text, withoutSign) : JSON.parse(text)) as Json;
  } catch (error) {
    return {
      ok: false,
      reason: 'syntax',
      message: `The text is not JSON: ${error instanceof Error ? error.message.slice(0, 200) : 'unreadable'}.`,
    };
  }
  if (SUSPECT.test(text)) {
    const pointer = findUnsafeNumber(text);
    if (pointer !== null) {
      const message = 'The number cannot be held exactly: send it as a string.';
      return { ok: false, reason: 'unsafeNumber', pointer, message };
    }
  }
  return { ok: true, value };
}

function withoutSign(_key: string, value: Json): Json {
  return value === 0 ? 0 : value;
}

/** Walks text that `JSON.parse` has accepted and returns the pointer to the first number that a double would change. */
function findUnsafeNumber(text: string): string | null {
  const tokens = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|[{}[\],:]/g;
  // One entry per open container: the key or index of the member that is being read.
  const path: { readonly isObject: boolean; member: string | number }[] = [];
  let lastString = '';
  for (const [token] of text.matchAll(tokens)) {
    const top = path.at(-1);
    if (token === '{') path.push({ isObject: true, member: '' });
    else if (token === '[') path.push({ isObject: false, member: 0 });
    else if (token === '}' || token === ']') path.pop();
    else if (token === ',') {
      if (top !== undefined && typeof top.member === 'number') top.member++;
    } else if (token === ':') {
      if (top?.isObject === true) top.member = JSON.parse(lastString) as string;
    } else if (token.startsWith('"')) lastString = token;
    else if (!isExact(token)) return path.map(({ member }) => `/${String(member).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
  }
  return null;
}

function isExact(number: string): boolean {
  const value = Number(number);
  if (!Number.isFinite(value)) return false;
  const given = digitsOf(number);
  if (given.digits === '') return true;
  if (given.exponent >= 0 && Math.abs(value) > Number.MAX_SAFE_INTEGER) return false;
  const kept = digitsOf(String(value));
  return given.digits === kept.digits && given.exponent === kept.exponent;
}

/** A decimal number as significant digits without zeros at either end, and the power of ten of the last of them. */
function digitsOf(number: string): { readonly digits: string; readonly exponent: number } {
  const [mantissa = '', power = '0'] = number.replace(/^-/, '').toLowerCase().split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  const all = (whole + fraction).replace(/^0+/, '');
  const digits = all.replace(/0+$/, '');
  if (digits === '') return { digits: '', exponent: 0 };
  return { digits, exponent: Number(power) - fraction.length + (all.length - digits.length) };
}
