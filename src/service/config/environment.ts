/**
 * The environment as the schemas see it: empty variables are left out, which is how compose files unset them, and
 * `NAME_FILE` is replaced by what the file holds. Reads files only for variables that may be given so.
 */
import { readFileSync } from 'node:fs';
import type { VariableError } from './errors.ts';
import type { Variable } from './variable.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export type Given = { readonly values: Readonly<Record<string, string>>; readonly errors: readonly VariableError[] };

export function readEnvironment(env: Environment, variables: Readonly<Record<string, Variable>>): Given {
  const values: Record<string, string> = {};
  const errors: VariableError[] = [];
  for (const [name, { secret = false, file = secret }] of Object.entries(variables)) {
    const direct = env[name]?.trim() ?? '';
    const path = file ? (env[`${name}_FILE`]?.trim() ?? '') : '';
    if (direct !== '' && path !== '') errors.push({ name, given: `set, and ${name}_FILE too`, expected: 'one of the two' });
    if (path === '') {
      if (direct !== '') values[name] = direct;
      continue;
    }
    try {
      values[name] = readFileSync(path, 'utf8').trim();
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
      errors.push({ name: `${name}_FILE`, given: `"${path}"`, expected: `a file that can be read (${code})` });
    }
  }
  return { values, errors };
}
