/** With processes that do nothing in the place of the engine's. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { eventually } from '../test/support/eventually.ts';
import { startEngineProcesses } from './engine-processes.ts';
import { Restarter } from './restarter.ts';
import { startWatchdog, type Watchdog } from './watchdog.ts';

let folder: string;
let program: string;
let watchdog: Watchdog;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-processes-'));
  program = join(folder, 'program.mjs');
  writeFileSync(program, "process.stdout.write('It runs.\\n'); setInterval(() => undefined, 60_000);");
  watchdog = startWatchdog();
});
afterEach(async () => {
  await watchdog.close();
  rmSync(folder, { recursive: true });
});

async function startOne(restarter: Restarter) {
  return await startEngineProcesses([{ name: 'api', role: 'api', command: [program] }], () => ({}), {
    env: {},
    logs: folder,
    watchdog,
    restarter,
  });
}

test('A process that is killed is started again, with the end of its log told, and again after that', async () => {
  const told: string[] = [];
  const restarter = new Restarter({ tell: (text) => told.push(text), initialMs: 1 });
  const group = await startOne(restarter);
  for (let n = 1; n <= 2; n++) {
    const before = group.children()[0]?.pid ?? 0;
    await eventually(() => expect(readFileSync(join(folder, 'api.log'), 'utf8')).toBe('It runs.\n'));
    process.kill(before, 'SIGKILL');
    await eventually(() => expect(told).toHaveLength(2 * n));
    expect(told.at(-2)).toContain(`api ended by itself (signal SIGKILL). The end of ${join(folder, 'api.log')}:\nIt runs.\n`);
    expect(group.children()[0]?.pid).not.toBe(before);
  }
  await restarter.stop();
  await group.stop();
  expect(group.children().map((child) => child.exit())).toEqual([{ code: null, signal: 'SIGTERM' }]);
});

test('A process that is stopped stays stopped', async () => {
  const told: string[] = [];
  const restarter = new Restarter({ tell: (text) => told.push(text), initialMs: 1 });
  const group = await startOne(restarter);
  await group.stop();
  await restarter.stop();
  expect(told).toEqual([]);
});
