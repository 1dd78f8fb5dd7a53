/**
 * Measures what is beside Millrace: folders with a `run.sh`, each another engine or a floor, run one at a time. None is part of this
 * repository. Two forms of results are read: lines of JSON that a `run.sh` appends to the file OUT, and the lines that the floor
 * prints. A folder that fails is told, and the others go on.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Beside, BesideFigure } from '../report/figures.ts';

export type BesideOptions = { readonly seconds: number; readonly runs: number };

/** How long one folder may take. */
const TIMEOUT_MS = 900_000;

/** Folders with a `run.sh`: the folder itself, or those in it. */
export function foldersOf(folder: string): readonly string[] {
  const path = resolve(folder);
  if (existsSync(join(path, 'run.sh'))) return [path];
  if (!existsSync(path)) return [];
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(path, entry.name, 'run.sh')))
    .map(({ name }) => join(path, name));
}

export async function runBeside(folder: string, options: BesideOptions, say: (text: string) => void): Promise<readonly Beside[]> {
  const found = foldersOf(folder);
  if (found.length === 0) say(`${folder} has no run.sh, nor has a folder in it; it is left out`);
  const results: Beside[] = [];
  for (const path of found) {
    say(basename(path));
    results.push(...(await runOne(path, options)));
  }
  return results;
}

async function runOne(path: string, { seconds, runs }: BesideOptions): Promise<readonly Beside[]> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-beside-'));
  const file = join(folder, 'figures.jsonl');
  try {
    const env = { ...process.env, OUT: file, SECS: String(seconds), P3SECS: String(Math.min(seconds, 8)), REPS: String(runs) };
    const { code, stdout, stderr } = await runScript(join(path, 'run.sh'), env);
    const peers = existsSync(file) ? readPeers(readFileSync(file, 'utf8')) : [];
    const floor = readFloor(stdout);
    const name = basename(path);
    const failed = code === 0 ? '' : `run.sh of ${name} ended with exit code ${code}: ${stderr.trim().split('\n').slice(-3).join(' ')}`;
    if (peers.length > 0) return peers.map((peer) => ({ ...peer, note: failed }));
    return [{ name, figures: floor, note: failed }];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function runScript(script: string, env: NodeJS.ProcessEnv) {
  const child = spawn('bash', [script], { env, stdio: ['ignore', 'pipe', 'pipe'], timeout: TIMEOUT_MS });
  const [[code], stdout, stderr] = await Promise.all([once(child, 'close'), text(child.stdout), text(child.stderr)]);
  return { code: code as number | null, stdout, stderr };
}

/** What a peer calls a workload, as we do. */
const loadNames: Readonly<Record<string, string>> = { P1: 'P1', P2max: 'P2', 'P2@10/s': 'P2, 10/s', P3: 'P3' };
/** Its values, as we call them. */
const valueNames: Readonly<Record<string, string>> = {
  instancesPerSec: 'instancesPerSecond',
  stepsPerSec: 'stepsPerSecond',
  msPerStep_p50: 'msPerStep',
  msPerStep_p99: 'msPerStepP99',
  p50ms: 'p50Ms',
  p99ms: 'p99Ms',
  cpuPer1kSteps: 'cpuSecondsPer1000Steps',
};

/** Lines of JSON, `{ label, w, … }`: those of a workload that is not ours are left out. */
export function readPeers(text: string): readonly { readonly name: string; readonly figures: readonly BesideFigure[] }[] {
  const lines = text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
  const byName = Map.groupBy(lines, ({ label }) => String(label));
  return [...byName].map(([name, of]) => ({
    name,
    figures: of.flatMap((line): readonly BesideFigure[] => {
      const load = loadNames[String(line.w)];
      if (load === undefined) return [];
      const values = Object.entries(valueNames).flatMap(([theirs, ours]) => {
        const value = line[theirs];
        return typeof value === 'number' ? [[ours, value] as const] : [];
      });
      return [{ load, values: Object.fromEntries(values) }];
    }),
  }));
}

/** Lines of the floor: `== STEPS=10 CONT=1`, then one with figures for every five seconds, of which the last counts. */
export function readFloor(text: string): readonly BesideFigure[] {
  const figures = new Map<string, BesideFigure>();
  let load: string | null = null;
  for (const line of text.split('\n')) {
    const steps = /^== .*\bSTEPS=(\d+)/.exec(line)?.[1];
    if (steps !== undefined) {
      const name = steps === '1' ? 'P1' : steps === '10' ? 'P2' : 'P3';
      load = /\bCONT=1\b/.test(line) ? `${name}, continued` : name;
    }
    const found = /^done (?<done>\d+)\/s steps (?<steps>\d+)\/s .* step p50 (?<p50>[\d.]+)/.exec(line)?.groups;
    if (found === undefined || load === null) continue;
    const values = { instancesPerSecond: Number(found.done), stepsPerSecond: Number(found.steps), msPerStep: Number(found.p50) };
    figures.set(load, { load, values });
  }
  return [...figures.values()];
}
