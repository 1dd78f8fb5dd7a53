/** Who may read a home and what is in it. */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openFolder, openHome, readSecrets } from './home.ts';

let dir: string;
const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'millrace-home-'));
  chmodSync(dir, 0o755);
});
afterEach(() => rmSync(dir, { recursive: true }));

test('closes a home to others: a new one, an empty folder, and one that was opened later', () => {
  openHome(join(dir, 'new'));
  mkdirSync(join(dir, 'empty'), { mode: 0o755 });
  const home = openHome(join(dir, 'empty'));
  expect([modeOf(join(dir, 'new')), modeOf(home.dir)]).toEqual(['700', '700']);
  readSecrets(home);
  chmodSync(home.dir, 0o755);
  openHome(home.dir);
  expect(modeOf(home.dir)).toBe('700');
  expect(modeOf(home.secretsFile)).toBe('600');
});

test('leaves the mode of a folder that holds things of others, and closes what it makes in it', () => {
  writeFileSync(join(dir, 'letter.txt'), 'of somebody');
  const home = openHome(dir);
  expect(modeOf(dir)).toBe('755');
  mkdirSync(home.logs, { mode: 0o755 });
  expect(modeOf(openFolder(home.logs))).toBe('700');
});

test('gives a home of an older version the passwords that it lacks, and keeps those that it has', () => {
  const home = openHome(join(dir, 'older'));
  const older = { superuser: 'a', engine: 'b', connect: 'c', kafkaClusterId: 'd' };
  writeFileSync(home.secretsFile, JSON.stringify(older), { mode: 0o600 });
  const secrets = readSecrets(home);
  expect(secrets).toEqual({ ...older, connectRest: expect.stringMatching(/^[0-9a-f]{32}$/) });
  expect([readSecrets(home), JSON.parse(readFileSync(home.secretsFile, 'utf8'))]).toEqual([secrets, secrets]);
});
