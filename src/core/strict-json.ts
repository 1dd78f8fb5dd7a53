/**
 * Parses JSON from outside. Two things that other parsers change silently are errors here, with their place: a number that a
 * double cannot hold exactly, and a key that an object has twice. Relies on `JSON.parse` for the syntax. Never throws.
 */
import { isExactDouble } from './decimal.ts';
import type { Json } from './json.ts';
import { pointerOf } from './json-pointer.ts';

export type JsonError =
  | { readonly reason: 'syntax'; readonly message: string }
  /** `pointer` is a JSON pointer to the number, or to the member whose key stands there twice. */
  | { readonly reason: 'unsafeNumber' | 'duplicateKey'; readonly pointer: string; readonly message: string };

export type ParsedJson = { readonly ok: true; readonly value: Json } | ({ readonly ok: false } & JsonError);

export type StrictJsonOptions = {
  /** `last`: the last of equal keys counts, as in `JSON.parse`, for responses of servers that users do not control. Default `refuse`. */
  readonly duplicateKeys?: 'refuse' | 'last';
};

/** Finds numbers that may not be exact: more digits than a double always keeps, or an exponent. */
const SUSPECT = /\d{16}|\d[\d.]{16}|\d[eE][+-]?\d/;
/** A double keeps so many digits, whichever they are. */
const DIGITS_KEPT = 15;
const MESSAGE_LENGTH_MAX = 200;
const KEY_LENGTH_MAX = 80;
const BYTE_ORDER_MARK = '\ufeff';

/**
 * Refuses an integer beyond 2^53, and a decimal whose shortest double has another value (`0.10` passes), so that no number is ever
 * rounded silently. A negative zero becomes zero. A byte order mark at the start is left out.
 */
export function parseJsonStrict(given: string, { duplicateKeys = 'refuse' }: StrictJsonOptions = {}): ParsedJson {
  const text = given.startsWith(BYTE_ORDER_MARK) ? given.slice(1) : given;
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch (error) {
    const why = error instanceof Error ? error.message.slice(0, MESSAGE_LENGTH_MAX) : 'unreadable';
    return { ok: false, reason: 'syntax', message: `The text is not JSON: ${why}.` };
  }
  const mayRepeatKeys = duplicateKeys === 'refuse' && countKeys(value) !== countColons(text);
  const error = mayRepeatKeys || SUSPECT.test(text) ? findError(text, mayRepeatKeys) : null;
  if (error !== null) return { ok: false, ...error };
  return { ok: true, value: text.includes('-0') ? withoutNegativeZeros(value) : value };
}

/** Iterative, since the value may be nested too deeply for the stack. */
function countKeys(value: Json): number {
  let count = 0;
  const toDo: unknown[] = [value];
  for (let at = toDo.pop(); at !== undefined; at = toDo.pop()) {
    if (typeof at !== 'object' || at === null) continue;
    if (Array.isArray(at)) {
      for (const member of at) if (typeof member === 'object' && member !== null) toDo.push(member);
      continue;
    }
    // What was parsed inherits nothing that is enumerable. Of eighty thousand members a list of the values takes twice as long.
    for (const key in at) {
      count++;
      const member: unknown = Reflect.get(at, key);
      if (typeof member === 'object' && member !== null) toDo.push(member);
    }
  }
  return count;
}

/** Each key in the text has one. */
function countColons(text: string): number {
  let count = 0;
  for (let at = 0; at < text.length; at++) {
    const c = text.charCodeAt(at);
    if (c === QUOTE) at = endOfString(text, at) - 1;
    else if (c === COLON) count++;
  }
  return count;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;
const OPENING_BRACE = 0x7b;
const CLOSING_BRACE = 0x7d;
const OPENING_BRACKET = 0x5b;
const CLOSING_BRACKET = 0x5d;
const MINUS = 0x2d;
const PLUS = 0x2b;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const UPPER_E = 0x45;
const LOWER_E = 0x65;

/** @returns the place behind the closing quote. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (text.charCodeAt(at) !== QUOTE) at += text.charCodeAt(at) === BACKSLASH ? 2 : 1;
  return at + 1;
}

/** An object or array that is being read, and the key or index of its member that is being read. */
type Open = { readonly keys: Set<string> | null; member: string | number; isBeforeKey: boolean };

/** Walks text that `JSON.parse` has accepted. */
function findError(text: string, mayRepeatKeys: boolean): Exclude<JsonError, { readonly reason: 'syntax' }> | null {
  const open: Open[] = [];
  const here = (): string => pointerOf(open.map(({ member }) => member));
  let at = 0;
  while (at < text.length) {
    const c = text.charCodeAt(at);
    const top = open.at(-1);
    let next = at + 1;
    if (c === OPENING_BRACE) open.push({ keys: new Set(), member: '', isBeforeKey: true });
    else if (c === OPENING_BRACKET) open.push({ keys: null, member: 0, isBeforeKey: false });
    else if (c === CLOSING_BRACE || c === CLOSING_BRACKET) open.pop();
    else if (c === COMMA && top !== undefined) {
      if (typeof top.member === 'number') top.member++;
      else top.isBeforeKey = true;
    } else if (c === QUOTE) {
      next = endOfString(text, at);
      if (top?.isBeforeKey === true) {
        const key = JSON.parse(text.slice(at, next)) as string;
        top.member = key;
        top.isBeforeKey = false;
        if (mayRepeatKeys && top.keys?.has(key) === true)
          return { reason: 'duplicateKey', pointer: here(), message: `The object has the key ${shown(key)} twice: keep one of them.` };
        top.keys?.add(key);
      }
    } else if (startsNumber(c)) {
      while (next < text.length && continuesNumber(text.charCodeAt(next))) next++;
      if ((next - at > DIGITS_KEPT || hasExponent(text, at, next)) && !isExactDouble(text.slice(at, next)))
        return { reason: 'unsafeNumber', pointer: here(), message: 'The number cannot be held exactly: send it as a string.' };
    }
    at = next;
  }
  return null;
}

function hasExponent(text: string, from: number, to: number): boolean {
  for (let at = from; at < to; at++) {
    const c = text.charCodeAt(at);
    if (c === UPPER_E || c === LOWER_E) return true;
  }
  return false;
}

function startsNumber(c: number): boolean {
  return c === MINUS || (c >= ZERO && c <= NINE);
}

/** An `e` counts only after a digit, so those in `true` and `false` are never reached. */
function continuesNumber(c: number): boolean {
  return startsNumber(c) || c === PLUS || c === DOT || c === UPPER_E || c === LOWER_E;
}

function shown(key: string): string {
  return JSON.stringify(key.length > KEY_LENGTH_MAX ? `${key.slice(0, KEY_LENGTH_MAX - 1)}…` : key);
}

/** JSON writes -0 as 0 anyway, but until then an expression could tell the two apart. Changes the value in place. */
function withoutNegativeZeros(value: Json): Json {
  const root: unknown[] = [value];
  const toDo: unknown[] = [root];
  for (let at = toDo.pop(); at !== undefined; at = toDo.pop()) {
    if (typeof at !== 'object' || at === null) continue;
    for (const [key, member] of Object.entries(at)) {
      if (member === 0) Reflect.set(at, key, 0);
      else if (typeof member === 'object' && member !== null) toDo.push(member);
    }
  }
  return root[0] as Json;
}
