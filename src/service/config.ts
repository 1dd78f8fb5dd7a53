/**
 * The configuration of a process: one frozen, typed object, read from the environment at start and checked whole, so that
 * a person sees every bad value at once. Relies on env-schema and on the groups of variables in config/. Never prints a
 * secret, and is never read again while the process runs.
 */
import type { ErrorObject } from 'ajv';
import { envSchema } from 'env-schema';
import { type TProperties, Type } from 'typebox';
import { type Environment, readEnvironment } from './config/environment.ts';
import { ConfigError, shownValue, type VariableError } from './config/errors.ts';
import type { Group } from './config/group.ts';
import { type ConfigGroup, groups } from './config/groups/index.ts';
import { createConfigAjv } from './config/keywords.ts';
import type { Variable } from './config/variable.ts';

export type { Environment } from './config/environment.ts';
export { ConfigError, type VariableError } from './config/errors.ts';
export type { Credentials } from './config/groups/credentials.ts';
export type { ConfigGroup } from './config/groups/index.ts';
export type { KafkaConfig } from './config/groups/kafka.ts';

/** Everything there is to set; a process holds the groups that it asked for. Times are in ms, sizes in bytes. */
export type Config = { readonly [Name in ConfigGroup]: Readonly<ReturnType<(typeof groups)[Name]['read']>> };

export type LogLevel = Config['log']['level'];

type AnyGroup = Omit<Group<TProperties, unknown>, 'read'> & { readonly read: (values: never) => unknown };

const ajv = createConfigAjv();

/**
 * @param wanted what the process needs; the rest is neither checked nor present. Default: everything.
 * @throws ConfigError with all errors at once.
 */
export function loadConfig(env: Environment): Config;
export function loadConfig<Name extends ConfigGroup>(env: Environment, wanted: readonly Name[]): Pick<Config, Name>;
export function loadConfig(env: Environment, wanted: readonly ConfigGroup[] = Object.keys(groups) as ConfigGroup[]): Partial<Config> {
  const parts = wanted.map((name): readonly [ConfigGroup, AnyGroup] => [name, groups[name]]);
  const variables: Variables = Object.assign({}, ...parts.map(([, group]) => group.variables));
  const given = readEnvironment(env, variables);
  const defaults = Object.fromEntries(Object.entries(variables).map(([name, variable]) => [name, variable.default]));
  const checked = validate(given.values, variables, Object.assign({}, ...parts.map(([, group]) => group.together)));
  const combined = parts.flatMap(([, group]) => group.check?.({ ...defaults, ...given.values }) ?? []);
  const errors = firstOfEach([...given.errors, ...checked.errors, ...combined]);
  if (errors.length > 0) throw new ConfigError(errors);
  return deepFreeze(Object.fromEntries(parts.map(([name, group]) => [name, group.read(checked.values as never)])));
}

type Variables = Readonly<Record<string, Variable>>;
type Checked = { readonly values: object; readonly errors: readonly VariableError[] };

function validate(
  given: Readonly<Record<string, string>>,
  variables: Variables,
  together: Readonly<Record<string, readonly string[]>>,
): Checked {
  try {
    return {
      values: envSchema({ schema: { ...Type.Object(variables), dependencies: together }, data: given, env: false, ajv }),
      errors: [],
    };
  } catch (error) {
    const errors = error instanceof Error && 'errors' in error && Array.isArray(error.errors) ? (error.errors as ErrorObject[]) : null;
    if (errors === null) throw error;
    return { values: {}, errors: errors.map((each) => describe(each, given, variables)) };
  }
}

function describe(
  { keyword, instancePath, params }: ErrorObject,
  given: Readonly<Record<string, string>>,
  variables: Variables,
): VariableError {
  const name = String(params.missingProperty ?? instancePath.slice(1));
  if (keyword === 'dependencies') return { name, given: null, expected: `a value, since ${params.property} is set` };
  const variable = variables[name];
  if (variable === undefined) throw new Error(`Bug: the configuration has no variable ${name}`);
  const value = given[name];
  const expected = variable.expectedFor?.[keyword] ?? variable.expected;
  return { name, given: value === undefined ? null : shownValue(value, variable.secret ?? false), expected };
}

/** One sentence for each variable: the first thing that is wrong with it. */
function firstOfEach(errors: readonly VariableError[]): readonly VariableError[] {
  return errors.filter(({ name }, index) => errors.findIndex((other) => other.name === name) === index);
}

function deepFreeze<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(deepFreeze);
  }
  return value;
}
