/** What commands find of an embedded stack: the file is written by hand, the stack's own by test/e2e/start.test.ts. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { commandEnvironment, loadCommandConfig } from './environment.ts';

const variables = {
  KAFKA_BROKERS: '127.0.0.1:19092',
  INSTANCE_DATABASE_URL: 'postgres://millrace:secret@127.0.0.1:54321/instances',
  DEFINITION_DATABASE_URL: 'postgres://millrace:secret@127.0.0.1:54321/definitions',
  MILLRACE_TOPIC_PREFIX: 'embedded',
  MILLRACE_URL: 'http://127.0.0.1:18080',
};
let home: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'millrace-home-'));
});
afterEach(() => rmSync(home, { recursive: true }));

function stackRuns(pid = process.pid): void {
  writeFileSync(join(home, 'environment.json'), JSON.stringify({ starter: { pid, started: '1' }, variables }));
}

it('is that of the embedded stack while it runs, without a word in the environment', () => {
  stackRuns();
  expect(commandEnvironment({ MILLRACE_HOME: home })).toEqual({ ...variables, MILLRACE_HOME: home });
  const { databases, topics } = loadCommandConfig(['databases', 'topics'], { MILLRACE_HOME: home });
  expect([databases.instances, topics.prefix]).toEqual([variables.INSTANCE_DATABASE_URL, 'embedded']);
});

it('has the settings of the environment over those of the stack, unless they are empty', () => {
  stackRuns();
  const env = { MILLRACE_HOME: home, MILLRACE_TOPIC_PREFIX: 'mine', MILLRACE_URL: ' ' };
  expect(commandEnvironment(env)).toMatchObject({ MILLRACE_TOPIC_PREFIX: 'mine', MILLRACE_URL: variables.MILLRACE_URL });
});

it('is of one installation: a place that the environment names keeps the stack out', () => {
  stackRuns();
  const env = { MILLRACE_HOME: home, INSTANCE_DATABASE_URL: 'postgres://elsewhere/instances' };
  expect(commandEnvironment(env)).toEqual(env);
  expect(() => loadCommandConfig(['databases'], env)).toThrow(
    /DEFINITION_DATABASE_URL is not set.*The embedded stack is not looked for, since INSTANCE_DATABASE_URL is set/s,
  );
});

const devVariables = { MILLRACE_URL: 'http://127.0.0.1:18081', MILLRACE_API_KEY: 'key-of-the-dev-engine' };

function devRuns(pid = process.pid): void {
  writeFileSync(join(home, 'dev.json'), JSON.stringify({ starter: { pid }, variables: devVariables }));
}

it('is that of `millrace dev` while it runs, unless a stack runs too', () => {
  devRuns();
  expect(commandEnvironment({ MILLRACE_HOME: home })).toEqual({ ...devVariables, MILLRACE_HOME: home });
  stackRuns();
  expect(commandEnvironment({ MILLRACE_HOME: home })).toMatchObject({ MILLRACE_URL: variables.MILLRACE_URL });
});

it('has no key of `millrace dev` for another address, and nothing of one that was killed', () => {
  devRuns();
  const env = { MILLRACE_HOME: home, MILLRACE_URL: 'https://elsewhere' };
  expect(commandEnvironment(env)).toEqual(env);
  devRuns(spawnSync(process.execPath, ['--version']).pid);
  expect(commandEnvironment({ MILLRACE_HOME: home })).toEqual({ MILLRACE_HOME: home });
});

it('says that no stack runs when there is none, also after one was killed', () => {
  const load = () => loadCommandConfig(['databases'], { MILLRACE_HOME: home });
  const message = `No embedded stack runs in ${home} either: start one by "npm start", or set MILLRACE_HOME to its folder.`;
  expect(load).toThrow(message);
  stackRuns(spawnSync(process.execPath, ['--version']).pid);
  expect(load).toThrow(message);
});

it('says which file cannot be read', () => {
  writeFileSync(join(home, 'environment.json'), 'half');
  expect(() => commandEnvironment({ MILLRACE_HOME: home })).toThrow(`${join(home, 'environment.json')}, which says`);
});
