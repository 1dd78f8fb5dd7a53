/**
 * Finds operators that can never work, since their operands are of types that they do not take: `"a" + 1`. Types are known of literals, of
 * what some operators and functions always give, and of paths that the caller knows. Whether an operator takes two types is asked of the
 * operator itself, by values of these types. Used by checks at deploy, never while an instance runs.
 */
import { LRUCache } from 'lru-cache';
import { compiledInParts } from '../compilation.ts';
import { compileExpression } from './compile.ts';
import { ExpressionError } from './error.ts';
import type { Expr } from './instrument.ts';
import { type PlainTree, plainTreeOf } from './plain-tree.ts';
import { staticResultOfTree } from './static-result.ts';
import type { CompileError } from './types.ts';

export type ValueType = 'string' | 'integer' | 'number' | 'boolean' | 'null' | 'array' | 'object';
/** null: not known. */
export type TypeOfPath = (root: string, path: readonly (string | number)[]) => ValueType | null;

type Found = { readonly tree: PlainTree | null };
type Bound = ReadonlySet<string>;

const samples: { readonly [type in ValueType]: string } = {
  string: '"a"',
  integer: '1',
  number: '1.5',
  boolean: 'true',
  null: 'null',
  array: '[1]',
  object: '{"a": 1}',
};
/** What an operand may be of which nothing is known. */
const anything = [...Object.values(samples), '1u', 'b"a"', 'timestamp("2026-01-31T09:00:00Z")', 'duration("1s")'];

const words: { readonly [type in ValueType]: string } = {
  string: 'a string',
  integer: 'an integer',
  number: 'a number',
  boolean: 'a boolean',
  null: 'null',
  array: 'an array',
  object: 'an object',
};

/** By CEL's name, as it is written between its operands. */
const BINARY: ReadonlyMap<string, string> = new Map([
  ...['+', '-', '*', '/', '%', '<', '<=', '>', '>='].map((operator) => [`_${operator}_`, operator] as const),
  ['@in', 'in'],
]);
const UNARY: ReadonlyMap<string, string> = new Map([
  ['-_', '-'],
  ['!_', '!'],
]);
const COMPARING = new Set(['<', '<=', '>', '>=']);
/** Functions that give a string, or fail. */
const STRINGS = new Set(['string', 'join', 'replace', 'lowerAscii', 'upperAscii', 'trim', 'substring', 'format', 'charAt']);
const HAS_OPERATOR = /[-+*/%<>!?]|\bin\b/;

/** @returns one for each operator that can never work, in the order of the source; none where it cannot be parsed. */
export function impossibleOperations(source: string, typeOf: TypeOfPath): readonly CompileError[] {
  if (!HAS_OPERATOR.test(source)) return [];
  const { tree } = trees.get(source) ?? treeOf(source);
  if (tree?.expr === undefined) return [];
  const finder = new Finder(source, tree, typeOf);
  finder.typeOf(tree.expr, new Set());
  return finder.errors;
}

/** Most definitions are read more than once: validated, deployed, deployed again with a change. */
const trees = new LRUCache<string, Found>({ max: 2_000, maxSize: 200_000, sizeCalculation: (_, source) => source.length });

function treeOf(source: string): Found {
  const found = compiledInParts(
    `operations ${source}`,
    () => source.length,
    () => ({ tree: plainTreeOf(source) }),
  );
  trees.set(source, found);
  return found;
}

class Finder {
  readonly errors: CompileError[] = [];
  readonly #source: string;
  readonly #positions: { readonly [id: string]: number };
  readonly #typeOfPath: TypeOfPath;

  constructor(source: string, { sourceInfo }: PlainTree, typeOfPath: TypeOfPath) {
    this.#source = source;
    this.#positions = sourceInfo?.positions ?? {};
    this.#typeOfPath = typeOfPath;
  }

  /** The type that the expression gives if it gives anything; looks at all of its parts. No deeper than what was compiled. */
  typeOf(expr: Expr, bound: Bound): ValueType | null {
    const { exprKind } = expr;
    switch (exprKind.case) {
      case 'listExpr':
        for (const element of exprKind.value.elements) this.typeOf(element, bound);
        return 'array';
      case 'structExpr':
        for (const { value } of exprKind.value.entries) if (value !== undefined) this.typeOf(value, bound);
        return 'object';
      case 'comprehensionExpr': {
        const { iterRange, accuInit, loopCondition, loopStep, result, iterVar } = exprKind.value;
        const inside = new Set([...bound, iterVar]);
        if (iterRange !== undefined) this.typeOf(iterRange, bound);
        for (const part of [loopCondition, loopStep, result]) if (part !== undefined) this.typeOf(part, inside);
        return accuInit?.exprKind.case === 'listExpr' ? 'array' : null;
      }
      case 'selectExpr':
        if (exprKind.value.operand !== undefined) this.typeOf(exprKind.value.operand, bound);
        return this.#typeOfForm(expr, bound);
      case 'callExpr': {
        const { function: name, target, args } = exprKind.value;
        if (target !== undefined) this.typeOf(target, bound);
        const types = args.map((arg) => this.typeOf(arg, bound));
        return this.#typeOfCall(expr, name, types, bound);
      }
      default:
        return this.#typeOfForm(expr, bound);
    }
  }

