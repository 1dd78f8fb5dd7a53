/**
 * One evaluation: the data it sees and the fuel it has left. CEL's functions are found by name and get values only, so the current
 * evaluation is kept in this module for them. That is safe: evaluations are synchronous and never nested.
 */
import { own } from '../record.ts';
import type { SecretUse } from '../secrets.ts';
import type { ExpressionErrorCode } from './error.ts';
import type { EvaluateOptions, Meter, Scope } from './types.ts';

/** Default units of work of one evaluation: a hostile expression ends within a quarter of a second. */
export const DEFAULT_FUEL = 100_000;

/** An error that a macro discards takes as long as several rounds: it is an object of its own, and so is each that holds it. */
export const FAILURE_UNITS = 3;

/** Thrown to end an evaluation from any depth; becomes an ExpressionError where the source is known. */
export class Abort extends Error {
  readonly code: ExpressionErrorCode;

  constructor(code: ExpressionErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

export class Evaluation {
  readonly #scope: Scope;
  readonly #secrets: SecretUse[] | undefined;
  readonly #meter: Meter | undefined;
  #fuel: number;
  /** Kept here as well as thrown, since the library turns what is thrown into a value that `true || …` would swallow. */
  #abort: Abort | null = null;

  constructor(scope: Scope, { fuel = DEFAULT_FUEL, meter, secrets }: EvaluateOptions = {}) {
    this.#scope = scope;
    this.#fuel = meter?.max === undefined ? fuel : Math.min(fuel, Math.max(0, meter.max - meter.units));
    this.#meter = meter;
    this.#secrets = secrets;
  }

  get fuel(): number {
    return this.#fuel;
  }

  get aborted(): Abort | null {
    return this.#abort;
  }

  charge(units: number): void {
    this.#fuel -= units;
    if (this.#meter !== undefined) this.#meter.units += units;
    if (this.#fuel < 0)
      throw this.abort(
        'MR_EXPRESSION_FUEL',
        'The expression did more work than one evaluation may do: make it simpler, or give it less data.',
      );
  }

  abort(code: ExpressionErrorCode, message: string): Abort {
    this.#abort ??= new Abort(code, message);
    return this.#abort;
  }

  noteSecret(use: SecretUse): void {
    if (this.#secrets === undefined) throw new Error('Bug: a template with secrets is evaluated where nobody asks for their places');
    this.#secrets.push(use);
  }

  valueOf(root: string): Scope[string] {
    return own(this.#scope, root);
  }
}

let current: Evaluation | null = null;

/** In CEL errors are values, and macros may discard thousands of them. A stack trace for each would cost ten times the rest. */
export function runWithin<T>(evaluation: Evaluation, work: () => T): T {
  const outer = current;
  const { stackTraceLimit } = Error;
  current = evaluation;
  Error.stackTraceLimit = 0;
  try {
    return work();
  } finally {
    current = outer;
    Error.stackTraceLimit = stackTraceLimit;
  }
}

export function currentEvaluation(): Evaluation {
  if (current === null) throw new Error('Bug: a function of an expression was called outside of an evaluation');
  return current;
}

export function charge(units: number): void {
  currentEvaluation().charge(units);
}
