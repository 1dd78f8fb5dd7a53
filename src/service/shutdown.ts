/**
 * The end of a process in order: not ready first, then whoever listens to `signal` begins nothing new, then everything
 * that was opened is closed in reverse order, all of it within one deadline. Knows nothing of signals or exit codes.
 */
import type { Logger } from './logging.ts';

export type Closer = () => Promise<unknown> | unknown;

export type Shutdown = {
  /** Aborts when the end begins. */
  readonly signal: AbortSignal;
  /** The last one that was added is closed first. */
  add(name: string, close: Closer): void;
  /** Closes everything; a second call awaits the first. Rejects with ShutdownError when something failed or was too slow. */
  run(): Promise<void>;
};

/** Something did not close as it should; the rest was closed all the same. */
export class ShutdownError extends Error {
  override readonly name = 'ShutdownError';
  /** Names of what failed or was not reached. */
  readonly unfinished: readonly string[];

  constructor(unfinished: readonly string[]) {
    super(`Not closed in order: ${unfinished.join(', ')}`);
    this.unfinished = unfinished;
  }
}

/** @param deadlineMs for all closers together. One that is late is left behind, and the rest get a moment each. */
export function createShutdown(log: Logger, deadlineMs: number, onBegin: () => void = () => undefined): Shutdown {
  const controller = new AbortController();
  const closers: { readonly name: string; readonly close: Closer }[] = [];
  let running: Promise<void> | undefined;

  async function closeAll(): Promise<void> {
    onBegin();
    controller.abort(new Error('The process is about to end.'));
    const deadline = performance.now() + deadlineMs;
    const unfinished: string[] = [];
    for (const { name, close } of closers.toReversed()) {
      const failure = await closeWithin(close, Math.max(deadline - performance.now(), 250));
      if (failure === null) continue;
      unfinished.push(name);
      log.error({ err: failure, part: name }, 'A part did not close in order');
    }
    if (unfinished.length > 0) throw new ShutdownError(unfinished);
  }

  return {
    signal: controller.signal,
    add(name, close) {
      closers.push({ name, close });
    },
    run() {
      running ??= closeAll();
      return running;
    },
  };
}

/** null when it closed well and in time. */
async function closeWithin(close: Closer, ms: number): Promise<unknown> {
  const late = Promise.withResolvers<Error>();
  const timer = setTimeout(() => late.resolve(new Error(`not closed within ${Math.round(ms)} ms`)), ms);
  try {
    return await Promise.race([Promise.resolve(close()).then(() => null), late.promise]);
  } catch (error) {
    return error;
  } finally {
    clearTimeout(timer);
  }
}
