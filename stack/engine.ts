/**
 * The engine's own commands as the starter and the tests run them: which install steps there are, in which order, which
 * processes make up a running engine, and what the examples add. The only place that knows the engine's command line.
 */

import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { checkout } from './home.ts';
import type { Role } from './process-environment.ts';
import { defaultPorts, host } from './settings.ts';

export const engineCli = join(checkout, 'src', 'cli', 'main.ts');

export interface EngineCommand {
  readonly title: string;
  readonly args: readonly string[];
}

/** What makes a fresh stack ready for the engine; each is idempotent, and they run in this order. */
export const installSteps: readonly EngineCommand[] = [
  { title: 'Migrating the databases', args: ['migrate'] },
  { title: 'Making the topics', args: ['topics'] },
  { title: 'Registering the schemas', args: ['schemas', 'register'] },
  { title: 'Applying the connector', args: ['connector', 'apply'] },
];

export interface EngineProcess {
  /** Names its log file too. */
  readonly name: string;
  readonly role: Role;
  /** What follows `node`. */
  readonly command: readonly string[];
}

/** The processes that `npm start` keeps running. */
export const engineProcesses: readonly EngineProcess[] = [
  { name: 'api', role: 'api', command: [engineCli, 'api'] },
  ...['task-consumer-1', 'task-consumer-2'].map((name) => ({
    name,
    role: 'task-consumer' as const,
    command: [engineCli, 'task-consumer'],
  })),
  ...['orchestrator-1', 'orchestrator-2'].map((name) => ({ name, role: 'orchestrator' as const, command: [engineCli, 'orchestrator'] })),
];

const OTHER_DEFINITION = '.definition.json';

export interface Example {
  /** Id of the definition. */
  readonly name: string;
  readonly definition: string;
}

export interface Examples {
  readonly definitions: readonly Example[];
  readonly processes: readonly EngineProcess[];
}

/**
 * What is in examples/: each folder's `definition.json` is deployed, after the `<id>.definition.json` beside it, which may be its
 * children; its `handlers.ts`, if any, is given to a `millrace worker`; its `server.ts`, if any, is run beside the engine.
 */
export function findExamples(folder = join(checkout, 'examples')): Examples {
  const names = existsSync(folder)
    ? readdirSync(folder, { withFileTypes: true })
        .filter((entry) => entry.isDirectory() && existsSync(join(folder, entry.name, 'definition.json')))
        .map(({ name }) => name)
        .sort()
    : [];
  const having = (file: string): { name: string; path: string }[] =>
    names.map((name) => ({ name, path: join(folder, name, file) })).filter(({ path }) => existsSync(path));
  return {
    definitions: names.flatMap((name) => [
      ...readdirSync(join(folder, name))
        .filter((file) => file.endsWith(OTHER_DEFINITION))
        .sort()
        .map((file) => ({ name: file.slice(0, -OTHER_DEFINITION.length), definition: join(folder, name, file) })),
      { name, definition: join(folder, name, 'definition.json') },
    ]),
    processes: [
      ...having('server.ts').map(({ name, path }) => ({ name: `server-${name}`, role: 'server' as const, command: [path] })),
      ...having('handlers.ts').map(({ name, path }) => ({
        name: `worker-${name}`,
        role: 'worker' as const,
        command: [engineCli, 'worker', path],
      })),
    ],
  };
}

/** Where an example's `server.ts` listens unless the variable says otherwise. */
export const exampleServer = { variable: 'EXAMPLE_SERVER_PORT', port: 8090 } as const;

/**
 * Settings of single processes beside the stack's environment. If an example has a server on this machine, processes that run
 * `http` nodes may reach its port, although it is not public; nothing else is opened, and the stack itself never.
 */
