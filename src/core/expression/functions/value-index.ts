/** Finds equal values again, as `==` has them: scalars at once, arrays and objects by comparing them one by one. */
import { type CelValue, isCelUint } from '@bufbuild/cel';
import { areEqual, chargeEquality } from './operators.ts';

export class ValueIndex {
  readonly #scalars = new Map<unknown, number>();
  readonly #others: { readonly value: CelValue; readonly number: number }[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** @returns the number of the value, counted from 0 in the order in which values were first added. */
  add(value: CelValue): number {
    const known = this.#find(value);
    if (known !== undefined) return known;
    const number = this.#size++;
    if (isScalar(value)) this.#scalars.set(scalarKey(value), number);
    else this.#others.push({ value, number });
    return number;
  }

  #find(value: CelValue): number | undefined {
    if (isScalar(value)) return this.#scalars.get(scalarKey(value));
    return this.#others.find((other) => {
      chargeEquality(value, other.value);
      return areEqual(0, value, other.value) === true;
    })?.number;
  }
}

function isScalar(value: CelValue): boolean {
  return value === null || typeof value !== 'object' || isCelUint(value);
}

/** The double 1 equals the int 1. */
function scalarKey(value: CelValue): unknown {
  const number = isCelUint(value) ? value.value : value;
  if (typeof number !== 'bigint') return number;
  const double = Number(number);
  return BigInt(double) === number ? double : number;
}
