/**
 * JSON with `${ … }` in its strings. A string that is one whole expression gives the expression's value; any other is
 * interpolated. Keys are never evaluated. All expressions of a template share one budget.
 */

import type { Json } from '../json.ts';
import { pointerTo } from '../json-pointer.ts';
import { err, ok, type Result } from '../result.ts';
import { compileProgram, type Program } from './compile.ts';
import { ExpressionError } from './error.ts';
import { Abort, Evaluation } from './evaluation.ts';
import { splitPlaceholders } from './placeholders.ts';
import type { CompileOptions, Encode, Reference, Template, TemplateError } from './types.ts';
import { textUnits } from './weight.ts';

/** Levels of arrays and objects in each other. */
const LEVELS_MAX = 500;

/** Undefined when nothing below is an expression: then the value is always the same. */
type Evaluate = (evaluation: Evaluation) => Json;
type Compound = { readonly value: string | Program; readonly encode: Encode | null };
type Compiled = { readonly value: Json; readonly evaluate: Evaluate | undefined };

export function compileTemplate(value: Json, options?: CompileOptions): Result<Template, readonly TemplateError[]> {
  const compiler = new TemplateCompiler(options);
  const { value: constant, evaluate } = compiler.compile(value, '', 1);
  if (compiler.errors.length > 0) return err(compiler.errors);
  const { references } = compiler;
  if (evaluate === undefined) return ok({ references, isConstant: true, evaluate: () => constant });
  return ok({ references, isConstant: false, evaluate: (scope, { fuel } = {}) => evaluate(new Evaluation(scope, fuel)) });
}

class TemplateCompiler {
  readonly errors: TemplateError[] = [];
  readonly references: Reference[] = [];
  readonly #options: CompileOptions | undefined;

  constructor(options: CompileOptions | undefined) {
    this.#options = options;
  }

  compile(value: Json, pointer: string, level: number): Compiled {
    if (typeof value === 'string') return this.#text(value, pointer);
    if (typeof value !== 'object' || value === null) return { value, evaluate: undefined };
    if (level > LEVELS_MAX) {
      this.errors.push({ pointer, message: `The value is nested deeper than ${LEVELS_MAX} levels.` });
      return { value, evaluate: undefined };
    }
    if (Array.isArray(value)) return this.#list(value, pointer, level);
    return this.#object(Object.entries(value as { [key: string]: Json }), pointer, level);
  }

  #list(value: readonly Json[], pointer: string, level: number): Compiled {
    const items = value.map((item, index) => this.compile(item, `${pointer}/${index}`, level + 1));
    const constant = items.map((item) => item.value);
    if (items.every(({ evaluate }) => evaluate === undefined)) return { value: constant, evaluate: undefined };
    return { value: constant, evaluate: (evaluation) => items.map((item) => evaluated(item, evaluation)) };
  }

  /** Through entries, which makes `__proto__` a key like any other. */
  #object(entries: readonly (readonly [string, Json])[], pointer: string, level: number): Compiled {
    const members = entries.map(([key, member]) => [key, this.compile(member, pointerTo(pointer, key), level + 1)] as const);
    const constant = Object.fromEntries(members.map(([key, member]) => [key, member.value]));
    if (members.every(([, { evaluate }]) => evaluate === undefined)) return { value: constant, evaluate: undefined };
    return {
      value: constant,
      evaluate: (evaluation) => Object.fromEntries(members.map(([key, member]) => [key, evaluated(member, evaluation)])),
    };
  }

  #text(text: string, pointer: string): Compiled {
    const split = splitPlaceholders(text);
    if (!split.ok) {
      this.errors.push({ pointer, message: 'An expression begins with "${" here, but no "}" ends it.', offset: split.offset });
      return { value: text, evaluate: undefined };
    }
    const parts: Compound[] = [];
    const encoders = this.#options?.encoders?.(pointer, split.parts);
    for (const [index, part] of split.parts.entries()) {
      const value = part.kind === 'text' ? part.text : this.#program(part.source, part.offset, pointer);
      if (value !== null) parts.push({ value, encode: encoders?.[index] ?? null });
    }
    const [only] = parts;
    if (parts.length === 1 && only !== undefined) {
      return typeof only.value === 'string' ? { value: only.value, evaluate: undefined } : { value: text, evaluate: only.value.run };
    }
    return { value: text, evaluate: (evaluation) => interpolate(parts, evaluation) };
  }

  #program(source: string, offset: number, pointer: string): Program | null {
    const compiled = compileProgram(source, this.#options);
    if (compiled.ok) {
      for (const reference of compiled.value.references) this.references.push({ ...reference, offset: offset + reference.offset });
      return compiled.value;
    }
    for (const error of compiled.error) this.errors.push({ pointer, ...error, offset: offset + (error.offset ?? 0) });
    return null;
  }
}

function evaluated({ value, evaluate }: Compiled, evaluation: Evaluation): Json {
  return evaluate === undefined ? value : evaluate(evaluation);
}

function interpolate(parts: readonly Compound[], evaluation: Evaluation): string {
  let text = '';
  for (const { value, encode } of parts) {
    if (typeof value === 'string') text += value;
    else text += encode === null ? shown(value, evaluation) : encode(shown(value, evaluation));
  }
  return text;
}

/** Integers print as `22`, null as `null`, objects and arrays as compact JSON. */
function shown(program: Program, evaluation: Evaluation): string {
  const value = program.run(evaluation);
  if (typeof value === 'string') return value;
  const text = typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value);
  try {
    evaluation.charge(textUnits(text.length));
  } catch (error) {
    if (error instanceof Abort) throw new ExpressionError(error.code, error.message, program.source);
    throw error;
  }
  return text;
}