  #typeOfForm(expr: Expr, bound: Bound): ValueType | null {
    const form = staticResultOfTree(expr);
    if (form.kind === 'type') return form.type;
    return form.kind === 'unknown' || bound.has(form.root) || form.root.startsWith('@') ? null : this.#typeOfPath(form.root, form.path);
  }

  #typeOfCall(expr: Expr, name: string, types: readonly (ValueType | null)[], bound: Bound): ValueType | null {
    const [first = null, second = null, third = null] = types;
    const binary = BINARY.get(name);
    const unary = UNARY.get(name);
    if (binary !== undefined && !takes(binary, first, second)) this.#refuse(expr, binaryMessage(binary, first, second));
    if (unary !== undefined && !takesOne(unary, first)) this.#refuse(expr, `\`${unary}\` cannot be used with ${wordsOf(first)}.`);
    if (name === '_?_:_') {
      if (first !== null && first !== 'boolean')
        this.#refuse(expr, `The value before \`?\` must be true or false, and this is ${words[first]}.`);
      return second === third ? second : null;
    }
    if (STRINGS.has(name)) return 'string';
    if (name === 'double') return 'number';
    if (name === 'int') return 'integer';
    if (binary !== undefined && name !== '@in' && !COMPARING.has(binary)) return resultOf(first, second);
    if (name === '-_') return first;
    return this.#typeOfForm(expr, bound);
  }

  #refuse({ id }: Expr, message: string): void {
    const offset = this.#positions[String(id)];
    // CEL reports the place of an operator with the white space before it.
    const place = offset === undefined ? undefined : this.#source.length - this.#source.slice(offset).trimStart().length;
    this.errors.push({ message, ...(place === undefined ? {} : { offset: place }) });
  }
}

/** Of an operator of arithmetic. */
function resultOf(left: ValueType | null, right: ValueType | null): ValueType | null {
  if (left === null || right === null) return null;
  if (left === right) return left;
  const numbers: readonly ValueType[] = ['integer', 'number'];
  return numbers.includes(left) && numbers.includes(right) ? 'number' : null;
}

function binaryMessage(operator: string, left: ValueType | null, right: ValueType | null): string {
  if (operator === 'in' && right === 'string')
    return '`in` looks into arrays and objects: a part of a string is found by `text.contains(part)`.';
  if (left === null || right === null) return `\`${operator}\` cannot be used with ${wordsOf(left ?? right)}.`;
  const said = `\`${operator}\` cannot be used with ${words[left]} and ${words[right]}`;
  const types = new Set([left, right]);
  if (!types.has('string') || !(types.has('integer') || types.has('number'))) return `${said}.`;
  if (operator === '+') return `${said}: write \`string(…)\` around the number.`;
  return `${said}: write \`double(…)\` around the string.`;
}

function wordsOf(type: ValueType | null): string {
  return type === null ? 'this' : words[type];
}

const taken = new Map<string, boolean>();

function takes(operator: string, left: ValueType | null, right: ValueType | null): boolean {
  if (left === null && right === null) return true;
  const key = `${left} ${operator} ${right}`;
  const known = taken.get(key);
  if (known !== undefined) return known;
  const of = (type: ValueType | null): readonly string[] => (type === null ? anything : [samples[type]]);
  const found = of(left).some((first) => of(right).some((second) => works(`(${first}) ${operator} (${second})`)));
  taken.set(key, found);
  return found;
}

function takesOne(operator: string, type: ValueType | null): boolean {
  if (type === null) return true;
  const key = `${operator} ${type}`;
  const found = taken.get(key) ?? works(`${operator}(${samples[type]})`);
  taken.set(key, found);
  return found;
}

/** Compared with itself, since not every value can be given out. */
function works(source: string): boolean {
  const compiled = compileExpression(`(${source}) == (${source})`);
  if (!compiled.ok) return false;
  try {
    return compiled.value.evaluate({}) === true;
  } catch (error) {
    if (error instanceof ExpressionError) return false;
    throw error;
  }
}
