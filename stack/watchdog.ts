/** The starter's end of the watchdog's pipe; see watchdog.mjs for what the other end does. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface Watchdog {
  add(order: number, pid: number, signal: NodeJS.Signals): void;
  remove(pid: number): void;
  /** Ends the watchdog; whatever it still knows about is stopped. */
  close(): Promise<void>;
}

export function startWatchdog(): Watchdog {
  const child = spawn(process.execPath, [fileURLToPath(new URL('./watchdog.mjs', import.meta.url))], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  // Neither the process nor its pipe may keep the starter alive: the starter would never end by itself.
  child.unref();
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.stdin.on('error', () => child.stdin.destroy());
  const write = (line: string): void => {
    if (child.stdin.writable) child.stdin.write(`${line}\n`);
  };
  return {
    add: (order, pid, signal) => write(`add ${order} ${pid} ${signal}`),
    remove: (pid) => write(`remove ${pid}`),
    close: () => {
      child.ref();
      child.stdin.end();
      return exited;
    },
  };
}
