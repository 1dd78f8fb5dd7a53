/**
 * When the starter has to end: Ctrl-C, SIGTERM, a closed terminal, or the loss of the process that started it.
 * One Ctrl-C can arrive two or three times (the terminal tells npm, the shell and us, and npm passes it on), so
 * interrupts within two seconds are one; a later one asks to end at once.
 */
import { Socket } from 'node:net';

const sameInterruptMs = 2_000;

export interface ShutdownRequests {
  /** Aborts at the first request; its reason is a word for a person. */
  readonly stop: AbortSignal;
  /** Aborts when a second, separate Ctrl-C comes. */
  readonly hurry: AbortSignal;
}

export function watchShutdownRequests(now: () => number = () => performance.now()): ShutdownRequests {
  const stop = new AbortController();
  const hurry = new AbortController();
  let first: number | undefined;
  const request = (reason: string): void => {
    if (first === undefined) {
      first = now();
      stop.abort(new Error(reason));
    } else if (now() - first > sameInterruptMs) {
      hurry.abort(new Error(reason));
    }
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => request(signal === 'SIGINT' ? 'Ctrl-C' : signal));
  const pipe = process.env.MILLRACE_PARENT_PIPE;
  if (pipe !== undefined && pipe !== '') {
    // Only this process has the pipe. A child that inherits the variable would look for a descriptor that it does not have.
    delete process.env.MILLRACE_PARENT_PIPE;
    const gone = (): void => request('the process that started this one is gone');
    const socket = new Socket({ fd: Number(pipe), readable: true, writable: false });
    socket.on('end', gone).on('error', gone).resume();
    // It must not keep a starter alive that has nothing else to do.
    socket.unref();
  }
  return { stop: stop.signal, hurry: hurry.signal };
}
