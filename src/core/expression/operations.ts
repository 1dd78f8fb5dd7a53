/**
 * Finds operators and functions that can never work, since their operands are of types that they do not take: `"a" + 1`. Types are known
 * of literals, of what some operators and functions always give, and of paths that the caller knows. Used by checks at deploy, never while an instance runs.
 */
import { LRUCache } from 'lru-cache';
import { compiledInParts } from '../compilation.ts';
import { shapesOf } from './functions/index.ts';
import type { Expr } from './instrument.ts';
import { type PlainTree, plainTreeOf } from './plain-tree.ts';
import { type ValueType, words } from './sample-values.ts';
import { staticResultOfTree } from './static-result.ts';
import { takes, takesCall, takesOne } from './tried-operations.ts';
import type { CompileError } from './types.ts';

/** null: not known. */
export type TypeOfPath = (root: string, path: readonly (string | number)[]) => ValueType | null;

type Found = { readonly tree: PlainTree | null };
type Bound = ReadonlySet<string>;

/** By CEL's name, as it is written between its operands. */
const BINARY: ReadonlyMap<string, string> = new Map([
  ...['+', '-', '*', '/', '%', '<', '<=', '>', '>='].map((operator) => [`_${operator}_`, operator] as const),
  ['@in', 'in'],
]);
const UNARY: ReadonlyMap<string, string> = new Map([
  ['-_', '-'],
  ['!_', '!'],
]);
/** As CEL names operators, which are looked at by themselves. */
const OPERATOR = /^[_@!-]/;
const COMPARING = new Set(['<', '<=', '>', '>=']);
/** Functions that give a string, or fail. */
const STRINGS = new Set(['string', 'join', 'replace', 'lowerAscii', 'upperAscii', 'trim', 'substring', 'format', 'charAt']);
const HAS_OPERATOR = /[-+*/%<>!?(]|\bin\b/;

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
        const range = iterRange === undefined ? null : this.typeOf(iterRange, bound);
        if (range !== null && range !== 'array' && range !== 'object')
          this.#refuse(expr, `Only arrays and objects can be iterated, and this is ${words[range]}.`);
        for (const part of [loopCondition, loopStep, result]) if (part !== undefined) this.typeOf(part, inside);
        return accuInit?.exprKind.case === 'listExpr' ? 'array' : null;
      }
      case 'selectExpr':
        if (exprKind.value.operand !== undefined) this.typeOf(exprKind.value.operand, bound);
        return this.#typeOfForm(expr, bound);
      case 'callExpr': {
        const { function: name, target, args } = exprKind.value;
        const of = target === undefined ? undefined : this.typeOf(target, bound);
        const types = args.map((arg) => this.typeOf(arg, bound));
        if (shapesOf(name) !== undefined && !OPERATOR.test(name)) this.#checkCall(expr, name, of, types);
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

  #checkCall(expr: Expr, name: string, target: ValueType | null | undefined, types: readonly (ValueType | null)[]): void {
    if (takesCall(name, target, types)) return;
    const given = [target, ...types].flatMap((type) => (type === null || type === undefined ? [] : [words[type]]));
    this.#refuse(expr, `\`${name}\` cannot be applied to ${given.join(' and ')}.`);
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
