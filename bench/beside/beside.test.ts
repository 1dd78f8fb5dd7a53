import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { foldersOf, readFloor, readPeers, runBeside } from './beside.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-beside-test-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function script(name: string, text: string): void {
  mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, name, 'run.sh'), text);
}

describe('what is beside', () => {
  test('is a folder with a run.sh, or the folders in it that have one', () => {
    script('one', '');
    mkdirSync(join(folder, 'none'));
    expect(foldersOf(folder)).toEqual([join(folder, 'one')]);
    expect(foldersOf(join(folder, 'one'))).toEqual([join(folder, 'one')]);
    expect(foldersOf(join(folder, 'away'))).toEqual([]);
  });

  test('gives its figures, and one that fails is told while the others go on', async () => {
    script('a', 'echo no binary here >&2; exit 3');
    script('b', `echo '{"label":"b","w":"P1","instancesPerSec":'$SECS'}' >> "$OUT"`);
    const found = await runBeside(folder, { seconds: 7, runs: 1 }, () => undefined);
    expect(found).toEqual([
      { name: 'a', figures: [], note: 'run.sh of a ended with exit code 3: no binary here' },
      { name: 'b', figures: [{ load: 'P1', values: { instancesPerSecond: 7 } }], note: '' },
    ]);
  });

  test('is left out when it is not there', async () => {
    const said: string[] = [];
    expect(await runBeside(join(folder, 'away'), { seconds: 1, runs: 1 }, (text) => said.push(text))).toEqual([]);
    expect(said.join()).toContain('it is left out');
  });
});

test('lines of peers are read by our names; sweeps and other workloads are left out', () => {
  const lines = [
    { label: 'x', w: 'P2max', stepsPerSec: 100, instancesPerSec: 10, spread: [1, 2], cpuPer1kSteps: 0.5 },
    { label: 'x', w: 'P2max-sweep', tried: {} },
    { label: 'y', w: 'P3', msPerStep_p50: 1.5, msPerStep_p99: 2 },
  ];
  expect(readPeers(lines.map((line) => JSON.stringify(line)).join('\n'))).toEqual([
    { name: 'x', figures: [{ load: 'P2', values: { instancesPerSecond: 10, stepsPerSecond: 100, cpuSecondsPer1000Steps: 0.5 } }] },
    { name: 'y', figures: [{ load: 'P3', values: { msPerStep: 1.5, msPerStepP99: 2 } }] },
  ]);
});

test('of the lines of the floor the last of each load counts', () => {
  const line = (done: number, steps: number, p50: number): string =>
    `done ${done}/s steps ${steps}/s e2e p50 1.0 p99 2.0 step p50 ${p50} p99 9.9 msgs/batch 3.0 inflight 400`;
  const text = ['== STEPS=1', line(1, 1, 1), line(4_000, 4_000, 90), '== STEPS=100 P3=1 CONT=1', line(20, 2_000, 0.4)].join('\n');
  expect(readFloor(text)).toEqual([
    { load: 'P1', values: { instancesPerSecond: 4_000, stepsPerSecond: 4_000, msPerStep: 90 } },
    { load: 'P3, continued', values: { instancesPerSecond: 20, stepsPerSecond: 2_000, msPerStep: 0.4 } },
  ]);
});
