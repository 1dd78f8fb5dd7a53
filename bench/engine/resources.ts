/**
 * What a benchmark uses of the machine: CPU seconds and memory by process, and flushes of the disks, from /proc (Linux only).
 * Postgres answers each connection by a child, so its children are told apart by what they do.
 */
import { readdirSync, readFileSync } from 'node:fs';

/** Clock ticks a second; fixed on Linux for every architecture that Node runs on. */
const TICKS = 100;
const PAGE_BYTES = 4_096;

export type Usage = { readonly cpuSeconds: number; readonly rssMiB: number };

/** A process of its own, or Postgres, whose children get a line for each of their kinds. */
export type Root = { readonly name: string; readonly pid: number; readonly isPostgres?: boolean };

export type ProcessReading = {
  readonly pid: number;
  readonly parent: number;
  readonly ticks: number;
  /** Of children that have ended. */
  readonly endedTicks: number;
  readonly rssPages: number;
  readonly title: string;
};

/** By name: each root with its descendants, less those that are roots themselves. */
export function usageOf(roots: readonly Root[], processes: readonly ProcessReading[] = readProcesses()): Record<string, Usage> {
  const byPid = new Map(processes.map((process) => [process.pid, process]));
  const rootOf = new Map(roots.map((root) => [root.pid, root]));
  const found = new Map<string, { ticks: number; pages: number }>();
  const add = (name: string, ticks: number, pages: number): void => {
    const sum = found.get(name) ?? { ticks: 0, pages: 0 };
    // Shared buffers would count once for each backend: the largest member stands for the memory of all.
    found.set(name, { ticks: sum.ticks + ticks, pages: Math.max(sum.pages, pages) });
  };
  for (const process of processes) {
    const root = nearestRoot(process, byPid, rootOf);
    if (root === undefined) continue;
    const isRoot = root.pid === process.pid;
    if (root.isPostgres !== true) add(root.name, process.ticks, process.rssPages);
    else {
      add(isRoot ? 'postgres others' : postgresKind(process.title), process.ticks, process.rssPages);
      // A connection that has ended was a backend.
      if (isRoot) add('postgres backends', process.endedTicks, 0);
    }
  }
  return Object.fromEntries(
    [...found].map(([name, { ticks, pages }]) => [
      name,
      { cpuSeconds: ticks / TICKS, rssMiB: Math.round((pages * PAGE_BYTES) / 1_048_576) },
    ]),
  );
}

/** From the title that a child of Postgres gives itself: `postgres: walsender millrace_connect …`. */
export function postgresKind(title: string): string {
  if (/^postgres: walsender/.test(title)) return 'postgres WAL sender';
  if (/^postgres: (checkpointer|background writer)/.test(title)) return 'postgres checkpointer';
  if (/^postgres: (walwriter|autovacuum|logical replication|io worker|archiver|slotsync)/.test(title)) return 'postgres others';
  return 'postgres backends';
}

function nearestRoot(
  process: ProcessReading,
  byPid: ReadonlyMap<number, ProcessReading>,
  rootOf: ReadonlyMap<number, Root>,
): Root | undefined {
  for (let at: ProcessReading | undefined = process; at !== undefined; at = byPid.get(at.parent)) {
    const root = rootOf.get(at.pid);
    if (root !== undefined) return root;
  }
  return undefined;
}

function readProcesses(): readonly ProcessReading[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(readProcess)
    .filter((process) => process !== null);
}

function readProcess(pid: string): ProcessReading | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may hold anything, so count from its end: state, parent, …
    const fields = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    const at = (index: number): number => fields[index] ?? 0;
    const title = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
    return { pid: Number(pid), parent: at(1), ticks: at(11) + at(12), endedTicks: at(13) + at(14), rssPages: at(21), title };
  } catch {
    return null; // it ended between the listing and now
  }
}

/** How often a whole disk of this machine was told to flush since it started: of everything that runs on it. */
export function diskFlushes(text = readFileSync('/proc/diskstats', 'utf8')): number {
  return text
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , device = '']) => /^(vd[a-z]|sd[a-z]|nvme\d+n\d+)$/.test(device))
    .reduce((sum, fields) => sum + Number(fields[18] ?? 0), 0);
}

/** Seconds for which cores of this machine were busy since it started, whoever used them. */
export function busyCoreSeconds(text = readFileSync('/proc/stat', 'utf8')): number {
  const fields = (text.split('\n')[0] ?? '').trim().split(/\s+/).slice(1, 9).map(Number);
  const [user = 0, nice = 0, system = 0, , , irq = 0, softIrq = 0, steal = 0] = fields;
  return (user + nice + system + irq + softIrq + steal) / TICKS;
}
