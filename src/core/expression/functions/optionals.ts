/** Functions of CEL's optional values. `input.?name` gives one (see optional-syntax.ts). */
import { type CelValue, isCelList, isCelMap, isCelUint } from '@bufbuild/cel';
import { charge } from '../evaluation.ts';
import { failure, notApplicable } from '../failure.ts';
import { asInt, type CelOutcome, guarded } from './guard.ts';
import { isOptional, noValue, type Optional, optionalOf } from './optional.ts';
import { type OwnFunction, ownFunction, ownMethod, unfit } from './own.ts';

/** What `.?` and `[?…]` become. */
export const OPTIONAL_MEMBER = 'optional member';

/** A member of null is absent rather than an error, so that expressions can read the output of a skipped node. */
export const optionalMember = guarded(OPTIONAL_MEMBER, (id, _target, [given, key]) => {
  charge(1);
  const value = isOptional(given) ? given.value : given;
  if (value === undefined || value === null) return noValue;
  if (key === undefined) return failure(id, 'The name of the member is missing');
  if (isCelMap(value)) return isKey(key) ? optionalOf(value.get(key)) : failure(id, 'Only strings, integers and booleans can be keys');
  if (isCelList(value)) {
    const index = asInt(key);
    return typeof index === 'bigint' ? optionalOf(value.get(Number(index))) : failure(id, 'Only an integer can be the index of an array');
  }
  return failure(id, 'Only objects and arrays have members that `.?` can ask for');
});

function isKey(key: CelValue): key is string | number | bigint | boolean {
  return ['string', 'number', 'bigint', 'boolean'].includes(typeof key);
}

function isZero(value: CelValue): boolean {
  if (value === null || value === false || value === '' || value === 0 || value === 0n) return true;
  if (isCelUint(value)) return value.value === 0n;
  if (value instanceof Uint8Array) return value.length === 0;
  return (isCelList(value) || isCelMap(value)) && value.size === 0;
}

function method(
  name: string,
  counts: readonly number[],
  call: (id: number, optional: Optional, args: CelValue[]) => CelOutcome,
): OwnFunction {
  return ownMethod(name, counts, (id, target, args) => {
    charge(1);
    if (isOptional(target)) return call(id, target, args);
    return notApplicable(id, name, target === undefined ? args : [target, ...args]);
  });
}

export const optionals: readonly OwnFunction[] = [
  ownFunction('optional.of', [1], (_id, [value]) => optionalOf(value)),
  ownFunction('optional.none', [0], () => noValue),
  ownFunction('optional.ofNonZeroValue', [1], (_id, [value]) => (value === undefined || isZero(value) ? noValue : optionalOf(value))),
  method('hasValue', [0], (_id, { value }) => value !== undefined),
  method('value', [0], (id, { value }) =>
    value === undefined ? failure(id, 'There is no value: use `orValue(…)` to give another in its place') : value,
  ),
  method('orValue', [1], (_id, { value }, [other]) => (value === undefined ? (other ?? null) : value)),
  method('or', [1], (id, { value }, [other]) => {
    if (!isOptional(other)) return unfit(id, 'or', 'an optional value');
    return value === undefined ? other : optionalOf(value);
  }),
];
