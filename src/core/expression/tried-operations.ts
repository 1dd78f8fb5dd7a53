/** Whether operators and functions take values of given types, asked of themselves by values of these types. Asked once of each. */
import { compileExpression } from './compile.ts';
import { ExpressionError } from './error.ts';
import { shapesOf } from './functions/index.ts';
import { samplesOf, type ValueType } from './sample-values.ts';

const taken = new Map<string, boolean>();

function once(key: string, tryOut: () => boolean): boolean {
  let known = taken.get(key);
  if (known === undefined) {
    known = tryOut();
    taken.set(key, known);
  }
  return known;
}

/** @param left null, as all types here: not known. */
export function takes(operator: string, left: ValueType | null, right: ValueType | null): boolean {
  if (left === null && right === null) return true;
  return once(`${left} ${operator} ${right}`, () =>
    samplesOf(left).some((first) => samplesOf(right).some((second) => works(`(${first}) ${operator} (${second})`))),
  );
}

export function takesOne(operator: string, type: ValueType | null): boolean {
  return type === null || once(`${operator} ${type}`, () => samplesOf(type).some((sample) => works(`${operator}(${sample})`)));
}

/**
 * Whether a function may take values of these types; what it makes of their values is another matter. Asked only where the type of the
 * first is known, and of the others all but one: trying costs time.
 * @param target undefined: it is called without one.
 */
export function takesCall(name: string, target: ValueType | null | undefined, args: readonly (ValueType | null)[]): boolean {
  const values = target === undefined ? args : [target, ...args];
  const [first = null, ...others] = values;
  if (first === null || others.filter((type) => type === null).length > 1) return true;
  const shapes = shapesOf(name);
  const counts = target === undefined ? shapes?.functions : shapes?.methods;
  if (counts?.has(args.length) !== true) return true;
  const isMethod = target !== undefined;
  return once(`${isMethod ? '.' : ''}${name}(${values.join()})`, () =>
    combined(values).some((some) => isTaken(isMethod ? `(${some[0]}).${name}(${some.slice(1).join()})` : `${name}(${some.join()})`)),
  );
}

function combined(types: readonly (ValueType | null)[]): readonly (readonly string[])[] {
  return types.reduce<readonly (readonly string[])[]>(
    (rows, type) => rows.flatMap((row) => samplesOf(type).map((sample) => [...row, sample])),
    [[]],
  );
}

/** Compared with itself, since not every value can be given out. */
function works(source: string): boolean {
  return failureOf(`(${source}) == (${source})`) === null;
}

/** What cannot be compiled, or fails for another reason, is refused for that reason. */
function isTaken(source: string): boolean {
  return failureOf(`[${source}].size() == 1`)?.includes('cannot be applied to') !== true;
}

/** Why a condition does not hold; null: it does. */
function failureOf(condition: string): string | null {
  const compiled = compileExpression(condition);
  if (!compiled.ok) return 'It cannot be compiled.';
  try {
    return compiled.value.evaluate({}) === true ? null : 'It gives something else.';
  } catch (error) {
    if (error instanceof ExpressionError) return error.message;
    throw error;
  }
}
