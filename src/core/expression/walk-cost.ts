/** The cost of walking a value: a unit for each node of it, more for long strings. Shared parts count each time. */
import { type CelValue, isCelList, isCelMap } from '@bufbuild/cel';
import type { Json } from '../json.ts';
import { currentEvaluation } from './evaluation.ts';
import { jsonBehind } from './view.ts';

/** A string costs a unit each time it is touched, and one more for every 64 characters. */
export function textUnits(length: number): number {
  return 1 + (length >>> 6);
}

/** Levels of data that may be walked: a fixed number, since the size of the stack differs from machine to machine. */
const LEVELS_MAX = 1_000;

type Cost = { readonly units: number; readonly levels: number };

/** The cost of an object is cached from this size on (data never changes). Counting a smaller one again is cheaper. */
const KEPT_MIN = 64;
const costs = new WeakMap<object, Cost>();
const SCALAR: Cost = { units: 1, levels: 0 };

/** Charges for walking the whole value; ends the evaluation when that is more than there is left. */
export function chargeWalk(value: CelValue): void {
  const evaluation = currentEvaluation();
  evaluation.charge(costOf(value, evaluation.fuel, 1).units);
}

export function chargeJsonWalk(json: Json): void {
  const evaluation = currentEvaluation();
  evaluation.charge(jsonCostOf(json, evaluation.fuel, 1).units);
}

function costOf(value: CelValue, fuel: number, level: number): Cost {
  if (typeof value === 'string') return { units: textUnits(value.length), levels: 0 };
  if (typeof value !== 'object' || value === null) return SCALAR;
  if (value instanceof Uint8Array) return { units: textUnits(value.length), levels: 0 };
  const json = jsonBehind(value);
  if (json !== undefined) return jsonCostOf(json, fuel, level);
  if (isCelList(value)) return sumOf(value, fuel, level, costOf);
  if (isCelMap(value)) return sumOf(partsOf(value), fuel, level, costOf);
  return SCALAR;
}

function* partsOf(map: Iterable<readonly [unknown, CelValue]>): Generator<CelValue> {
  for (const [key, value] of map) {
    if (typeof key === 'string') yield key;
    yield value;
  }
}

function jsonCostOf(json: Json, fuel: number, level: number): Cost {
  if (typeof json === 'string') return { units: textUnits(json.length), levels: 0 };
  if (typeof json !== 'object' || json === null) return SCALAR;
  const known = costs.get(json);
  if (known !== undefined) {
    if (level + known.levels > LEVELS_MAX) throw tooDeep();
    return known;
  }
  const parts: readonly Json[] = Array.isArray(json) ? json : Object.entries(json as { [key: string]: Json }).flat();
  const cost = sumOf(parts, fuel, level, jsonCostOf);
  // If the fuel ran out, the sum is incomplete and must not be cached.
  if (cost.units >= KEPT_MIN && cost.units <= fuel) costs.set(json, cost);
  return cost;
}

function sumOf<T>(parts: Iterable<T>, fuel: number, level: number, costOf: (part: T, fuel: number, level: number) => Cost): Cost {
  if (level > LEVELS_MAX) throw tooDeep();
  let units = 1;
  let levels = 0;
  for (const part of parts) {
    const cost = costOf(part, fuel - units, level + 1);
    units += cost.units;
    levels = Math.max(levels, cost.levels);
    if (units > fuel) break;
  }
  return { units, levels: levels + 1 };
}

function tooDeep(): Error {
  return currentEvaluation().abort('MR_EXPRESSION_FAILED', `The data is nested deeper than ${LEVELS_MAX} levels.`);
}
