/**
 * Operators. Numbers of JSON arrive as doubles while literals are ints, so they mix everywhere; unlike types compare unequal.
 * Arithmetic and comparisons of numbers are free: the limit of the source's length and the charge for iterations bound them.
 */
import { type CelFunc, type CelValue, isCelList, isCelMap, isCelUint } from '@bufbuild/cel';
import { charge } from '../evaluation.ts';
import { notApplicable } from '../failure.ts';
import { concatenated } from '../view.ts';
import { chargeWalk, textUnits } from '../walk-cost.ts';
import { type CelOutcome, callLibrary, chargeTouch, guarded } from './guard.ts';
import { isOptional } from './optional.ts';

type Numeric = number | bigint;

function isNumeric(value: CelValue | undefined): value is Numeric {
  return typeof value === 'number' || typeof value === 'bigint';
}

/** Two ints stay ints (`7 / 2` is 3), with the library's checks of overflow; a double makes a double. */
function arithmetic(name: string, compute: (left: number, right: number) => number): CelFunc {
  return guarded(name, (id, target, args) => {
    const [left, right] = args;
    if (isNumeric(left) && isNumeric(right) && (typeof left === 'number' || typeof right === 'number'))
      return compute(Number(left), Number(right));
    return name === '_+_' ? added(id, left, right) : callLibrary(name, id, target, args);
  });
}

function added(id: number, left: CelValue | undefined, right: CelValue | undefined): CelOutcome {
  if (left === undefined || right === undefined) return notApplicable(id, '_+_', []);
  if (isCelList(left) && isCelList(right)) {
    charge(1 + right.size + ('isNewest' in left && left.isNewest === true ? 0 : left.size));
    return concatenated(left, right);
  }
  chargeTouch([left, right]);
  return callLibrary('_+_', id, undefined, [left, right]);
}

function comparison(
  name: string,
  ofNumbers: (left: Numeric, right: Numeric) => boolean,
  ofTexts: (left: string, right: string) => boolean,
): CelFunc {
  return guarded(name, (id, target, args) => {
    const [left, right] = args;
    if (isNumeric(left) && isNumeric(right))
      return typeof left === typeof right ? ofNumbers(left, right) : ofNumbers(Number(left), Number(right));
    chargeTouch(args);
    if (typeof left === 'string' && typeof right === 'string') return ofTexts(left, right);
    return callLibrary(name, id, target, args);
  });
}

/** Without charge: the caller has charged for it. */
export function areEqual(id: number, left: CelValue, right: CelValue): CelOutcome {
  const isScalar = typeof left !== 'object' && typeof right !== 'object';
  if (isScalar) {
    // biome-ignore lint/suspicious/noDoubleEquals: the double 1 equals the int 1, exactly.
    return isNumeric(left) && isNumeric(right) ? left == right : left === right;
  }
  if (left === null || right === null) return left === right;
  if (isOptional(left) || isOptional(right)) return areOptionalsEqual(id, left, right);
  // A scalar never equals a container, but may equal an unsigned int.
  if ((typeof left !== 'object' && !isCelUint(right)) || (typeof right !== 'object' && !isCelUint(left))) return false;
  return callLibrary('_==_', id, undefined, [left, right]);
}

function areOptionalsEqual(id: number, left: CelValue, right: CelValue): CelOutcome {
  if (!isOptional(left) || !isOptional(right)) return false;
  if (left.value === undefined || right.value === undefined) return left.value === right.value;
  return areEqual(id, left.value, right.value);
}

export function chargeEquality(left: CelValue, right: CelValue): void {
  if (isOptional(left) && isOptional(right) && left.value !== undefined && right.value !== undefined)
    chargeEquality(left.value, right.value);
  if (typeof left === 'string' && typeof right === 'string') charge(textUnits(Math.min(left.length, right.length)));
  // What is compared ends where the left side ends.
  else if (typeof left === 'object' && typeof right === 'object') chargeWalk(left);
}

function equality(name: '_==_' | '_!=_'): CelFunc {
  return guarded(name, (id, _target, [left, right]) => {
    if (left === undefined || right === undefined) return notApplicable(id, name, []);
    chargeEquality(left, right);
    const equal = areEqual(id, left, right);
    return name === '_!=_' && typeof equal === 'boolean' ? !equal : equal;
  });
}

const membership = guarded('@in', (id, target, args) => {
  const [wanted, container] = args;
  if (wanted === undefined || !isCelList(container)) {
    chargeTouch(args);
    // No key of a map is null, a list or a map: unlike types compare unequal.
    if (isCelMap(container) && typeof wanted === 'object' && !isCelUint(wanted)) return false;
    return callLibrary('@in', id, target, args);
  }
  charge(1);
  for (let index = 0; index < container.size; index++) {
    const element = container.get(index);
    if (element === undefined) continue;
    charge(1);
    chargeEquality(wanted, element);
    const equal = areEqual(id, wanted, element);
    if (equal !== false) return equal;
  }
  return false;
});

function unary(name: string): CelFunc {
  return guarded(name, (id, target, args) => callLibrary(name, id, target, args));
}

export const operators: readonly CelFunc[] = [
  unary('!_'),
  unary('-_'),
  arithmetic('_+_', (left, right) => left + right),
  arithmetic('_-_', (left, right) => left - right),
  arithmetic('_*_', (left, right) => left * right),
  arithmetic('_/_', (left, right) => left / right),
  arithmetic('_%_', (left, right) => left % right),
  comparison(
    '_<_',
    (left, right) => left < right,
    (left, right) => left < right,
  ),
  comparison(
    '_<=_',
    (left, right) => left <= right,
    (left, right) => left <= right,
  ),
  comparison(
    '_>_',
    (left, right) => left > right,
    (left, right) => left > right,
  ),
  comparison(
    '_>=_',
    (left, right) => left >= right,
    (left, right) => left >= right,
  ),
  equality('_==_'),
  equality('_!=_'),
  membership,
];
