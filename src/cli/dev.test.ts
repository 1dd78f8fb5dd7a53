/** `millrace dev` as a person uses it: in one terminal, with other commands in another one. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';

const main = fileURLToPath(new URL('./main.ts', import.meta.url));
const worker = new URL('../worker/index.ts', import.meta.url).href;

let home: string;
let dev: ChildProcess | null = null;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'millrace-dev-'));
});

afterEach(async () => {
  if (dev !== null && dev.exitCode === null) {
    dev.kill('SIGKILL');
    await once(dev, 'close');
  }
  dev = null;
  rmSync(home, { recursive: true });
});

function environment(): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH, MILLRACE_HOME: home };
}

/** @returns what it said by the time it said this, or at its end. */
async function startDev(args: readonly string[], until: string): Promise<string> {
  const child = spawn(process.execPath, [main, 'dev', ...args], { env: environment() });
  dev = child;
  let said = '';
  return await new Promise((resolve, reject) => {
    const hear = (chunk: Buffer): void => {
      said += chunk.toString();
      if (said.includes(until)) resolve(said);
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.once('error', reject);
    child.once('close', () => resolve(said));
  });
}

async function millrace(...args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [main, ...args], { env: environment() });
  return stdout;
}

it('runs definitions with the handlers of a module, is found by other commands, and ends at Ctrl-C', async () => {
  const module = join(home, 'handlers.ts');
  writeFileSync(
    module,
    `import { defineTask } from '${worker}';
     export const greet = defineTask({ name: 'greet', run: (name: unknown) => 'Hello ' + String(name) });`,
  );
  const definition = { id: 'hello', nodes: { only: { type: 'task', task: 'greet', input: '${ input.name }' } } };
  writeFileSync(join(home, 'hello.json'), JSON.stringify({ ...definition, output: '${ nodes.only.output }' }));

  const said = await startDev([module, '--port', '0'], 'Ctrl-C');
  expect(said).toMatch(/^Millrace runs at http:\/\/127\.0\.0\.1:\d+/m);
  expect(said).toMatch(/^The API key is mr_[\w-]{43}/m);
  expect(said).toContain('Handlers: greet.');
  expect(said).toContain('are kept in memory only');
  expect(statSync(join(home, 'dev.json')).mode & 0o777).toBe(0o600);

  expect(await millrace('deploy', join(home, 'hello.json'))).toBe('Deployed hello as version 1.\n');
  expect(await millrace('start', 'hello', '--input', '{"name":"Ada"}', '--wait')).toContain('"Hello Ada"');

  dev?.kill('SIGINT');
  expect(await once(dev as ChildProcess, 'close')).toEqual([0, null]);
  expect(existsSync(join(home, 'dev.json'))).toBe(false);
});

it('says which port is taken', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const said = await startDev(['--port', String(port)], '--port');
  server.close();
  expect(said).toContain(`PORT is "${port}": expected a port that nobody uses; \`--port\` takes another.`);
});
