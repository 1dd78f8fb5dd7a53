/**
 * Secrets by reference. The core never sees a value: where a definition writes `${ secrets.NAME }`, the input of the task
 * holds that text, and the task says beside its input at which places it is a reference. Text of that shape that came from
 * data is at no such place, so nobody reads a secret by sending its name.
 */

/** What variables of an environment and files can be called too. */
const SECRET_NAME = /^[A-Za-z][A-Za-z0-9_]{0,63}$/;

export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}

/** How the value is written where it stands: as it is, as a part of a url, or as what a longer url begins with. */
export type SecretEncoding = (typeof secretEncodings)[number];
export const secretEncodings = ['none', 'component', 'base'] as const;

/** One place in the input of a task where the worker puts a secret. */
export type SecretUse = {
  /** JSON pointer to the string. */
  readonly pointer: string;
  /** Where the reference begins in it, in UTF-16 units. Uses in one string stand in their order. */
  readonly offset: number;
  readonly name: string;
  readonly encoding: SecretEncoding;
};

/** What stands in the place of the value, in messages, tables, history and views. */
export function secretReference(name: string): string {
  return `\${ secrets.${name} }`;
}

/** The name behind `secrets.`, whatever it is; null when the source is no such reference. */
export function readSecretReference(source: string): string | null {
  return /^\s*secrets\s*\.\s*(\w+)\s*$/.exec(source)?.[1] ?? null;
}
