/** Functions of strings whose work grows faster than their arguments, or whose result does. */
import { type CelFunc, type CelList, type CelValue, celList, isCelList } from '@bufbuild/cel';
import { charge } from '../evaluation.ts';
import { notApplicable } from '../failure.ts';
import { chargeWalk, textUnits } from '../walk-cost.ts';
import { asInt, callLibrary, chargeTouch, guarded } from './guard.ts';
import { isOptional } from './optional.ts';

/** Finding a string in a string compares, at worst, each character of one with each of the other. */
function chargeSearch(text: string, wanted: string): void {
  charge(1 + textUnits(text.length) * textUnits(wanted.length));
}

function searching(name: string): CelFunc {
  return guarded(name, (id, target, args) => {
    const [wanted] = args;
    if (typeof target === 'string' && typeof wanted === 'string') chargeSearch(target, wanted);
    return callLibrary(name, id, target, args);
  });
}

function numberOf(value: CelValue | undefined): number | undefined {
  if (value === undefined) return Number.POSITIVE_INFINITY;
  if (typeof value !== 'bigint' && typeof value !== 'number') return undefined;
  const count = Number(value);
  if (!Number.isInteger(count)) return undefined;
  return count < 0 ? Number.POSITIVE_INFINITY : count;
}

/** At most `countMax` replacements from the left; all when it is negative. An empty string is found around each character. */
const replace = guarded('replace', (id, target, args) => {
  const [wanted, by, count] = args;
  const countMax = numberOf(count);
  if (typeof target !== 'string' || typeof wanted !== 'string' || typeof by !== 'string' || countMax === undefined || args.length > 3)
    return notApplicable(id, 'replace', target === undefined ? args : [target, ...args]);
  chargeSearch(target, wanted);
  const pieces = piecesOf(target, wanted, countMax);
  charge(pieces.length + textUnits(target.length + by.length * (pieces.length - 1)));
  return pieces.join(by);
});

/** The text cut at each place where `wanted` stands, at most `cutsMax` times. */
function piecesOf(text: string, wanted: string, cutsMax: number): string[] {
  if (wanted === '') {
    const around = ['', ...text, ''];
    if (around.length - 1 <= cutsMax) return around;
    return [...around.slice(0, cutsMax), around.slice(cutsMax).join('')];
  }
  const pieces: string[] = [];
  let from = 0;
  while (pieces.length < cutsMax) {
    const at = text.indexOf(wanted, from);
    if (at < 0) break;
    pieces.push(text.slice(from, at));
    from = at + wanted.length;
  }
  pieces.push(text.slice(from));
  return pieces;
}

/** At most `countMax` pieces, of which the last holds the rest; all when it is negative. An empty string cuts into characters. */
const split = guarded('split', (id, target, args) => {
  const [separator, count] = args;
  const countMax = numberOf(count);
  if (typeof target !== 'string' || typeof separator !== 'string' || countMax === undefined || args.length > 2)
    return notApplicable(id, 'split', target === undefined ? args : [target, ...args]);
  chargeSearch(target, separator);
  if (countMax === 0) return celList([]);
  const pieces = separator === '' ? charactersOf(target, countMax) : piecesOf(target, separator, countMax - 1);
  charge(pieces.length);
  return celList(pieces);
});

function charactersOf(text: string, countMax: number): string[] {
  const characters = [...text];
  if (characters.length <= countMax) return characters;
  return [...characters.slice(0, countMax - 1), characters.slice(countMax - 1).join('')];
}

const join = guarded('join', (id, target, args) => {
  const [separator] = args;
  if (target !== undefined && isCelList(target)) {
    chargeWalk(target);
    if (typeof separator === 'string') charge(textUnits(separator.length * target.size));
  }
  return callLibrary('join', id, target, args);
});

/** Units for each thing to be formatted, and for each decimal: those go through the machine's own formatter, which is slow. */
const FORMAT_UNITS = 20;
const DECIMAL_UNITS = 60;

const format = guarded('format', (id, target, args) => {
  const [values] = args;
  if (typeof target === 'string' && values !== undefined && isCelList(values)) {
    // The library would print it as "undefined".
    if ([...values].some(isOptional)) return notApplicable(id, 'format', [...values]);
    chargeTouch([target]);
    const clauses = clausesOf(target);
    const decimals = clauses.filter((clause) => FOR_DOUBLES.has(clause)).length;
    charge(FORMAT_UNITS * values.size + (DECIMAL_UNITS - FORMAT_UNITS) * Math.min(decimals, values.size));
    chargeWalk(values);
    return callLibrary('format', id, target, [withFittingNumbers(clauses, values)]);
  }
  return callLibrary('format', id, target, args);
});

/** Numbers of JSON are doubles while literals are ints: each clause gets the kind that it takes, where the value allows it. */
const CLAUSE = /%(?:%|(?:\.\d+)?([A-Za-z]))/g;
const FOR_INTS: ReadonlySet<string> = new Set(['d', 'x', 'X', 'o', 'b']);
const FOR_DOUBLES: ReadonlySet<string> = new Set(['f', 'e']);

function clausesOf(text: string): readonly string[] {
  return [...text.matchAll(CLAUSE)].flatMap(([, letter]) => (letter === undefined ? [] : [letter]));
}

function withFittingNumbers(clauses: readonly string[], values: CelList): CelList {
  return celList([...values].map((value, index) => fitting(value, clauses[index] ?? '')));
}

function fitting(value: CelValue, clause: string): CelValue {
  if (FOR_INTS.has(clause)) return asInt(value);
  return FOR_DOUBLES.has(clause) && typeof value === 'bigint' ? Number(value) : value;
}

export const strings: readonly CelFunc[] = [
  searching('contains'),
  searching('indexOf'),
  searching('lastIndexOf'),
  replace,
  split,
  join,
  format,
];
