/**
 * Child processes of the stack and of the engine beside it: started in a process group of their own (a terminal's
 * Ctrl-C must not reach them before their turn), their output appended to a log file, stopped by a signal with a grace
 * period. Relies on the watchdog to end them when this process is killed. Never restarts anything.
 */
import { spawn } from 'node:child_process';
import { closeSync, existsSync, fstatSync, mkdirSync, openSync, readSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Watchdog } from './watchdog.ts';

export interface ChildSpec {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly logFile: string;
  readonly stopSignal: NodeJS.Signals;
  readonly stopGraceMs: number;
  /** Later ones are stopped first. */
  readonly order: number;
  /** The umask of its files; default: that of this process. */
  readonly umask?: number;
  /** The user to run as, where it is not the one of this process. */
  readonly owner?: { readonly uid: number; readonly gid: number };
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Child {
  readonly name: string;
  readonly pid: number;
  readonly logFile: string;
  readonly exited: Promise<Exit>;
  /** Null while it runs. */
  exit(): Exit | null;
  /** True once somebody asked it to end, so that its exit is not reported. */
  isStopping(): boolean;
  signal(signal: NodeJS.Signals): void;
  /** Asks it to end, waits for its grace period, then kills it. */
  stop(): Promise<void>;
  kill(): Promise<void>;
}

/** Starts a child; rejects when the command cannot be run at all. */
export async function startChild(spec: ChildSpec, watchdog: Watchdog): Promise<Child> {
  mkdirSync(dirname(spec.logFile), { recursive: true });
  // The log of the run before stays beside it: that is the one to read after a crash.
  if (existsSync(spec.logFile)) renameSync(spec.logFile, `${spec.logFile}.1`);
  const log = openSync(spec.logFile, 'a', 0o600);
  const child = withUmask(spec.umask, () =>
    spawn(spec.command, spec.args, { cwd: spec.cwd, env: spec.env, detached: true, stdio: ['ignore', log, log], ...spec.owner }),
  );
  closeSync(log);
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (cause) => reject(new Error(`${spec.name} could not be started: ${cause.message}`, { cause })));
  });
  const { pid } = child;
  if (pid === undefined) throw new Error(`${spec.name} started without a process id`);
  watchdog.add(spec.order, pid, spec.stopSignal);

  let exit: Exit | null = null;
  let stopping = false;
  const exited = new Promise<Exit>((resolve) => {
    child.once('exit', (code, signal) => {
      exit = { code, signal };
      watchdog.remove(pid);
      resolve(exit);
    });
  });
  const signal = (name: NodeJS.Signals): void => {
    if (exit === null) signalGroup(pid, name);
  };
  const kill = async (): Promise<void> => {
    stopping = true;
    signal('SIGKILL');
    await exited;
  };
  const stop = async (): Promise<void> => {
    stopping = true;
    signal(spec.stopSignal);
    // A frozen process would not get the signal.
    signal('SIGCONT');
    const timer = setTimeout(() => signal('SIGKILL'), spec.stopGraceMs);
    await exited;
    clearTimeout(timer);
  };
  return { name: spec.name, pid, logFile: spec.logFile, exited, exit: () => exit, isStopping: () => stopping, signal, stop, kill };
}

/** A child has the umask that its parent has when it is spawned, which happens before `spawn` returns. */
export function withUmask<Value>(umask: number | undefined, work: () => Value): Value {
  if (umask === undefined) return work();
  const before = process.umask(umask);
  try {
    return work();
  } finally {
    process.umask(before);
  }
}

/** Signals a whole process group; a group that is gone already is what the caller wanted. */
export function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

/** The last lines of a log file, for the report about a process that died. Reads its last 64 KiB at most. */
export function readLogEnd(logFile: string, lines = 20): string {
  if (!existsSync(logFile)) return '(no log)';
  const log = openSync(logFile, 'r');
  try {
    const { size } = fstatSync(log);
    const end = Buffer.alloc(Math.min(size, 65_536));
    readSync(log, end, 0, end.length, size - end.length);
    return end.toString('utf8').trimEnd().split('\n').slice(-lines).join('\n');
  } finally {
    closeSync(log);
  }
}

export function describeExit(exit: Exit): string {
  return exit.signal === null ? `exit code ${exit.code}` : `signal ${exit.signal}`;
}
