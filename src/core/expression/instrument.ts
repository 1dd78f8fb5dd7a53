/**
 * Checks the tree of an expression and rewrites it at deploy, so that all work is charged: every function is replaced by its
 * wrapper (functions/guard.ts), every iteration of a comprehension is charged, and names are resolved against the roots only. It
 * also collects the references of the expression.
 */
import type { parse } from '@bufbuild/cel';
import { guardedName } from './functions/guard.ts';
import { MAP_LITERAL, RANGE, ROOT, ROUND, shapesOf, VARIABLE } from './functions/index.ts';
import { CONSTANT_MATCHES, patternError } from './functions/matches.ts';
import { OPTIONAL_MEMBER } from './functions/optionals.ts';
import { keyedCall } from './macros.ts';
import type { CompileError, Reference } from './types.ts';

type Parsed = ReturnType<typeof parse>;
export type Expr = NonNullable<Parsed['expr']>;
type Kind = Expr['exprKind'];
type Call = Extract<Kind, { case: 'callExpr' }>['value'];
type Comprehension = Extract<Kind, { case: 'comprehensionExpr' }>['value'];
type Struct = Extract<Kind, { case: 'structExpr' }>['value'];

/** Levels of a tree; each costs a few frames of the stack, here and at every evaluation. */
const DEPTH_MAX = 200;
/** Nodes of a comprehension's body that one unit pays for. */
const NODES_PER_UNIT = 8;
const INT_MAX = 2n ** 63n - 1n;
const UINT_MAX = 2n ** 64n - 1n;

/** What the library evaluates itself, instead of calling a function. */
const BUILT_IN = new Set(['_[_]', '_?_:_', '_&&_', '_||_', '@not_strictly_false']);
const TYPES = new Set(['bool', 'int', 'uint', 'double', 'string', 'bytes', 'list', 'map', 'null_type', 'type']);
const MESSAGE_TYPES = new Set(['google.protobuf.Timestamp', 'google.protobuf.Duration']);
/** Macros: the parser expands them, but only when they are written like this. */
const MACROS: ReadonlyMap<string, string> = new Map([
  ['has', 'has(input.name)'],
  ['all', 'list.all(x, x > 0)'],
  ['exists', 'list.exists(x, x > 0)'],
  ['exists_one', 'list.exists_one(x, x > 0)'],
  ['existsOne', 'list.existsOne(x, x > 0)'],
  ['filter', 'list.filter(x, x > 0)'],
  ['map', 'list.map(x, x + 1)'],
  ['sortBy', 'list.sortBy(x, x.name)'],
  ['groupBy', 'list.groupBy(x, x.name)'],
]);
/** Functions that return an optional value, whose members are optional too. */
const GIVE_OPTIONALS = new Set(['of', 'none', 'ofNonZeroValue', 'or', 'first', 'last']);

export type Instrumented = {
  readonly expr: Expr;
  readonly references: readonly Reference[];
  readonly errors: readonly CompileError[];
  /** The members that are read, by the ids of the nodes that read them. */
  readonly members: ReadonlyMap<string, string>;
};

/** @param marks places of `.` and `[` that had a `?` after them. */
export function instrument(parsed: Parsed, roots: readonly string[], marks: ReadonlySet<number>): Instrumented {
  const { expr, sourceInfo } = parsed;
  if (expr === undefined) return unusable({ message: 'There is no expression.' });
  const instrumenter = new Instrumenter(sourceInfo?.positions ?? {}, roots, marks);
  try {
    const { references, errors, members } = instrumenter;
    const rewritten = instrumenter.rewrite(expr, new Set(), 1);
    instrumenter.checkMarks();
    return { expr: rewritten, references, errors, members };
  } catch (error) {
    if (error instanceof TooDeep) return unusable(error.error);
    throw error;
  }
}

function unusable(error: CompileError): Instrumented {
  return { expr: NOTHING, references: [], errors: [error], members: new Map() };
}

