/**
 * Wrappers of the library's functions. No CEL library for JavaScript bounds its work, so expressions are rewritten to call these
 * wrappers, which charge fuel for the work and then call the library.
 */
import { type CelFunc, CelScalar, type CelValue, celEnv, celFunc, isCelError } from '@bufbuild/cel';
import { strings } from '@bufbuild/cel/ext';
import { charge } from '../evaluation.ts';
import { failure, notApplicable, shownFunction } from '../failure.ts';
import { textUnits } from '../walk-cost.ts';
import { isOptional } from './optional.ts';

export type CelOutcome = Exclude<ReturnType<CelFunc['call']>, undefined>;
export type Call = (id: number, target: CelValue | undefined, args: CelValue[]) => CelOutcome;

/** The prefix that no source can write. */
const GUARDED = 'guarded:';

export function guardedName(name: string): string {
  return GUARDED + name;
}

/** Takes any values: which fit is decided in `call`, which also may throw an Abort that nothing swallows. */
export function guarded(name: string, call: Call): CelFunc {
  const func = celFunc(guardedName(name), [], CelScalar.NULL, () => null);
  func.call = call;
  return func;
}

/** CEL's standard functions and Buf's `strings`, as they are. */
export const library: ReturnType<typeof celEnv>['funcs'] = celEnv({ funcs: strings }).funcs;

/** Calls a function of the library; an argument that is a whole double also fits where an int is asked for. */
export function callLibrary(name: string, id: number, target: CelValue | undefined, args: CelValue[]): CelOutcome {
  const group = library.find(name);
  if (group === undefined) throw new Error(`Bug: the CEL library has no function ${name}`);
  const values = target === undefined ? args : [target, ...args];
  // The library knows no optional values.
  if (values.some(isOptional)) return notApplicable(id, name, values);
  let result = group.call(id, target, args);
  if (result === undefined && args.some(isWholeDouble)) result = group.call(id, target, args.map(asInt));
  if (result === undefined) return notApplicable(id, name, values);
  if (!isCelError(result)) return result;
  return failure(id, refusalOf(name, result.message));
}

function isWholeDouble(value: CelValue): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value);
}

export function asInt(value: CelValue): CelValue {
  return typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : value;
}

function refusalOf(name: string, message: string): string {
  if (message.includes('by zero')) return 'A division by zero';
  if (message.includes('overflow') || message.includes('out of range')) return `${shownFunction(name)} gave a number that is too large`;
  if (message.includes('out of bounds')) return `${shownFunction(name)} was given a position outside of the string`;
  return `${shownFunction(name)} does not take this value`;
}

/** Charges one unit for the call, and more for strings and bytes by their length. */
export function chargeTouch(values: readonly (CelValue | undefined)[]): void {
  let units = 1;
  for (const value of values) {
    if (typeof value === 'string' || value instanceof Uint8Array) units += textUnits(value.length);
  }
  charge(units);
}

/** A function of the library that only touches what it is given. */
export function touching(name: string): CelFunc {
  return guarded(name, (id, target, args) => {
    chargeTouch([target, ...args]);
    return callLibrary(name, id, target, args);
  });
}
