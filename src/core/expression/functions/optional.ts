/** Optional values. The CEL library does not have them, so an object of our own is marked as one of its types. */
import { CelScalar, type CelValue, celList, celMap } from '@bufbuild/cel';

export class Optional {
  readonly value: CelValue | undefined;

  constructor(value: CelValue | undefined) {
    this.value = value;
  }
}

const TYPE_MARK = Object.getOwnPropertySymbols(CelScalar.INT)[0];
if (TYPE_MARK === undefined || TYPE_MARK in celMap(new Map()) || TYPE_MARK in celList([]))
  throw new Error('Bug: the CEL library marks its types in another way');
Object.defineProperty(Optional.prototype, TYPE_MARK, { value: {} });

export function optionalOf(value: CelValue | undefined): CelValue {
  return new Optional(value) as unknown as CelValue;
}

export const noValue: CelValue = optionalOf(undefined);

export function isOptional(value: unknown): value is CelValue & Optional {
  return value instanceof Optional;
}
