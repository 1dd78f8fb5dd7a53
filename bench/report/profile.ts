/**
 * Tables of what V8's CPU profiles say (`node --cpu-prof`): which functions of a process took its time. The profiles themselves open
 * as flame graphs in Chrome's developer tools and in speedscope.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export type CpuProfile = {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  /** Microseconds since the sample before. */
  readonly timeDeltas: readonly number[];
};

export type SelfTime = { readonly where: string; readonly ms: number; readonly share: number };

const checkout = fileURLToPath(new URL('../..', import.meta.url));

/** The functions with the largest time of their own. Shares are of the time in which the process did anything. */
export function topSelfTimes({ nodes, samples, timeDeltas }: CpuProfile, count = 30): readonly SelfTime[] {
  const places = new Map(nodes.map(({ id, callFrame }) => [id, placeOf(callFrame)]));
  const times = new Map<string, number>();
  for (const [n, id] of samples.entries()) {
    const place = places.get(id) ?? '(unknown)';
    times.set(place, (times.get(place) ?? 0) + (timeDeltas[n] ?? 0) / 1_000);
  }
  times.delete('(idle)');
  const total = [...times.values()].reduce((sum, ms) => sum + ms, 0);
  return [...times]
    .map(([where, ms]) => ({ where, ms: Math.round(ms), share: total === 0 ? 0 : ms / total }))
    .toSorted((a, b) => b.ms - a.ms)
    .slice(0, count);
}

/** Writes `top.md` beside the profiles of a folder. @returns its path. */
export function writeProfileTables(folder: string): string {
  const sections = readdirSync(folder)
    .filter((name) => name.endsWith('.cpuprofile'))
    .sort()
    .map((name) => {
      const profile = JSON.parse(readFileSync(join(folder, name), 'utf8')) as CpuProfile;
      const rows = topSelfTimes(profile).map(({ where, ms, share }) => `| ${(share * 100).toFixed(1)} % | ${ms} | ${where} |`);
      return [`## ${name}`, '', '| share | ms | function |', '| --- | --- | --- |', ...rows].join('\n');
    });
  const file = join(folder, 'top.md');
  writeFileSync(file, `# Where the time of each process went\n\n${sections.join('\n\n')}\n`);
  return file;
}

function placeOf({ functionName, url, lineNumber }: CpuProfile['nodes'][number]['callFrame']): string {
  const name = functionName === '' ? '(anonymous)' : functionName;
  if (url === '') return name;
  const path = url.startsWith('file://') ? fileURLToPath(url) : url;
  const short = path.startsWith(checkout) ? path.slice(checkout.length) : path;
  return `${name} ${short}:${lineNumber + 1}`;
}
