/** Every function an expression can call, by the name that stands in its source, and how it may be called. */
import { type CelFunc, celEnv, isCelMap } from '@bufbuild/cel';
import { charge, currentEvaluation } from '../evaluation.ts';
import { failure } from '../failure.ts';
import { viewOf, withNullValues } from '../view.ts';
import { calendarFunctions } from './calendar.ts';
import { conversions } from './conversions.ts';
import { encodings } from './encodings.ts';
import { guarded, guardedName, library, touching } from './guard.ts';
import { hashes } from './hashes.ts';
import { listFunctions, pairFunctions } from './lists.ts';
import { matching } from './matches.ts';
import { operators } from './operators.ts';
import { isOptional } from './optional.ts';
import { optionalMember, optionals } from './optionals.ts';
import type { OwnFunction } from './own.ts';
import { strings } from './strings.ts';
import { times } from './times.ts';

/** Reads a root of the scope. */
export const ROOT = 'root';
/** Wraps the variable of a comprehension: otherwise CEL would read `x.y` as a qualified name. */
export const VARIABLE = 'variable';
/** Wraps the array or object of a comprehension, and the condition of each iteration. */
export const RANGE = 'range';
export const ROUND = 'round';
/** Wraps a map literal. */
export const MAP_LITERAL = 'map literal';

const root = guarded(ROOT, (id, _target, [name]) => {
  const value = typeof name === 'string' ? currentEvaluation().valueOf(name) : undefined;
  return value === undefined ? failure(id, `\`${String(name)}\` has no value here`) : viewOf(value);
});

const variable = guarded(VARIABLE, (id, _target, [value]) => (value === undefined ? failure(id, 'The variable has no value') : value));

/** The library copies the array or object before the first iteration, so the copy is charged. */
const range = guarded(RANGE, (id, _target, [value]) => {
  if (value === undefined) return failure(id, 'There is no array or object to iterate');
  if (isOptional(value)) return failure(id, 'Only arrays and objects can be iterated');
  const size = typeof value === 'object' && value !== null && 'size' in value ? Number(value.size) : 0;
  charge(1 + (size >>> 3));
  return value;
});

/** The second argument is the cost of an iteration. */
const round = guarded(ROUND, (id, _target, [goesOn, units]) => {
  charge(Number(units));
  return goesOn ?? failure(id, 'The condition of an iteration has no value');
});

const mapLiteral = guarded(MAP_LITERAL, (id, _target, [map]) => (isCelMap(map) ? withNullValues(map) : failure(id, 'There is no map')));

/** What CEL does not have, and definitions may call. */
const own: readonly OwnFunction[] = [...optionals, ...listFunctions, ...encodings, ...hashes, ...calendarFunctions];

const special: readonly CelFunc[] = [
  ...operators,
  ...strings,
  ...matching,
  ...conversions,
  ...times,
  root,
  variable,
  range,
  round,
  mapLiteral,
  optionalMember,
  ...pairFunctions,
  ...own.map(({ func }) => func),
];
const specialNames = new Set(special.map(({ name }) => name));

/** How a function may be called: numbers of arguments behind a value (`x.f(…)`) and without one (`f(…)`). */
export type Shapes = { readonly methods: ReadonlySet<number>; readonly functions: ReadonlySet<number> };

const shapes = new Map<string, { readonly methods: Set<number>; readonly functions: Set<number> }>();
for (const {
  name,
  target,
  arguments: { length },
} of library) {
  const known = shapes.get(name) ?? { methods: new Set<number>(), functions: new Set<number>() };
  (target === undefined ? known.functions : known.methods).add(length);
  shapes.set(name, known);
}

for (const { name, isMethod, counts } of own) {
  const none = new Set<number>();
  shapes.set(name, isMethod ? { methods: new Set(counts), functions: none } : { methods: none, functions: new Set(counts) });
}

/** Names of our functions and macros, all of which the reference of definitions explains. */
export const ownNames: readonly string[] = [...own.map(({ name }) => name), 'sortBy', 'groupBy'];

export function shapesOf(name: string): Shapes | undefined {
  return shapes.get(name);
}

const others = [...shapes.keys()].filter((name) => !specialNames.has(guardedName(name))).map(touching);

/** What planned expressions run in. */
export const environment: ReturnType<typeof celEnv> = celEnv({ funcs: [...special, ...others] });
