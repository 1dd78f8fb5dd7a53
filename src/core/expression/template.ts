/**
 * JSON with `${ … }` in its strings. A string that is one whole expression gives the expression's value; any other is
 * interpolated. Keys are never evaluated. All expressions of a template share one budget.
 */

import type { Json } from '../json.ts';
import { pointerTo } from '../json-pointer.ts';
import { err, ok, type Result } from '../result.ts';
import { isSecretName, readSecretReference, type SecretUse, secretReference } from '../secrets.ts';
import { compileProgram, type Program } from './compile.ts';
import { ExpressionError } from './error.ts';
import { Abort, Evaluation } from './evaluation.ts';
import { type Part, splitPlaceholders } from './placeholders.ts';
import type { CompileOptions, Encode, Reference, Template, TemplateError } from './types.ts';
import { textUnits } from './walk-cost.ts';

/** Levels of arrays and objects in each other. */
const LEVELS_MAX = 500;

/** Undefined when nothing below is an expression: then the value is always the same. */
type Evaluate = (evaluation: Evaluation) => Json;
type Compound =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'program'; readonly program: Program; readonly encode: Encode | null }
  | { readonly kind: 'secret'; readonly use: Omit<SecretUse, 'offset'> };
type Compiled = { readonly value: Json; readonly evaluate: Evaluate | undefined };

export function compileTemplate(value: Json, options?: CompileOptions): Result<Template, readonly TemplateError[]> {
  const compiler = new TemplateCompiler(options);
  const { value: constant, evaluate } = compiler.compile(value, '', 1);
  if (compiler.errors.length > 0) return err(compiler.errors);
  const { references } = compiler;
  if (evaluate === undefined) return ok({ references, isConstant: true, evaluate: () => constant });
  return ok({ references, isConstant: false, evaluate: (scope, options) => evaluate(new Evaluation(scope, options)) });
}

type ExpressionPart = Extract<Part, { readonly kind: 'expression' }>;
type PartPlace = { readonly pointer: string; readonly parts: readonly Part[]; readonly index: number; readonly encode: Encode | null };

const NO_SECRETS_HERE =
  'A secret can stand in the url, query, headers, form and body of an `http` node and in the input of a `task`, and nowhere else: here its value would be stored.';

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
      const compound =
        part.kind === 'text' ? part : this.#expression(part, { pointer, parts: split.parts, index, encode: encoders?.[index] ?? null });
      if (compound !== null) parts.push(compound);
    }
    const [only] = parts;
    if (parts.length === 1 && only?.kind === 'text') return { value: only.text, evaluate: undefined };
    if (parts.length === 1 && only?.kind === 'program') return { value: text, evaluate: only.program.run };
    return { value: text, evaluate: (evaluation) => interpolate(parts, evaluation) };
  }

  #expression({ source, offset }: ExpressionPart, { pointer, parts, index, encode }: PartPlace): Compound | null {
    const name = readSecretReference(source);
    if (name === null || (this.#options?.roots ?? []).includes('secrets')) {
      const program = this.#program(source, offset, pointer);
      return program === null ? null : { kind: 'program', program, encode };
    }
    const encoding = this.#options?.secrets?.(pointer, parts, index) ?? { refused: NO_SECRETS_HERE };
    const problem = isSecretName(name) ? null : 'The name of a secret is a letter, then letters, digits and _, at most 64 characters.';
    if (problem === null && typeof encoding === 'string') return { kind: 'secret', use: { pointer, name, encoding } };
    this.errors.push({ pointer, message: problem ?? (typeof encoding === 'string' ? '' : encoding.refused), offset });
    return null;
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
  for (const part of parts) {
    if (part.kind === 'text') text += part.text;
    else if (part.kind === 'secret') {
      evaluation.noteSecret({ ...part.use, offset: text.length });
      text += secretReference(part.use.name);
    } else text += part.encode === null ? shown(part.program, evaluation) : part.encode(shown(part.program, evaluation));
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
