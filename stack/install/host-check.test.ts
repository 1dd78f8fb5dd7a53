/** The host check is compiled once for each state of its sources, by a javac that writes down how it was called. */
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { hostCheckFolder, hostCheckSources, installHostCheck } from './host-check.ts';

let folder: string;
let sources: string;
const calls = (): number => readFileSync(join(folder, 'calls'), 'utf8').trimEnd().split('\n').length;
const install = (): Promise<string> => installHostCheck('/kafka', () => undefined, undefined, sources);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-host-check-'));
  sources = join(folder, 'sources');
  cpSync(hostCheckSources, sources, { recursive: true });
  mkdirSync(join(folder, 'tools'));
  vi.stubEnv('PATH', join(folder, 'tools'));
  vi.stubEnv('MILLRACE_CACHE', join(folder, 'cache'));
  javac(`echo "$*" >> ${folder}/calls`);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

function javac(script: string): void {
  writeFileSync(join(folder, 'tools', 'javac'), `#!/bin/sh\n${script}\n`);
  chmodSync(join(folder, 'tools', 'javac'), 0o755);
}

test('compiles once, and again when a source has changed', async () => {
  const first = await install();
  expect(await install()).toBe(first);
  expect(calls()).toBe(1);
  expect(readFileSync(join(folder, 'calls'), 'utf8')).toMatch(/--release 17 .*-cp \/kafka\/\* .*HostCheck\.java/);
  expect(existsSync(join(first, 'META-INF', 'services', 'org.apache.kafka.connect.rest.ConnectRestExtension'))).toBe(true);
  writeFileSync(join(sources, 'millrace', 'connect', 'HostCheck.java'), 'changed');
  expect(await install()).not.toBe(first);
  expect(calls()).toBe(2);
});

test('says what is missing where there is no compiler', async () => {
  rmSync(join(folder, 'tools', 'javac'));
  await expect(install()).rejects.toThrow(/no javac on the PATH.* a JDK 17 or later/);
});

test('leaves nothing of a failed compilation, and shows what the compiler said', async () => {
  javac('echo "HostCheck.java:3: error: no such class" >&2; exit 1');
  await expect(install()).rejects.toThrow(/javac ended with exit code 1.*\n.*no such class/);
  expect(existsSync(hostCheckFolder(sources))).toBe(false);
  expect(readdirSync(join(folder, 'cache'))).toEqual([]);
});
