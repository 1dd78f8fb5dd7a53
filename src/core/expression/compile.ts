/** Compiles bare CEL into a program that can be evaluated any number of times, each within a budget. */
import { type CelError, type CelValue, isCelError, parse, plan } from '@bufbuild/cel';
import { LRUCache } from 'lru-cache';
import { compiledInParts } from '../compilation.ts';
import type { Json } from '../json.ts';
import { err, ok, type Result } from '../result.ts';
import { ExpressionError } from './error.ts';
import { Abort, Evaluation, runWithin } from './evaluation.ts';
import { plainMessage } from './failure.ts';
import { environment } from './functions/index.ts';
import { instrument } from './instrument.ts';
import { takeOptionalSyntax } from './optional-syntax.ts';
import { toJson } from './to-json.ts';
import { type CompileError, type CompileOptions, type Expression, type Reference, ROOTS } from './types.ts';

/** Characters of a source. */
const SOURCE_LENGTH_MAX = 10_000;

/** An expression that is evaluated as a part of a template, and shares its evaluation. */
export type Program = {
  readonly source: string;
  readonly references: readonly Reference[];
  /** Throws only ExpressionError. */
  run(evaluation: Evaluation): Json;
};

/** Programs have no state, so one is shared by a deploy, its checks and later loads. */
const programs = new LRUCache<string, Program>({ max: 2_000, maxSize: 200_000, sizeCalculation: ({ source }) => source.length });

export function compileProgram(source: string, options: CompileOptions = {}): Result<Program, readonly CompileError[]> {
  const key = `${options.roots === undefined ? '' : JSON.stringify(options.roots)} ${source}`;
  const known = programs.get(key);
  if (known !== undefined) return ok(known);
  const compiled = compiledInParts(
    key,
    () => source.length,
    () => compileAnew(source, options),
  );
  if (compiled.ok) programs.set(key, compiled.value);
  return compiled;
}

function compileAnew(source: string, { roots = ROOTS }: CompileOptions): Result<Program, readonly CompileError[]> {
  if (source.trim() === '') return err([{ message: 'The expression is empty.' }]);
  if (source.length > SOURCE_LENGTH_MAX)
    return err([{ message: `The expression has ${source.length} characters, but may have at most ${SOURCE_LENGTH_MAX}.` }]);
  const { source: plain, marks } = takeOptionalSyntax(source);
  const parsed = parseSource(plain);
  if (!parsed.ok) return parsed;
  const { expr, references, errors, members } = instrument(parsed.value, roots, marks);
  if (errors.length > 0) return err(errors);
  const evaluate = plan(environment, expr);
  const names: Names = { source, members, positions: parsed.value.sourceInfo?.positions ?? {} };
  return ok({
    source,
    references,
    run: (evaluation) => runWithin(evaluation, () => resultOf(evaluate, evaluation, names)),
  });
}

export function compileExpression(source: string, options?: CompileOptions): Result<Expression, readonly CompileError[]> {
  const compiled = compileProgram(source, options);
  if (!compiled.ok) return compiled;
  const { references, run } = compiled.value;
  return ok({ source, references, evaluate: (scope, options) => run(new Evaluation(scope, options)) });
}

/** Members and places in the source by the ids of CEL's nodes, for messages of errors. */
type Names = {
  readonly source: string;
  readonly members: ReadonlyMap<string, string>;
  readonly positions: { readonly [id: string]: number };
};

function resultOf(evaluate: () => CelValue | CelError, evaluation: Evaluation, names: Names): Json {
  try {
    const value = evaluate();
    if (evaluation.aborted !== null) throw evaluation.aborted;
    if (isCelError(value)) throw new ExpressionError('MR_EXPRESSION_FAILED', sentenceOf(value, names), names.source);
    return toJson(value);
  } catch (error) {
    if (error instanceof Abort) throw new ExpressionError(error.code, error.message, names.source);
    throw error;
  }
}

function sentenceOf(error: CelError, { source, members, positions }: Names): string {
  const id = String(error.exprId);
  const offset = positions[id];
  // CEL reports the place of an operator with the white space before it.
  const place = offset === undefined ? '' : ` (at character ${source.length - source.slice(offset).trimStart().length + 1})`;
  return `${plainMessage(error, members.get(id))}${place}.`;
}

function parseSource(source: string): Result<ReturnType<typeof parse>, readonly CompileError[]> {
  try {
    return ok(parse(source));
  } catch (error) {
    // The parser throws for an invalid source, and runs out of stack when it is nested too deeply.
    if (error instanceof RangeError) return err([{ message: 'The expression is nested too deeply.' }]);
    return err([syntaxError(error, source)]);
  }
}

function syntaxError(error: unknown, source: string): CompileError {
  const offset = offsetOf(error);
  if (offset === undefined) return { message: 'This is not a CEL expression: a string or a number in it cannot be read.' };
  if (offset >= source.trimEnd().length) return { message: 'This is not a CEL expression: it ends too early.', offset };
  const word = /^\s*(\w+|\S)/.exec(source.slice(offset, offset + 40))?.[1] ?? '';
  return { message: `This is not a CEL expression: \`${word}\` was not expected here.${habitHint(word, source)}`, offset };
}

/** What those write who come from another language. */
function habitHint(word: string, source: string): string {
  if (source.includes('=>')) return ' Functions take a name and an expression: `list.map(x, x.name)`.';
  if (source.includes('??')) return ' A value that may be missing is `input.?name.orValue(0)`.';
  return HABITS[word] ?? '';
}

const HABITS: Readonly<Record<string, string>> = {
  '=': ' Compare with `==`.',
  and: ' Write `&&`.',
  or: ' Write `||`.',
  is: ' Compare with `==`.',
};

function offsetOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('location' in error)) return undefined;
  const { location } = error;
  if (typeof location !== 'object' || location === null || !('start' in location)) return undefined;
  const { start } = location;
  return typeof start === 'object' && start !== null && 'offset' in start && typeof start.offset === 'number' ? start.offset : undefined;
}
