/**
 * The file in MILLRACE_HOME that says where a running `millrace dev` is, and with which key: other commands find it there.
 * Readable by its owner only; it is there while the engine runs.
 */
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DEV_FILE, homeOf } from './environment.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export function writeDevFile(env: Environment, variables: { readonly MILLRACE_URL: string; readonly MILLRACE_API_KEY: string }): void {
  const file = join(homeOf(env), DEV_FILE);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify({ starter: { pid: process.pid }, variables })}\n`, { mode: 0o600 });
  // The mode counts only for a file that is made: a killed engine may have left one.
  chmodSync(file, 0o600);
}

/** Leaves the file of another engine that was started later. */
export function removeDevFile(env: Environment): void {
  const file = join(homeOf(env), DEV_FILE);
  if (existsSync(file) && readFileSync(file, 'utf8').includes(`"pid":${process.pid}}`)) rmSync(file);
}
