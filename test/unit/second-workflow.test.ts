/**
 * docs/second-workflow.md, as a new author follows it: its files are saved in an empty folder, its commands run as they stand, and what
 * they print is compared with what the page shows. The engine is the one in memory, so it needs no stack.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { checkout } from '../../stack/home.ts';
import { runShell } from '../support/shell.ts';
import { missingLines, readTutorial, type TutorialStep } from '../support/tutorial.ts';

const page = readFileSync(join(checkout, 'docs', 'second-workflow.md'), 'utf8');
const steps = readTutorial(page);
const separator = '--- end of step ---';
const devCommand = 'npx millrace dev handlers.ts';

let folder: string;
let env: Readonly<Record<string, string | undefined>>;
let dev: ChildProcess | null = null;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-second-'));
  for (const [, name = '', text = ''] of page.matchAll(/^```(?:json|ts) (\S+)\n(.*?)^```$/gms)) writeFileSync(join(folder, name), text);
  // As `npm install` leaves it.
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(checkout, join(folder, 'node_modules', 'millrace'));
  mkdirSync(join(folder, 'bin'));
  const npx = join(folder, 'bin', 'npx');
  writeFileSync(npx, `#!/bin/sh\nshift\nexec "${process.execPath}" "${join(checkout, 'src/cli/bin.mjs')}" "$@"\n`, { mode: 0o755 });
  env = {
    PATH: `${join(folder, 'bin')}:${process.env.PATH}`,
    NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
    MILLRACE_HOME: join(folder, 'home'),
    NO_COLOR: '1',
    PORT: '0',
  };
  mkdirSync(join(folder, 'home'));
});

afterAll(async () => {
  if (dev !== null && dev.exitCode === null) {
    dev.kill('SIGINT');
    await once(dev, 'close');
  }
  rmSync(folder, { recursive: true });
});

/** One shell for all: later steps use what earlier ones have set. */
async function follow(some: readonly TutorialStep[]): Promise<void> {
  const script = some.map(({ commands }) => `${commands}\necho '${separator}'\n`).join('');
  const { code, output } = await runShell(script, { cwd: folder, env });
  expect(code, output).toBe(0);
  const outputs = output.split(`${separator}\n`);
  for (const [index, { commands, shown }] of some.entries())
    expect(missingLines(shown, outputs[index] ?? ''), `${commands}\nprinted\n${outputs[index]}`).toEqual([]);
}

/** @returns what it has said when it runs. */
async function startDev(): Promise<string> {
  const child = spawn('npx', ['millrace', 'dev', 'handlers.ts'], { cwd: folder, env });
  dev = child;
  let said = '';
  return await new Promise((resolve, reject) => {
    const hear = (chunk: Buffer): void => {
      said += chunk.toString();
      if (said.includes('Ctrl-C')) resolve(said);
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.once('error', reject);
    child.once('close', () => reject(new Error(`it ended: ${said}`)));
  });
}

const devAt = steps.findIndex(({ commands }) => commands === devCommand);

it('is written, checked and tested without an engine', { timeout: 240_000 }, async () => {
  expect(devAt).toBeGreaterThan(4);
  await follow(steps.slice(0, devAt));
});

it('runs with its handlers, is deployed, started and watched', { timeout: 240_000 }, async () => {
  const said = await startDev();
  expect(missingLines(steps[devAt]?.shown ?? [], said), said).toEqual([]);
  await follow(steps.slice(devAt + 1));
});
