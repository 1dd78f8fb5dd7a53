/**
 * Bounds the work of one validation: recursive schemas can branch without end, and patterns cost their size times the
 * length of the string. Validation is synchronous, so there is one budget at a time.
 */
export class OutOfFuel extends Error {}

let left = 0;

export function spend(units: number): void {
  left -= units;
  if (left < 0) throw new OutOfFuel('The value takes more work to check than is granted.');
}

export function withFuel<T>(units: number, work: () => T): T {
  left = units;
  return work();
}
