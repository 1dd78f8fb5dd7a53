/** The first thing that a fresh clone runs, in a checkout made for the test, whose npm, java, javac and mvn report how they were called. */
import { execFile } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { checkout } from './home.ts';

let clone: string;
let tools: string;
const calls = (): string[] => (existsSync(join(clone, 'calls')) ? readFileSync(join(clone, 'calls'), 'utf8').trimEnd().split('\n') : []);

beforeEach(() => {
  clone = mkdtempSync(join(tmpdir(), 'millrace-clone-'));
  tools = join(clone, 'tools');
  for (const folder of ['stack', 'tools']) mkdirSync(join(clone, folder));
  copyFileSync(join(checkout, 'stack', 'bootstrap.mjs'), join(clone, 'stack', 'bootstrap.mjs'));
  writeFileSync(join(clone, 'stack', 'start.ts'), "process.stdout.write('The starter runs.\\n'); process.exit(7);");
  lock('1.0.0');
  tool('java', `echo 'openjdk version "17.0.15"' >&2`);
  tool('javac', 'echo javac 17.0.15');
  tool('mvn', 'true');
  // As `npm ci` does: everything of the lockfile, and at the end the lockfile inside.
  tool(
    'npm',
    `echo "npm $*" >> ${clone}/calls; /bin/mkdir -p node_modules/.bin; /bin/ln -sf ${process.execPath} node_modules/.bin/node; /bin/cp package-lock.json node_modules/.package-lock.json`,
  );
});
afterEach(() => rmSync(clone, { recursive: true, force: true }));

function tool(name: string, script: string): void {
  writeFileSync(join(tools, name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(tools, name), 0o755);
}

function lock(version: string): void {
  const packages = { '': { name: 'millrace' }, 'node_modules/node': { version } };
  writeFileSync(join(clone, 'package-lock.json'), JSON.stringify({ packages }));
}

async function bootstrap(...args: readonly string[]): Promise<{ readonly code: number; readonly output: string; readonly errors: string }> {
  return await new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [join(clone, 'stack', 'bootstrap.mjs'), ...args],
      { cwd: clone, env: { PATH: tools } },
      (_, output, errors) => resolve({ code: child.exitCode ?? -1, output, errors }),
    );
  });
}

test('installs the packages of a fresh clone, says so, and hands over', async () => {
  const { code, output } = await bootstrap('start');
  expect(calls()).toEqual(['npm ci --loglevel=error --no-audit --no-fund']);
  expect(output).toMatch(/^Installing the npm packages .* …\nThe npm packages are installed \(\d+ s\)\.\nThe starter runs\.\n$/);
  expect(code).toBe(7);
});

test('installs nothing a second time, and again when the lockfile is newer', async () => {
  await bootstrap('start');
  expect(await bootstrap('start')).toMatchObject({ code: 7, output: 'The starter runs.\n' });
  expect(calls()).toHaveLength(1);
  lock('1.0.1');
  await bootstrap('start');
  expect(calls()).toHaveLength(2);
});

test('goes no further when the packages could not be installed', async () => {
  tool('npm', 'exit 3');
  expect(await bootstrap('start')).toMatchObject({ code: 1, errors: 'npm ci failed (exit code 3).\n' });
});

test('names everything at once that the machine must bring', async () => {
  tool('java', `echo 'openjdk version "11.0.2"' >&2`);
  rmSync(join(tools, 'mvn'));
  const { code, errors } = await bootstrap('start');
  expect(code).toBe(1);
  expect(errors).toContain('Java 17 or later is needed; java on the PATH is 11.');
  expect(errors).toContain('Maven is needed; there is no mvn on the PATH.');
  expect(calls()).toEqual([]);
});

test('needs a compiler of Java, and one that is new enough', async () => {
  rmSync(join(tools, 'javac'));
  expect(await bootstrap('start')).toMatchObject({ code: 1, errors: expect.stringMatching(/^A JDK is needed, .* no javac on the PATH/) });
  tool('javac', `echo 'javac 1.8.0_412' >&2`);
  expect(await bootstrap('start')).toMatchObject({ code: 1, errors: 'Java 17 or later is needed; javac on the PATH is 8.\n' });
});

test('names the commands that there are when it does not know one', async () => {
  expect(await bootstrap('begin')).toMatchObject({ code: 1, errors: 'Unknown command "begin". There are: start, test, stack.\n' });
});
