/** The types of the expression engine: scopes, references, errors at deploy and at run time. */
import type { Json } from '../json.ts';
import type { SecretEncoding, SecretUse } from '../secrets.ts';
import type { Part } from './placeholders.ts';

export type { Part };

/** Why a source cannot be compiled. A plain sentence, and where in the source (UTF-16 offset) when that is known. */
export type CompileError = { readonly message: string; readonly offset?: number };

/** An error in a template, with the JSON pointer to the string inside the template. */
export type TemplateError = CompileError & { readonly pointer: string };

/**
 * A root and the path an expression reads, as far as both are static: `nodes.approve.output.x` is
 * `{ root: 'nodes', path: ['approve', 'output', 'x'] }`; a computed key or an index ends the path.
 */
export type Reference = {
  readonly root: string;
  readonly path: readonly string[];
  readonly offset: number;
  /** `has(…)` asks whether the last member is there. */
  readonly isTested?: true;
};

/** The data an expression sees, by root. It must never change afterwards, since the cost of walking it is cached. */
export type Scope = { readonly [root: string]: Json | undefined };

/** The roots an expression may name when a caller says nothing else. */
export const ROOTS = ['input', 'vars', 'nodes', 'instance', 'item', 'index', 'event', 'last', 'now'] as const;

/** Encodes the value of an expression for the string around it. */
export type Encode = (text: string) => string;

/** For a string with expressions in it: an encoder for each of its parts, null for those that stay as they are. */
export type Encoders = (pointer: string, parts: readonly Part[]) => readonly (Encode | null)[] | null;

/** Whether the expression at `index` of these parts may be a secret, and how it is written there; else why not, in a sentence. */
export type SecretPlaces = (pointer: string, parts: readonly Part[], index: number) => SecretEncoding | { readonly refused: string };

export type CompileOptions = {
  readonly roots?: readonly string[];
  readonly encoders?: Encoders;
  /** Absent: no secret may stand in the template. */
  readonly secrets?: SecretPlaces;
};

/** Adds up the work of many evaluations; each may do no more than is left of `max`. */
export type Meter = { units: number; readonly max?: number };

export type EvaluateOptions = {
  /** Largest number of units of work of one evaluation; default 100,000. */
  readonly fuel?: number;
  /** The evaluation adds the places of secrets here. */
  readonly secrets?: SecretUse[];
  readonly meter?: Meter;
};

/** Bare CEL. Throws only ExpressionError. */
export type Expression = {
  readonly source: string;
  readonly references: readonly Reference[];
  evaluate(scope: Scope, options?: EvaluateOptions): Json;
};

/** JSON with strings `${ … }` in it; keys are never evaluated. Throws only ExpressionError. */
export type Template = {
  readonly references: readonly Reference[];
  /** No string in it is an expression: `evaluate` gives the same value whatever the scope. */
  readonly isConstant: boolean;
  evaluate(scope: Scope, options?: EvaluateOptions): Json;
};
