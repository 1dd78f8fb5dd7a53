/** What is wrong with the environment, each variable in a plain sentence. Never repeats a secret or a login. */

/** `given` is null where nothing was, and says so where it is a secret. */
export type VariableError = { readonly name: string; readonly given: string | null; readonly expected: string };

export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly errors: readonly VariableError[];

  constructor(errors: readonly VariableError[]) {
    const lines = errors.map(
      ({ name, given, expected }) => `  ${name} ${given === null ? 'is not set' : `is ${given}`}: expected ${expected}.`,
    );
    super(`The configuration cannot be used:\n${lines.join('\n')}\nAll variables: docs/configuration.md`);
    this.errors = errors;
  }
}

const SHOWN_MAX = 100;

/** A value as an error may show it: a URL may hold a password where none belongs. */
export function shownValue(given: string, secret: boolean): string {
  return secret ? 'set (not shown)' : `"${given.replaceAll(/\/\/\S*@/g, '//***@').slice(0, SHOWN_MAX)}"`;
}
