/**
 * What one evaluation works with: the data it sees and the fuel it has left. CEL's functions are found by name and take
 * values only, so the evaluation under way is kept here for them; evaluations are synchronous and never run inside each
 * other's functions, so there is one at a time.
 */
import { own } from '../record.ts';
import type { SecretUse } from '../secrets.ts';
import type { ExpressionErrorCode } from './error.ts';
import type { EvaluateOptions, Meter, Scope } from './types.ts';

/** Units of work granted to one evaluation when the caller says nothing: hostile expressions end within a quarter of a second. */
export const DEFAULT_FUEL = 100_000;

/** Ends an evaluation from anywhere below it; becomes an ExpressionError where the source is known. */
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
  /** Kept although the library turns what is thrown into a value, which `true || …` would swallow. */
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
    if (this.#fuel < 0) throw this.abort('MR_EXPRESSION_FUEL', 'The expression did more work than one evaluation is granted.');
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

/** Errors are values of CEL, which `||` and macros swallow by the thousand: a stack trace would cost each of them ten times the rest. */
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
