/**
 * The environment that a command works with. With variables that say where the parts of an installation are, it is
 * exactly the process's own. Without any, the embedded stack that runs under MILLRACE_HOME adds where its parts are, from
 * the file that it keeps there while it runs; without a stack, `millrace dev` adds where its API is in the same way. A part of
 * one installation is never combined with a part of another.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Config, ConfigError, loadConfig } from '../service/config.ts';
import { CommandFailure, exitCodes } from './exit.ts';

type Environment = Readonly<Record<string, string | undefined>>;
type StateFile = { readonly starter: { readonly pid: number }; readonly variables: Readonly<Record<string, string>> };

/** Written by stack/index.ts, readable by its owner only. */
const STACK_FILE = 'environment.json';
/** Written by `millrace dev`: where its API is, and the key. */
export const DEV_FILE = 'dev.json';

/** Each says where a part of an installation is. One that is set describes an installation, which then is the one that is meant. */
const placeVariables = [
  'KAFKA_BROKERS',
  'SCHEMA_REGISTRY_URL',
  'KAFKA_CONNECT_URL',
  'DEFINITION_DATABASE_URL',
  'INSTANCE_DATABASE_URL',
  'REPLICATION_DATABASE_URL',
];

export function commandEnvironment(env: Environment = process.env): Environment {
  if (placeIn(env) !== undefined) return env;
  const found = readStateFile(env, STACK_FILE) ?? readDevFile(env);
  return found === null ? env : { ...found.variables, ...given(env) };
}

/** Its key is of no use at another address. */
function readDevFile(env: Environment): StateFile | null {
  return (env.MILLRACE_URL?.trim() ?? '') === '' ? readStateFile(env, DEV_FILE) : null;
}

/**
 * The configuration of a command that works on the parts itself.
 * @throws CommandFailure with every wrong variable, and why the embedded stack is not used.
 */
export function loadCommandConfig<Name extends keyof Config>(groups: readonly Name[], env: Environment = process.env): Pick<Config, Name> {
  try {
    return loadConfig(commandEnvironment(env), groups);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new CommandFailure(exitCodes.usage, `${error.message}\n${whyNoStack(env)}`, { cause: error });
  }
}

/** `MILLRACE_HOME`, else `.millrace` of the checkout, or of the working directory for an installed package. */
export function homeOf(env: Environment): string {
  const folder = env.MILLRACE_HOME?.trim() ?? '';
  if (folder !== '') return folder;
  return import.meta.url.endsWith('.ts') ? fileURLToPath(new URL('../../.millrace', import.meta.url)) : join(process.cwd(), '.millrace');
}

function whyNoStack(env: Environment): string {
  const place = placeIn(env);
  if (place !== undefined) return `The embedded stack is not looked for, since ${place} is set: set the others of that installation too.`;
  if (readStateFile(env, STACK_FILE) !== null) return `The other settings are those of the embedded stack in ${homeOf(env)}.`;
  return `No embedded stack runs in ${homeOf(env)} either: start one by "npm start", or set MILLRACE_HOME to its folder.`;
}

function placeIn(env: Environment): string | undefined {
  return placeVariables.find((name) => (env[name]?.trim() ?? '') !== '');
}

/** An empty variable counts as one that is not set. */
function given(env: Environment): Environment {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => (value?.trim() ?? '') !== ''));
}

/** Null when nothing runs that wrote the file, also when it was killed and could not remove it. */
function readStateFile(env: Environment, name: typeof STACK_FILE | typeof DEV_FILE): StateFile | null {
  const file = join(homeOf(env), name);
  try {
    const found = JSON.parse(readFileSync(file, 'utf8')) as StateFile;
    return isAlive(found.starter.pid) ? found : null;
  } catch (error) {
    if (error instanceof Error && Reflect.get(error, 'code') === 'ENOENT') return null;
    throw new CommandFailure(
      exitCodes.usage,
      `${file}, which says where the ${name === STACK_FILE ? 'embedded stack' : 'engine of "millrace dev"'} is, cannot be read.`,
      { cause: error },
    );
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Of another user, who must have let us read the file.
    return error instanceof Error && Reflect.get(error, 'code') === 'EPERM';
  }
}