export function processSettings(
  examples: Examples,
  stackEnv: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string | undefined>> = process.env,
) {
  const hasServers = examples.processes.some(({ name }) => name.startsWith('server-'));
  const server = `${host}:${env[exampleServer.variable] ?? exampleServer.port}`;
  const settings = {
    MILLRACE_HTTP_ALLOW: listOf(env.MILLRACE_HTTP_ALLOW, ...(hasServers ? [server] : [])),
    MILLRACE_HTTP_DENY: listOf(env.MILLRACE_HTTP_DENY, ...placesOfStack(stackEnv)),
  };
  return (name: string): Readonly<Record<string, string>> => (name.startsWith('task-consumer') ? settings : {});
}

/** Where the parts of the stack and the API listen. */
function placesOfStack(stackEnv: Readonly<Record<string, string>>): readonly string[] {
  const { KAFKA_CONNECT_URL, SCHEMA_REGISTRY_URL, INSTANCE_DATABASE_URL, PORT } = stackEnv;
  const urls = [KAFKA_CONNECT_URL, SCHEMA_REGISTRY_URL, INSTANCE_DATABASE_URL]
    .filter((url) => url !== undefined)
    .map((url) => new URL(url).host);
  return [stackEnv.KAFKA_BROKERS ?? '', ...urls, `${host}:${PORT ?? defaultPorts.api}`];
}

function listOf(...entries: readonly (string | undefined)[]): string {
  return entries.filter((entry) => entry !== undefined && entry !== '').join(',');
}

export function engineExists(): boolean {
  return existsSync(engineCli);
}

/** What an engine process sees: our whole environment, in which the engine's own settings may be, and the stack's over it. */
export function engineProcessEnvironment(stackEnv: Readonly<Record<string, string>>): Record<string, string> {
  const inherited = Object.fromEntries(Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined));
  return { ...inherited, ...stackEnv };
}

/**
 * What lets the workers of `npm start` reach large payloads, where those are on: the address of the API, and a key that the API installs
 * when it starts, unless the user has set one.
 */
export function payloadEnvironment(
  stackEnv: Readonly<Record<string, string>>,
  users: Readonly<Record<string, string | undefined>> = process.env,
): Record<string, string> {
  const { MILLRACE_REFERENCE_BYTES: bytes = '', MILLRACE_WORKER_API_KEY: given, MILLRACE_WORKER_API_KEY_FILE: file } = users;
  if (bytes.trim() === '' || bytes.trim() === '0') return {};
  const key = given === undefined && file === undefined ? { MILLRACE_WORKER_API_KEY: `mr_${randomBytes(32).toString('base64url')}` } : {};
  return { MILLRACE_URL: apiUrl(stackEnv), ...key };
}

/** Where the API of this stack listens, for the commands that go through it: not where a variable of the user's leads. */
export function apiUrl(stackEnv: Readonly<Record<string, string>>): string {
  return stackEnv.MILLRACE_URL ?? `http://${host}:${stackEnv.PORT ?? defaultPorts.api}`;
}

/** Runs one command to its end. Rejects with the end of its output when it fails; everything goes to the log file too. */
export async function runEngineCommand(
  command: EngineCommand,
  stackEnv: Readonly<Record<string, string>>,
  logFile: string,
  signal?: AbortSignal,
): Promise<string> {
  mkdirSync(dirname(logFile), { recursive: true });
  return await new Promise<string>((resolve, reject) => {
    const child = spawn(process.execPath, [engineCli, ...command.args], {
      cwd: checkout,
      env: { ...engineProcessEnvironment(stackEnv), MILLRACE_URL: apiUrl(stackEnv) },
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(signal === undefined ? {} : { signal }),
    });
    let output = '';
    const keep = (chunk: Buffer): void => {
      output += chunk.toString();
      appendFileSync(logFile, chunk);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve(output);
      else
        reject(
          new Error(
            `${command.title}: "millrace ${command.args.join(' ')}" ended with exit code ${code}. The end of what it said:\n${output.slice(-4_000)}`,
          ),
        );
    });
  });
}
