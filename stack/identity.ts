/** Tells whether a process id still belongs to the process that it was recorded for. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

export interface ProcessIdentity {
  readonly pid: number;
  /** When it started, in the system's own notation: a reused pid has another one. */
  readonly started: string;
}

export function identify(pid: number): ProcessIdentity | null {
  const started = readStartTime(pid);
  return started === null ? null : { pid, started };
}

export function isAlive(identity: ProcessIdentity): boolean {
  return readStartTime(identity.pid) === identity.started;
}

/** Resident memory of a process in MiB, null where the system does not say. */
export function residentMiB(pid: number): number | null {
  const file = `/proc/${pid}/status`;
  if (!existsSync(file)) return null;
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(file, 'utf8'))?.[1];
  return kib === undefined ? null : Math.round(Number(kib) / 1024);
}

function readStartTime(pid: number): string | null {
  try {
    if (existsSync('/proc/self/stat')) {
      // Field 22; the name in field 2 may hold spaces and parentheses, so count from the last one.
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return state === 'Z' ? null : (fields[18] ?? null);
    }
    return (
      execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim() || null
    );
  } catch {
    return null; // neither file nor line: there is no such process
  }
}
