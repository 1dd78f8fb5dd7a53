/**
 * The CPU time of the thread that asks. On a busy machine a delay says how long others had the CPU; CPU time says what was done
 * here. By Node from 23.9 on, before that by Linux; elsewhere nothing tells it.
 */
import { openSync, readSync } from 'node:fs';

/** @returns in ms, since some moment in the past; null where nothing tells it. Only ever called in the main thread. */
export type ReadCpuMs = () => number | null;

export function cpuOfThisThread(): ReadCpuMs {
  if (typeof process.threadCpuUsage === 'function') return byNode;
  const file = openSchedstat();
  return file === null ? () => null : () => bySchedstat(file);
}

function byNode(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

/** Open for the life of the process. */
function openSchedstat(): number | null {
  try {
    const file = openSync(`/proc/self/task/${process.pid}/schedstat`, 'r');
    return Number.isNaN(bySchedstat(file)) ? null : file;
  } catch {
    return null;
  }
}

const bytes = Buffer.alloc(64);

/** The first number is the time on a CPU, in ns. */
export function bySchedstat(file: number): number {
  const length = readSync(file, bytes, 0, bytes.length, 0);
  return Number.parseInt(bytes.toString('latin1', 0, length), 10) / 1_000_000;
}
