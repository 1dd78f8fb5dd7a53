/** What a benchmark costs: CPU seconds and memory by process from /proc, and WAL bytes from Postgres. Linux only. */
import { readdirSync, readFileSync } from 'node:fs';
import pg from 'pg';

/** Clock ticks a second; fixed on Linux for every architecture that Node runs on. */
const TICKS = 100;

export type Usage = { readonly cpuSeconds: number; readonly rssMiB: number };

/** Of each process with all its descendants (Postgres answers each connection by a child). */
export function usageOf(roots: Readonly<Record<string, number>>): Record<string, Usage> {
  const processes = readProcesses();
  return Object.fromEntries(Object.entries(roots).map(([name, pid]) => [name, sumOf(pid, processes)]));
}

type Process = { readonly pid: number; readonly parent: number; readonly ticks: number; readonly rssPages: number };

function readProcesses(): readonly Process[] {
  const found: Process[] = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = readStat(name);
    if (stat === null) continue;
    // The name in parentheses may hold anything, so count from its end: state, parent, … utime is the 12th, with the dead children's the 14th.
    const fields = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    const [, parent = 0] = fields;
    const ticks = [11, 12, 13, 14].reduce((sum, index) => sum + (fields[index] ?? 0), 0);
    found.push({ pid: Number(name), parent, ticks, rssPages: fields[21] ?? 0 });
  }
  return found;
}

function readStat(pid: string): string | null {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return null; // it ended between the listing and now
  }
}

function sumOf(root: number, processes: readonly Process[]): Usage {
  const family = new Set([root]);
  let grew = true;
  while (grew) {
    grew = false;
    for (const { pid, parent } of processes) {
      if (!family.has(parent) || family.has(pid)) continue;
      family.add(pid);
      grew = true;
    }
  }
  const members = processes.filter(({ pid }) => family.has(pid));
  const ticks = members.reduce((sum, member) => sum + member.ticks, 0);
  // Shared buffers would count once for each backend: the largest member stands for the memory of all.
  const pages = Math.max(0, ...members.map(({ rssPages }) => rssPages));
  return { cpuSeconds: ticks / TICKS, rssMiB: Math.round((pages * 4_096) / 1_048_576) };
}

export async function walPosition(url: string): Promise<number> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ bytes: string }>("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::text AS bytes");
    return Number(rows[0]?.bytes ?? 0);
  } finally {
    await client.end();
  }
}
