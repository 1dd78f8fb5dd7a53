/**
 * Bounds the work of one validation: recursive schemas can branch exponentially, and a pattern costs its size times the length of
 * the string. Validation is synchronous, so there is one budget at a time.
 */
export class OutOfFuel extends Error {}

let left = 0;
/** Of objects that this validation has counted the members of. */
let sizes: WeakMap<object, number> = new WeakMap();

export function sizesOfLarge(): WeakMap<object, number> {
  return sizes;
}

export function spend(units: number): void {
  left -= units;
  if (left < 0) throw new OutOfFuel('Checking the value takes more work than is allowed: send less data, or make the schema simpler.');
}

export function withFuel<T>(units: number, work: () => T): T {
  left = units;
  sizes = new WeakMap();
  return work();
}
