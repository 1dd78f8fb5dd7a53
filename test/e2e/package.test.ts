/** The packed package in a project that has nothing else: command line, imports, types, and a worker on the running engine. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkout } from '../../stack/home.ts';
import { TestEngine } from '../support/engine.ts';
import { stackEnv } from '../support/env.ts';
import { eventually } from '../support/eventually.ts';
import { installPackage, type UserProject } from '../support/installed-package.ts';

const handlers = `
import { createClient } from 'millrace/client';
import { defineTask, TerminalError } from 'millrace/worker';

if (typeof createClient !== 'function') throw new Error('no client');

export const greet = defineTask({
  name: 'package.greet',
  queue: 'package',
  input: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] } as const,
  run: ({ name }) => {
    const known: string = name;
    if (known === '') throw new TerminalError('NOBODY', 'There is no name.');
    return \`Hello, \${known}!\`;
  },
});
`;
const definition = {
  id: 'package-greeting',
  nodes: { greet: { type: 'task', task: 'package.greet', queue: 'package', input: { name: '${ input.name }' } } },
  output: '${ nodes.greet.output }',
};

let project: UserProject;
let engine: TestEngine;

beforeAll(async () => {
  project = await installPackage();
  project.write('handlers.ts', handlers);
  engine = await TestEngine.start({ taskConsumers: 0 });
  await engine.deploy(definition);
}, 300_000);
afterAll(async () => {
  await engine?.stop();
  project?.remove();
});

test('The package holds what was built and what it reads, neither sources nor tests', () => {
  for (const path of ['LICENSE', 'README.md', 'dist/connect/connector.json', 'schemas/TaskScheduled.avsc', 'dist/src/worker/index.d.ts'])
    expect(project.packed).toContain(path);
  for (const database of ['definitions', 'instances'])
    expect(
      project.packed.some((path) => path.endsWith('.sql') && path.includes(`migrations/${database}/0001-`)),
      database,
    ).toBe(true);
  expect(project.packed.filter((path) => /\.test\.|\/testing\/|(?<!\.d)\.ts$/.test(path))).toEqual([]);
});

test('The package has a bill of its materials: what runs, and nothing that only builds or tests', () => {
  expect(project.packed).toContain('dist/sbom.cdx.json');
  const path = join(project.folder, 'node_modules', 'millrace', 'dist', 'sbom.cdx.json');
  const bill = JSON.parse(readFileSync(path, 'utf8')) as {
    readonly metadata: { readonly component: { readonly name: string } };
    readonly components: readonly { readonly name: string; readonly version: string }[];
  };
  expect(bill.metadata.component.name).toBe('millrace');
  const names = bill.components.map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(['fastify', 'kafkajs', 'pg', 'avsc']));
  for (const development of ['vitest', 'typescript', '@biomejs/biome']) expect(names).not.toContain(development);
});

test('The command line runs', async () => {
  expect((await project.npx(['millrace', '--help'])).stdout).toMatch(/^Usage: millrace /);
  expect((await project.npx(['millrace', '--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  expect((await project.npx(['millrace', 'migrate'], stackEnv())).stdout).toBe('Both databases are up to date.\n');
  const listed = await project.npx(['millrace', 'definitions', '--limit', '500', '--json'], {
    MILLRACE_URL: engine.url,
    MILLRACE_API_KEY: engine.apiKey,
  });
  expect(listed.stdout).toContain('"package-greeting"');
});

test('Both entry points can be imported', async () => {
  const code = "console.log(typeof (await import('millrace/client')).createClient, typeof (await import('millrace/worker')).defineTask)";
  expect((await project.run(process.execPath, '--input-type=module', '-e', code)).stdout).toBe('function function\n');
});

test('Both entry points have types, which a strict project accepts', async () => {
  const tsc = join(checkout, 'node_modules', '.bin', 'tsc');
  const settings = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2024', '--types', 'node'];
  const roots = ['--typeRoots', join(checkout, 'node_modules', '@types')];
  await project.run(tsc, ...settings, ...roots, 'handlers.ts');
  project.write('wrong.ts', handlers.replace('const known: string', 'const known: number'));
  await expect(project.run(tsc, ...settings, ...roots, 'wrong.ts')).rejects.toMatchObject({
    stdout: expect.stringContaining("Type 'string' is not assignable to type 'number'"),
  });
});

test("A worker runs the project's handlers", async () => {
  const worker = spawn('npx', ['--no-install', 'millrace', 'worker', 'handlers.ts'], {
    cwd: project.folder,
    env: { ...project.environment, ...stackEnv() },
    // npx and the worker are a group, which ends together.
    detached: true,
  });
  let said = '';
  for (const stream of [worker.stdout, worker.stderr])
    stream.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
  const exited = once(worker, 'exit');
  try {
    await eventually(() => expect(said).toContain('"Started"'));
    const ended = await engine.client.start(definition.id, { input: { name: 'Ada' } }, { waitMs: 30_000 });
    expect(ended).toMatchObject({ status: 'completed', output: 'Hello, Ada!' });
  } finally {
    if (worker.pid !== undefined && worker.exitCode === null) process.kill(-worker.pid, 'SIGTERM');
    await exited;
  }
});
