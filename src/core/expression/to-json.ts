/** Turns the value of an expression into JSON. A value that JSON cannot hold is an error, never a silent null. */
import { type CelValue, celType, isCelList, isCelMap, isCelUint } from '@bufbuild/cel';
import type { Json } from '../json.ts';
import { charge, currentEvaluation } from './evaluation.ts';
import { callLibrary } from './functions/guard.ts';
import { isOptional } from './functions/optional.ts';
import { jsonBehind } from './view.ts';
import { chargeJsonWalk, textUnits } from './walk-cost.ts';

const BEYOND = 'an integer beyond 2^53, which JSON would round';

export function toJson(value: CelValue): Json {
  switch (typeof value) {
    case 'boolean':
      return value;
    case 'string':
      charge(textUnits(value.length));
      return value;
    case 'number':
      charge(1);
      if (!Number.isFinite(value)) throw refusal('a number that is infinite or not a number');
      // Every double beyond that is an integer. No reader of JSON here takes one, so a message that holds it would be lost.
      if (Math.abs(value) > Number.MAX_SAFE_INTEGER) throw refusal(BEYOND);
      // JSON has no negative zero.
      return value === 0 ? 0 : value;
    case 'bigint':
      charge(1);
      return safeNumber(value);
    default:
      return value === null ? null : objectToJson(value);
  }
}

function objectToJson(value: Exclude<CelValue, null | string | number | bigint | boolean>): Json {
  const json = jsonBehind(value);
  if (json !== undefined) {
    // Callers walk the result, and shared parts as often as they occur, so the walk is charged here.
    chargeJsonWalk(json);
    return json;
  }
  charge(1);
  if (isCelUint(value)) return safeNumber(value.value);
  if (isCelList(value)) return Array.from(value, toJson);
  if (isCelMap(value)) return mapToJson(value);
  if (isOptional(value)) throw refusal('an optional value (`orValue(…)` gives another in its place)');
  const { name } = celType(value);
  if (name === 'google.protobuf.Timestamp') return timestampText(value);
  if (name === 'google.protobuf.Duration') throw refusal('a duration (`string(…)` makes a string of it)');
  throw refusal(value instanceof Uint8Array ? 'bytes (`base64.encode(…)` makes a string of them)' : 'a type');
}

/** Through entries, which makes `__proto__` a key like any other. */
function mapToJson(map: Iterable<readonly [unknown, CelValue]>): Json {
  const entries: [string, Json][] = [];
  for (const [key, value] of map) {
    if (typeof key !== 'string') throw refusal('a map with a key that is not a string');
    charge(textUnits(key.length));
    entries.push([key, toJson(value)]);
  }
  return Object.fromEntries(entries);
}

/** RFC 3339 with `Z`, which `wait` can read. */
function timestampText(value: CelValue): string {
  const text = callLibrary('string', 0, undefined, [value]);
  if (typeof text !== 'string') throw refusal('a timestamp that cannot be written');
  return text;
}

function safeNumber(value: bigint): number {
  if (value < BigInt(Number.MIN_SAFE_INTEGER) || value > BigInt(Number.MAX_SAFE_INTEGER)) throw refusal(BEYOND);
  return Number(value);
}

function refusal(what: string): Error {
  return currentEvaluation().abort('MR_EXPRESSION_RESULT', `The expression gave ${what}, which JSON cannot hold.`);
}
