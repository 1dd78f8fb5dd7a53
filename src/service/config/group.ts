/** A part of the configuration that a process asks for or not: its variables, and the object made of them. */
import type { Static, TObject, TProperties } from 'typebox';
import type { VariableError } from './errors.ts';

export type Group<Variables extends TProperties, Values> = {
  /** Its heading in docs/configuration.md. */
  readonly title: string;
  readonly variables: Variables;
  /** Variables that make no sense alone: `{ A: ['B'] }` wants B where A is set. */
  readonly together?: Readonly<Record<string, readonly string[]>>;
  /** What else must fit together. It gets given and default values before they are checked, and says nothing of invalid ones. */
  readonly check?: (given: Unchecked) => readonly VariableError[];
  readonly read: (values: Static<TObject<Variables>>) => Values;
};

/** By the names of variables; strings where they were given. */
export type Unchecked = Readonly<Record<string, string | number | boolean | undefined>>;

export function defineGroup<Variables extends TProperties, Values>(group: Group<Variables, Values>): Group<Variables, Values> {
  return group;
}

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
export const MIB = 1_048_576;
