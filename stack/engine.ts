/**
 * The engine's own commands as the starter and the tests run them: which install steps there are, in which order, and
 * which processes make up a running engine. The only place that knows the engine's command line.
 */
import { spawn } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { checkout } from './home.ts';

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

export function engineExists(): boolean {
  return existsSync(engineCli);
}

/** What an engine process sees of our environment beside the stack's: its own settings, and what Node and a terminal need. */
export function engineProcessEnvironment(stackEnv: Readonly<Record<string, string>>): Record<string, string> {
  const inherited = Object.fromEntries(Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined));
  return { ...inherited, ...stackEnv };
}

/** Runs one command to its end. Rejects with the end of what it said when it fails; everything goes to the log file too. */
export async function runEngineCommand(
  command: EngineCommand,
  stackEnv: Readonly<Record<string, string>>,
  logFile: string,
): Promise<string> {
  mkdirSync(dirname(logFile), { recursive: true });
  return await new Promise<string>((resolve, reject) => {
    const child = spawn(process.execPath, [engineCli, ...command.args], {
      cwd: checkout,
      env: engineProcessEnvironment(stackEnv),
      stdio: ['ignore', 'pipe', 'pipe'],
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
