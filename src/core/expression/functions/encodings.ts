/** Encodings of strings: urls, base64, JSON. */
import { type CelValue, isCelList, isCelMap } from '@bufbuild/cel';
import { decodeBase64 } from '../../base64.ts';
import { parseJsonStrict } from '../../strict-json.ts';
import { charge } from '../evaluation.ts';
import { failure } from '../failure.ts';
import { toJson } from '../to-json.ts';
import { viewOf } from '../view.ts';
import { chargeWalk, textUnits } from '../walk-cost.ts';
import { chargeTouch } from './guard.ts';
import { type OwnFunction, ownFunction, unfit } from './own.ts';

function encodeComponent(text: string): string {
  charge(textUnits(text.length * 3));
  return encodeURIComponent(text.toWellFormed());
}

/** Undefined for what a query cannot hold. */
function queryText(value: CelValue): string | undefined {
  if (typeof value === 'string') return value;
  return ['number', 'bigint', 'boolean'].includes(typeof value) ? String(value) : undefined;
}

/** As the `query` of an `http` node is written: an array repeats its name, null leaves it out. Null when a value does not fit. */
function queryParts(key: CelValue, value: CelValue): readonly string[] | null {
  const parts: string[] = [];
  for (const one of isCelList(value) ? value : [value]) {
    if (one === null) continue;
    const text = queryText(one);
    if (typeof key !== 'string' || text === undefined) return null;
    parts.push(`${encodeComponent(key)}=${encodeComponent(text)}`);
  }
  return parts;
}

/** Strings as UTF-8. */
export function bytesOf(value: CelValue | undefined): Uint8Array | undefined {
  if (value instanceof Uint8Array) return value;
  return typeof value === 'string' ? new TextEncoder().encode(value) : undefined;
}

function binaryText(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

/** Undefined for bytes that are no UTF-8. */
function utf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

/** Characters of JSON that one unit pays for: reading makes values. */
const JSON_CHARACTERS_PER_UNIT = 8;

export const encodings: readonly OwnFunction[] = [
  ownFunction('url.encode', [1], (id, [value]) => {
    const text = value === undefined ? undefined : queryText(value);
    return text === undefined ? unfit(id, 'url.encode', 'a string, a number or a boolean') : encodeComponent(text);
  }),
  ownFunction('url.query', [1], (id, [value]) => {
    if (!isCelMap(value)) return unfit(id, 'url.query', 'an object');
    chargeWalk(value);
    const parts: string[] = [];
    for (const [key, member] of value) {
      const more = queryParts(key, member);
      if (more === null) return unfit(id, 'url.query', 'an object of strings, numbers, booleans, null, and arrays of them');
      parts.push(...more);
    }
    return parts.join('&');
  }),
  ownFunction('base64.encode', [1], (id, args) => {
    chargeTouch(args);
    const bytes = bytesOf(args[0]);
    if (bytes === undefined) return unfit(id, 'base64.encode', 'a string or bytes');
    charge(textUnits(bytes.length * 2));
    return btoa(binaryText(bytes));
  }),
  ownFunction('base64.decode', [1], (id, args) => {
    const [text] = args;
    chargeTouch(args);
    const bytes = typeof text === 'string' ? decodeBase64(text) : undefined;
    if (bytes === undefined) return unfit(id, 'base64.decode', 'a string in base64');
    return utf8(bytes) ?? failure(id, '`base64.decode` found bytes that are not UTF-8: use `base64.bytes`, which gives them as they are');
  }),
  ownFunction('base64.bytes', [1], (id, args) => {
    const [text] = args;
    chargeTouch(args);
    return (typeof text === 'string' ? decodeBase64(text) : undefined) ?? unfit(id, 'base64.bytes', 'a string in base64');
  }),
  ownFunction('json.parse', [1], (id, [text]) => {
    if (typeof text !== 'string') return unfit(id, 'json.parse', 'a string');
    charge(1 + Math.ceil(text.length / JSON_CHARACTERS_PER_UNIT));
    const parsed = parseJsonStrict(text);
    if (parsed.ok) return viewOf(parsed.value);
    return failure(id, JSON_PROBLEMS[parsed.reason]);
  }),
  ownFunction('json.string', [1], (id, [value]) => {
    if (value === undefined) return unfit(id, 'json.string', 'a value');
    chargeWalk(value);
    return JSON.stringify(toJson(value));
  }),
];

/** Messages of our own, since those of the reader quote data. */
const JSON_PROBLEMS = {
  syntax: '`json.parse` was given a string that is no JSON',
  unsafeNumber: '`json.parse` was given a number that cannot be held exactly',
  duplicateKey: '`json.parse` was given an object that has a key twice',
} as const;
