/**
 * A command as `main.ts` runs it, inside the process of the test: what it sends and prints is the same, and a test of many commands
 * takes no second for each. What a process of its own adds (standard input, the code it ends with) is tested by `command-line.ts`.
 */
import { CommanderError } from 'commander';
import { vi } from 'vitest';
import { describeError, exitCodeOf, exitCodes } from '../exit.ts';
import { createProgram } from '../program.ts';
import type { Ended } from './command-line.ts';

export async function runInProcess(args: readonly string[], env: Readonly<Record<string, string>>): Promise<Ended> {
  for (const [name, value] of Object.entries({ ...env, NO_COLOR: '1' })) vi.stubEnv(name, value);
  const stdout = hear(process.stdout);
  const stderr = hear(process.stderr);
  try {
    const code = await codeOf(args);
    return { code, stdout: stdout.text(), stderr: stderr.text() };
  } finally {
    stdout.stop();
    stderr.stop();
    vi.unstubAllEnvs();
  }
}

async function codeOf(args: readonly string[]): Promise<number> {
  try {
    await createProgram().parseAsync([process.execPath, 'millrace', ...args]);
    return exitCodes.ok;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    process.stderr.write(`${describeError(error)}\n`);
    return exitCodeOf(error);
  }
}

function hear(stream: NodeJS.WriteStream): { readonly text: () => string; readonly stop: () => void } {
  let heard = '';
  const spy = vi.spyOn(stream, 'write').mockImplementation((chunk) => {
    heard += String(chunk);
    return true;
  });
  return { text: () => heard, stop: () => spy.mockRestore() };
}