const NOTHING: Expr = { $typeName: 'cel.expr.Expr', id: 0n, exprKind: { case: undefined } };

class TooDeep extends Error {
  readonly error: CompileError;

  constructor(error: CompileError) {
    super(error.message);
    this.error = error;
  }
}

type Bound = ReadonlySet<string>;

class Instrumenter {
  readonly references: Reference[] = [];
  readonly errors: CompileError[] = [];
  readonly members = new Map<string, string>();
  readonly #positions: { readonly [id: string]: number };
  readonly #roots: ReadonlySet<string>;
  /** What is taken from a member: where it is no name, it may be the rest of one with a dash. */
  #subtracted: Expr | null = null;
  readonly #marks: ReadonlySet<number>;
  readonly #readMarks = new Set<number>();
  #nodes = 0;

  constructor(positions: { readonly [id: string]: number }, roots: readonly string[], marks: ReadonlySet<number>) {
    this.#positions = positions;
    this.#roots = new Set(roots);
    this.#marks = marks;
  }

  /** Every `?` was removed from the source, so one that belongs to no member must be refused here. */
  checkMarks(): void {
    for (const offset of this.#marks)
      if (!this.#readMarks.has(offset))
        this.errors.push({
          message: 'This `?` does not belong to a member: write `input.?name` or `list[?0]`, and not inside of `has(…)`.',
          offset,
        });
  }

  /** @param isNoted the chain of members that this is part of has been noted as a whole. */
  rewrite(expr: Expr, bound: Bound, depth: number, isNoted = false): Expr {
    if (depth > DEPTH_MAX) {
      throw new TooDeep({ message: `The expression is nested deeper than ${DEPTH_MAX} levels.`, offset: this.#offsetOf(expr) });
    }
    this.#nodes++;
    const into = (exprKind: Kind): Expr => ({ $typeName: 'cel.expr.Expr', id: expr.id, exprKind });
    const kind = expr.exprKind;
    switch (kind.case) {
      case 'constExpr':
        this.#checkConstant(expr);
        return expr;
      case 'identExpr':
        return this.#name(expr, kind.value.name, bound, isNoted);
      case 'selectExpr': {
        const { operand } = kind.value;
        if (operand === undefined || isMessageType(expr)) return expr;
        if (this.#isOptional(expr)) return this.#optionalMember(expr, operand, constant(expr, stringOf(kind.value.field)), bound, depth);
        if (kind.value.testOnly && this.#isOptional(operand))
          this.#refuse(expr, '`has(…)` cannot take an optional value: write `input.?a.?b.hasValue()`.');
        if (!isNoted) this.#note(expr, bound);
        this.members.set(String(expr.id), kind.value.field);
        return into({ case: 'selectExpr', value: { ...kind.value, operand: this.rewrite(operand, bound, depth + 1, true) } });
      }
      case 'callExpr':
        return this.#call(expr, kind.value, bound, depth, isNoted);
      case 'listExpr': {
        const elements = kind.value.elements.map((element) => this.rewrite(element, bound, depth + 1));
        return into({ case: 'listExpr', value: { ...kind.value, elements } });
      }
      case 'structExpr':
        return call(expr, MAP_LITERAL, [into({ case: 'structExpr', value: this.#struct(expr, kind.value, bound, depth) })]);
      case 'comprehensionExpr':
        return into({ case: 'comprehensionExpr', value: this.#comprehension(kind.value, bound, depth) });
      default:
        this.#refuse(expr, 'A part of this is not an expression.');
        return expr;
    }
  }

  #name(expr: Expr, name: string, bound: Bound, isNoted: boolean): Expr {
    // The accumulator of a comprehension; no source can write such a name.
    if (name.startsWith('@')) return expr;
    if (bound.has(name)) return call(expr, VARIABLE, [expr]);
    if (this.#roots.has(name)) {
      if (!isNoted) this.#note(expr, bound);
      return call(expr, ROOT, [constant(expr, stringOf(name))]);
    }
    if (TYPES.has(name)) return expr;
    if (name === 'secrets') {
      this.#refuse(
        expr,
        'An expression cannot compute with `secrets`: write `${ secrets.NAME }` by itself, and the worker puts the value in its place.',
      );
      return expr;
    }
    const known = [...this.#roots].map((root) => `\`${root}\``).join(', ');
    const hint = this.#subtracted === expr ? " A name with a dash stands in brackets: `nodes['a-b']`." : '';
    this.#refuse(expr, `There is nothing called \`${short(name)}\` here, only ${known}.${hint}`);
    return expr;
  }

  #note(expr: Expr, bound: Bound): void {
    const reference = this.#referenceOf(expr, bound);
    if (reference !== null) this.references.push(reference);
  }

  /** Iterative, since the depth below has not been checked yet. */
  #referenceOf(expr: Expr, bound: Bound): Reference | null {
    const members: (string | null)[] = [];
    const isTested = expr.exprKind.case === 'selectExpr' && expr.exprKind.value.testOnly;
    let at: Expr | undefined = expr;
    while (at !== undefined) {
      const { exprKind }: Expr = at;
      if (exprKind.case === 'identExpr') return this.#referenceFrom(at, exprKind.value.name, members.reverse(), bound, isTested);
      if (this.#isOptional(at)) return null;
      if (exprKind.case === 'selectExpr') {
        members.push(exprKind.value.field);
        at = exprKind.value.operand;
      } else if (exprKind.case === 'callExpr' && exprKind.value.function === '_[_]') {
        const [operand, key]: Expr[] = exprKind.value.args;
        members.push(key === undefined ? null : textOf(key));
        at = operand;
      } else return null;
    }
    return null;
  }

  #referenceFrom(expr: Expr, root: string, members: readonly (string | null)[], bound: Bound, isTested: boolean): Reference | null {
    if (bound.has(root) || !this.#roots.has(root)) return null;
    const end = members.indexOf(null);
    const path = (end < 0 ? members : members.slice(0, end)).filter((member) => member !== null);
    return { root, path, offset: this.#offsetOf(expr), ...(isTested && end < 0 ? { isTested } : {}) };
  }

  #call(expr: Expr, value: Call, bound: Bound, depth: number, isNoted: boolean): Expr {
    // `nodes.a-b.output` subtracts b.output from nodes.a.
    if (value.function === '_-_' && value.args[0]?.exprKind.case === 'selectExpr') this.#subtracted = rootOf(value.args[1]);
    const { function: name, target, args } = value;
    const rewritten = (part: Expr): Expr => this.rewrite(part, bound, depth + 1);
    const keyed = keyedCall(expr);
    if (keyed !== null) return call(expr, keyed.name, [rewritten(keyed.pairs)]);
    if (name === '_[_]') {
      const [operand, key] = args;
      if (operand !== undefined && key !== undefined && this.#isOptional(expr))
        return this.#optionalMember(expr, operand, key, bound, depth);
      if (!isNoted) this.#note(expr, bound);
      return this.#index(expr, args, bound, depth);
    }
    if (BUILT_IN.has(name)) return plainCall(expr, name, undefined, args.map(rewritten));
    const qualified = target === undefined ? null : qualifiedName(target, name);
    if (qualified !== null && shapesOf(qualified) !== undefined) {
      this.#checkCall(expr, qualified, false, args.length);
      return call(expr, qualified, args.map(rewritten));
    }
    this.#checkCall(expr, name, target !== undefined, args.length);
    const all = { target: target === undefined ? undefined : rewritten(target), args: args.map(rewritten) };
    return plainCall(expr, guardedName(name === 'matches' ? this.#matchesOf(expr, args) : name), all.target, all.args);
  }

  /** A member of an optional value is optional too. Iterative, like `#referenceOf`. */
  #isOptional(expr: Expr): boolean {
    for (let at: Expr | undefined = expr; at !== undefined; at = operandOf(at)) {
      if (this.#marks.has(this.#offsetOf(at)) && operandOf(at) !== undefined) return true;
      if (at !== expr && at.exprKind.case === 'callExpr' && GIVE_OPTIONALS.has(at.exprKind.value.function)) return true;
    }
    return false;
  }

  #optionalMember(expr: Expr, operand: Expr, key: Expr, bound: Bound, depth: number): Expr {
    this.#readMarks.add(this.#offsetOf(expr));
    return call(expr, OPTIONAL_MEMBER, [this.rewrite(operand, bound, depth + 1), this.rewrite(key, bound, depth + 1)]);
  }

  /** A constant key is recorded as a member, so that an error names it. */
  #index(expr: Expr, [operand, key]: readonly Expr[], bound: Bound, depth: number): Expr {
    if (operand === undefined || key === undefined) return expr;
    const inside = this.rewrite(operand, bound, depth + 1, true);
    const field = textOf(key);
    if (field !== null) {
      this.members.set(String(expr.id), field);
      const value = { $typeName: 'cel.expr.Expr.Select', operand: inside, field, testOnly: false } as const;
      return { $typeName: 'cel.expr.Expr', id: expr.id, exprKind: { case: 'selectExpr', value } };
    }
    // The library gives errors of an index the id of what stands before it, which would name the wrong member.
    return plainCall(expr, '_[_]', undefined, [call(expr, VARIABLE, [inside]), this.rewrite(key, bound, depth + 1)]);
  }

  #checkCall(expr: Expr, name: string, isMethod: boolean, count: number): void {
    const shapes = shapesOf(name);
    const shown = `\`${short(name)}\``;
    if (shapes === undefined) {
      const usage = MACROS.get(name);
      const hint = this.#roots.has(name) ? ` ${shown} is a value: leave out the brackets.` : '';
      this.#refuse(expr, usage === undefined ? `There is no function ${shown}.${hint}` : `${shown} is written like \`${usage}\`.`);
      return;
    }
    const fitting = isMethod ? shapes.methods : shapes.functions;
    if (fitting.has(count)) return;
    const usage = isMethod ? `with ${count} arguments after a value` : `with ${count} arguments and no value before it`;
    this.#refuse(expr, `The function ${shown} cannot be called ${usage}.`);
  }

  #matchesOf(expr: Expr, args: readonly Expr[]): string {
    const pattern = args.length === 1 && args[0] !== undefined ? textOf(args[0]) : null;
    if (pattern === null) return 'matches';
    const error = patternError(pattern);
    if (error !== null) this.#refuse(expr, `${error}.`);
    return CONSTANT_MATCHES;
  }

  #struct(expr: Expr, value: Struct, bound: Bound, depth: number): Struct {
    if (value.messageName !== '')
      this.#refuse(expr, 'An expression cannot make a message of a named type: make a map, such as `{"a": 1}`.');
    const entries = value.entries.map((entry) => {
      const { keyKind } = entry;
      const key = keyKind.case === 'mapKey' ? { case: keyKind.case, value: this.rewrite(keyKind.value, bound, depth + 1) } : keyKind;
      return entry.value === undefined ? entry : { ...entry, keyKind: key, value: this.rewrite(entry.value, bound, depth + 1) };
    });
    return { ...value, entries };
  }

  #comprehension(value: Comprehension, bound: Bound, depth: number): Comprehension {
    const { iterRange, accuInit, loopCondition, loopStep, result, iterVar } = value;
    if (!iterRange || !accuInit || !loopCondition || !loopStep || !result) return value;
    const inside = new Set([...bound, iterVar]);
    const over = this.rewrite(iterRange, bound, depth + 1);
    const before = this.#nodes;
    const condition = this.rewrite(loopCondition, inside, depth + 1);
    const step = this.rewrite(loopStep, inside, depth + 1);
    const units = BigInt(1 + Math.floor((this.#nodes - before) / NODES_PER_UNIT));
    return {
      ...value,
      iterRange: call(iterRange, RANGE, [over]),
      loopCondition: call(loopCondition, ROUND, [condition, constant(loopCondition, { case: 'int64Value', value: units })]),
      loopStep: step,
      accuInit: this.rewrite(accuInit, bound, depth + 1),
      result: this.rewrite(result, bound, depth + 1),
    };
  }

  #checkConstant(expr: Expr): void {
    if (expr.exprKind.case !== 'constExpr') return;
    const { constantKind } = expr.exprKind.value;
    const isTooLarge =
      (constantKind.case === 'int64Value' && (constantKind.value > INT_MAX || constantKind.value < -INT_MAX - 1n)) ||
      (constantKind.case === 'uint64Value' && constantKind.value > UINT_MAX);
    if (isTooLarge) this.#refuse(expr, 'An integer is too large: it must fit in 64 bits.');
  }

  #offsetOf(expr: Expr): number {
    return this.#positions[String(expr.id)] ?? 0;
  }

  #refuse(expr: Expr, message: string): void {
    this.errors.push({ message, offset: this.#offsetOf(expr) });
  }
}

/** The name with which a chain of members begins. */
function rootOf(expr: Expr | undefined): Expr | null {
  let at = expr;
  while (at?.exprKind.case === 'selectExpr') at = at.exprKind.value.operand;
  return at ?? null;
}

function plainCall(at: Expr, name: string, target: Expr | undefined, args: Expr[]): Expr {
  const value: Call = { $typeName: 'cel.expr.Expr.Call', function: name, args, ...(target === undefined ? {} : { target }) };
  return { $typeName: 'cel.expr.Expr', id: at.id, exprKind: { case: 'callExpr', value } };
}

function call(at: Expr, name: string, args: Expr[]): Expr {
  return plainCall(at, guardedName(name), undefined, args);
}

type ConstantKind = Extract<Kind, { case: 'constExpr' }>['value']['constantKind'];

function constant(at: Expr, constantKind: ConstantKind): Expr {
  return {
    $typeName: 'cel.expr.Expr',
    id: at.id,
    exprKind: { case: 'constExpr', value: { $typeName: 'cel.expr.Constant', constantKind } },
  };
}

function stringOf(value: string): ConstantKind {
  return { case: 'stringValue', value };
}

/** The operand of a member access; undefined for any other expression. */
function operandOf({ exprKind }: Expr): Expr | undefined {
  if (exprKind.case === 'selectExpr') return exprKind.value.testOnly ? undefined : exprKind.value.operand;
  return exprKind.case === 'callExpr' && exprKind.value.function === '_[_]' ? exprKind.value.args[0] : undefined;
}

function textOf({ exprKind }: Expr): string | null {
  if (exprKind.case !== 'constExpr') return null;
  const { constantKind } = exprKind.value;
  return constantKind.case === 'stringValue' ? constantKind.value : null;
}

/** Names such as `strings.quote`, where the part before the dot belongs to the name of the function. */
function qualifiedName({ exprKind }: Expr, name: string): string | null {
  return exprKind.case === 'identExpr' ? `${exprKind.value.name}.${name}` : null;
}

function isMessageType(expr: Expr): boolean {
  const names: string[] = [];
  let at: Expr | undefined = expr;
  while (at?.exprKind.case === 'selectExpr' && names.length < 3) {
    names.push(at.exprKind.value.field);
    at = at.exprKind.value.operand;
  }
  if (at?.exprKind.case !== 'identExpr') return false;
  return MESSAGE_TYPES.has([at.exprKind.value.name, ...names.reverse()].join('.'));
}

function short(name: string): string {
  return name.length > 60 ? `${name.slice(0, 59)}…` : name;
}
