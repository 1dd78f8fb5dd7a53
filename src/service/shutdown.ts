/**
 * Ends a process in three steps: it becomes not ready, `signal` aborts so that no new work starts, and all parts are closed
 * in reverse order within one deadline. Knows nothing of operating system signals or exit codes.
 */
import type { Logger } from './logging.ts';

export type Closer = () => Promise<unknown> | unknown;

export type Shutdown = {
  /** Aborts when the shutdown begins. */
  readonly signal: AbortSignal;
  /** The part that was added last is closed first. */
  add(name: string, close: Closer): void;
  /** Closes everything; a second call waits for the first. Rejects with ShutdownError if a part failed or was too slow. */
  run(): Promise<void>;
};

/** Some parts failed to close or were too slow; the others were closed. */
export class ShutdownError extends Error {
  override readonly name = 'ShutdownError';
  /** Names of the parts that were not closed. */
  readonly unfinished: readonly string[];

  constructor(unfinished: readonly string[]) {
    super(`Not closed: ${unfinished.join(', ')}`);
    this.unfinished = unfinished;
  }
}

/** @param deadlineMs for all parts together. After it, each part that is left gets a quarter of a second. */
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
      log.error({ err: failure, part: name }, 'A part could not be closed');
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

/** null: closed in time. */
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
