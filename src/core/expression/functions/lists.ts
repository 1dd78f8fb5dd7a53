/** Sums, sorts and groups of arrays. Each comparison is charged. */
import type { CelError, CelList, CelValue } from '@bufbuild/cel';
import { isCelList } from '@bufbuild/cel';
import { charge } from '../evaluation.ts';
import { failure, typeWord } from '../failure.ts';
import { listOf, mapOf } from '../view.ts';
import { textUnits } from '../walk-cost.ts';
import { asInt, type CelOutcome, guarded } from './guard.ts';
import { optionalOf } from './optional.ts';
import { listMethod, type OwnFunction, unfit } from './own.ts';
import { ValueIndex } from './value-index.ts';

const INT_MAX = 2n ** 63n - 1n;

function numbersOf(id: number, name: string, list: CelList): readonly (number | bigint)[] | CelError {
  charge(1 + list.size);
  const numbers: (number | bigint)[] = [];
  for (const [index, value] of [...list].entries()) {
    if (typeof value !== 'number' && typeof value !== 'bigint')
      return failure(id, `\`${name}\` takes an array of numbers, but element ${index} is of type ${typeWord(value)}`);
    numbers.push(value);
  }
  return numbers;
}

/** Ints stay ints; a double makes a double. */
function total(id: number, name: string, numbers: readonly (number | bigint)[]): CelOutcome {
  if (numbers.some((number) => typeof number === 'number')) return numbers.reduce<number>((sum, number) => sum + Number(number), 0);
  const sum = numbers.reduce<bigint>((before, number) => before + BigInt(number), 0n);
  return sum > INT_MAX || sum < -INT_MAX - 1n ? failure(id, `\`${name}\` gave a number that is too large`) : sum;
}

function numeric(name: string, compute: (id: number, numbers: readonly (number | bigint)[]) => CelOutcome): OwnFunction {
  return listMethod(name, [0], (id, list) => {
    const numbers = numbersOf(id, name, list);
    return Array.isArray(numbers) ? compute(id, numbers) : (numbers as CelError);
  });
}

/** Types whose values can be compared with others of the same type. */
type Orderable = string | number | bigint | boolean;

function isOrderable(value: CelValue): value is Orderable {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean';
}

function kindOf(value: Orderable): string {
  return typeof value === 'bigint' ? 'number' : typeof value;
}

function compare(left: Orderable, right: Orderable): number {
  if (left < right) return -1;
  return left > right ? 1 : 0;
}

/** Null, and an error when keys have no order among each other. */
function orderError(id: number, name: string, keys: readonly CelValue[]): CelError | null {
  const [first] = keys;
  for (const key of keys) {
    if (!isOrderable(key)) return unfit(id, name, `numbers, strings or booleans to order by, but found a value of type ${typeWord(key)}`);
    if (first !== undefined && isOrderable(first) && kindOf(key) !== kindOf(first))
      return unfit(id, name, `values of one type to order by, but found ${typeWord(first)} and ${typeWord(key)}`);
  }
  return null;
}

function chargeOrder(keys: readonly CelValue[]): void {
  const longest = keys.reduce<number>((most, key) => (typeof key === 'string' ? Math.max(most, textUnits(key.length)) : most), 1);
  charge(1 + keys.length * longest * Math.ceil(Math.log2(keys.length + 1)));
}

/** Equal keys stay in the order in which they stand. */
function ordered(id: number, name: string, pairs: readonly (readonly [value: CelValue, key: CelValue])[]): CelOutcome {
  const keys = pairs.map(([, key]) => key);
  chargeOrder(keys);
  const error = orderError(id, name, keys);
  if (error !== null) return error;
  return listOf(pairs.toSorted(([, left], [, right]) => compare(left as Orderable, right as Orderable)).map(([value]) => value));
}

