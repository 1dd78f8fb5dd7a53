/**
 * Secrets by reference. The core never sees a value: where a definition writes `${ secrets.NAME }`, the input of the task holds
 * that text, and the task says beside its input at which places it is a reference. A string of that form that came from data is
 * not at such a place, so nobody can read a secret by sending its name.
 */

/** Every such name can also be the name of an environment variable and of a file. */
const SECRET_NAME = /^[A-Za-z][A-Za-z0-9_]{0,63}$/;

export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}

/** How the value is inserted: as it is, as a component of a url, or as the beginning of a url. */
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

/** The placeholder for the value in messages, tables, history and views. */
export function secretReference(name: string): string {
  return `\${ secrets.${name} }`;
}

/** The name after `secrets.`, valid or not; null when the source is not such a reference. */
export function readSecretReference(source: string): string | null {
  return /^\s*secrets\s*\.\s*(\w+)\s*$/.exec(source)?.[1] ?? null;
}
