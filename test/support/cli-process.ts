/** A process of the command line, as an operator starts it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { checkout } from '../../stack/home.ts';
import { findFreePort } from '../../stack/ports.ts';

export type CliProcess = {
  /** Of health and metrics, and of REST. */
  readonly port: number;
  /** null while it runs. */
  exitCode(): number | null;
  output(): string;
  errors(): string;
  readonly ended: Promise<number | null>;
  terminate(): void;
};

export async function runCli(args: readonly string[], given: Readonly<Record<string, string>>): Promise<CliProcess> {
  const port = await findFreePort();
  const monitored = given.METRICS_PORT === '0' ? '0' : String(port);
  const env = { PATH: process.env.PATH, LOG_LEVEL: 'info', ...given, PORT: String(port), METRICS_PORT: monitored };
  const child = spawn(process.execPath, ['src/cli/main.ts', ...args], { cwd: checkout, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let errors = '';
  child.stdout.on('data', (bytes: Buffer) => {
    output += bytes.toString();
  });
  child.stderr.on('data', (bytes: Buffer) => {
    errors += bytes.toString();
  });
  return {
    port,
    exitCode: () => child.exitCode,
    output: () => output,
    errors: () => errors,
    ended: once(child, 'close').then(([code]: (number | null)[]) => code ?? null),
    terminate: () => void child.kill('SIGTERM'),
  };
}