function extreme(name: string, isBetter: (comparison: number) => boolean): OwnFunction {
  return listMethod(name, [0], (id, list) => {
    const values = [...list];
    charge(1 + values.length);
    const [first, ...others] = values;
    if (first === undefined) return failure(id, `\`${name}\` has no value for an empty array`);
    const error = orderError(id, name, values);
    if (error !== null) return error;
    let best = first as Orderable;
    for (const value of others as Orderable[]) {
      if (typeof value === 'string') charge(textUnits(value.length));
      if (isBetter(compare(value, best))) best = value;
    }
    return best;
  });
}

/** What `sortBy(x, key)` and `groupBy(x, key)` become: a list of pairs of element and key (see macros.ts). */
export const SORT_BY = 'sortBy pairs';
export const GROUP_BY = 'groupBy pairs';

function pairsOf(list: CelValue | undefined): readonly (readonly [CelValue, CelValue])[] {
  if (!isCelList(list)) return [];
  return [...list].map((pair) => (isCelList(pair) ? [pair.get(0) ?? null, pair.get(1) ?? null] : [pair, pair]));
}

const sortBy = guarded(SORT_BY, (id, _target, [pairs]) => ordered(id, 'sortBy', pairsOf(pairs)));

const groupBy = guarded(GROUP_BY, (_id, _target, [pairs]) => {
  const index = new ValueIndex();
  const groups: { readonly key: CelValue; readonly items: CelValue[] }[] = [];
  for (const [value, key] of pairsOf(pairs)) {
    charge(1);
    const at = index.add(key);
    const group = groups[at] ?? { key, items: [] };
    groups[at] = group;
    group.items.push(value);
  }
  return listOf(
    groups.map(({ key, items }) =>
      mapOf([
        ['key', key],
        ['items', listOf(items)],
      ]),
    ),
  );
});

function flattened(list: CelList, depth: number, into: CelValue[]): CelValue[] {
  charge(1 + list.size);
  for (const value of list) {
    if (depth > 0 && isCelList(value)) flattened(value, depth - 1, into);
    else into.push(value);
  }
  return into;
}

const DEPTH_MAX = 100;

export const listFunctions: readonly OwnFunction[] = [
  numeric('sum', (id, numbers) => total(id, 'sum', numbers)),
  numeric('avg', (id, numbers) =>
    numbers.length === 0
      ? failure(id, '`avg` has no value for an empty array')
      : numbers.reduce<number>((sum, number) => sum + Number(number), 0) / numbers.length,
  ),
  extreme('min', (comparison) => comparison < 0),
  extreme('max', (comparison) => comparison > 0),
  listMethod('sort', [0], (id, list) => {
    const values = [...list];
    return ordered(
      id,
      'sort',
      values.map((value) => [value, value]),
    );
  }),
  listMethod('distinct', [0], (_id, list) => {
    const index = new ValueIndex();
    const values = [...list];
    charge(1 + values.length);
    return listOf(
      values.filter((value) => {
        const before = index.size;
        return index.add(value) === before;
      }),
    );
  }),
  listMethod('zip', [1], (id, left, [right]) => {
    if (!isCelList(right)) return unfit(id, 'zip', 'an array');
    charge(1 + 2 * left.size);
    if (left.size !== right.size) return failure(id, '`zip` needs two arrays of the same length');
    const others = [...right];
    return listOf([...left].map((value, index) => listOf([value, others[index] ?? null])));
  }),
  listMethod('flatten', [0, 1], (id, list, [levels]) => {
    const depth = levels === undefined ? 1n : asInt(levels);
    if (typeof depth !== 'bigint' || depth < 0n || depth > DEPTH_MAX)
      return unfit(id, 'flatten', `an integer from 0 to ${DEPTH_MAX}: how many levels it opens`);
    return listOf(flattened(list, Number(depth), []));
  }),
  listMethod('first', [0], (_id, list) => optionalOf(list.get(0))),
  listMethod('last', [0], (_id, list) => optionalOf(list.size === 0 ? undefined : list.get(list.size - 1))),
];

export const pairFunctions = [sortBy, groupBy];
