/**
 * Reads the fields of one object of a document. A method that finds an error notes it and returns undefined, and the caller goes
 * on with a placeholder. So all errors are reported at once. If any error was noted, the result is not used.
 */

import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import { pointerTo } from '../json-pointer.ts';
import { own } from '../record.ts';
import { type DefinitionErrors, shown, suggest } from './errors.ts';

/** An object with as many fields at most has them listed where one is unknown. */
const LISTED_MAX = 8;

export class ObjectReader {
  readonly pointer: string;
  readonly object: JsonObject;
  readonly errors: DefinitionErrors;
  readonly #known = new Set<string>();

  constructor(object: JsonObject, pointer: string, errors: DefinitionErrors) {
    this.object = object;
    this.pointer = pointer;
    this.errors = errors;
  }

  /** The value as it is; undefined when absent. Makes the field known. */
  raw(name: string): Json | undefined {
    this.#known.add(name);
    return own(this.object, name);
  }

  /** Whether a reader asked for the field. */
  knows(name: string): boolean {
    return this.#known.has(name);
  }

  at(name: string): string {
    return pointerTo(this.pointer, name);
  }

  required(name: string, what: string): Json | undefined {
    const value = this.raw(name);
    if (value === undefined) this.errors.add(this.pointer, 'MR_DEF_MISSING_FIELD', `The field "${name}" is missing: give ${what}.`);
    return value;
  }

  string(name: string): string | undefined {
    const value = this.raw(name);
    if (value === undefined || (typeof value === 'string' && value !== '')) return value;
    return this.refuse(name, 'a string that is not empty');
  }

  boolean(name: string): boolean | undefined {
    const value = this.raw(name);
    if (value === undefined || typeof value === 'boolean') return value;
    return this.refuse(name, 'true or false');
  }

  integer(name: string, min: number, max: number): number | undefined {
    const value = this.raw(name);
    if (value === undefined || (typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max)) return value;
    return this.refuse(name, `an integer from ${min} to ${max}`);
  }

  oneOf<const Choice extends string>(name: string, choices: readonly Choice[]): Choice | undefined {
    const value = this.raw(name);
    if (value === undefined) return undefined;
    const found = choices.find((choice) => choice === value);
    const hint = typeof value === 'string' ? suggest(value, choices) : '';
    return found ?? this.refuse(name, `one of ${choices.map((choice) => `"${choice}"`).join(', ')}`, hint);
  }

  strings(name: string): readonly string[] | undefined {
    const value = this.raw(name);
    if (value === undefined) return undefined;
    if (Array.isArray(value) && value.every((item: Json) => typeof item === 'string' && item !== '')) return value as readonly string[];
    return this.refuse(name, 'an array of strings');
  }

  /** A nested object, with its own reader. */
  nested(name: string, expected = 'an object'): ObjectReader | undefined {
    const value = this.raw(name);
    if (value === undefined) return undefined;
    if (isJsonObject(value)) return new ObjectReader(value, this.at(name), this.errors);
    return this.refuse(name, expected);
  }

  array(name: string): readonly Json[] | undefined {
    const value = this.raw(name);
    if (value === undefined || Array.isArray(value)) return value as readonly Json[] | undefined;
    return this.refuse(name, 'an array');
  }

  refuse(name: string, expected: string, hint = ''): undefined {
    this.errors.add(this.at(name), 'MR_DEF_SHAPE', `"${name}" must be ${expected}.${hint}`);
    return undefined;
  }

  /** Notes every field that no reader asked for. */
  end(owner: string): void {
    for (const name of Object.keys(this.object)) {
      if (this.#known.has(name)) continue;
      const hint = suggest(name, this.#known);
      const all = [...this.#known].map((known) => `"${known}"`).join(', ');
      const only = hint === '' && this.#known.size <= LISTED_MAX ? `, only ${all}` : '';
      this.errors.add(this.at(name), 'MR_DEF_UNKNOWN_FIELD', `${owner} has no field ${shown(name)}${only}.${hint}`);
    }
  }
}
