/**
 * Starts a process again that ended by itself, after a delay that doubles each time it ends soon after its start, and
 * reports it. A process that ran for a while gets the short delay again. Gives up only when it is stopped, or at an exit code that says
 * that the configuration cannot be used.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { ExponentialBackoff, type IBackoff, noJitterGenerator } from 'cockatiel';
import type { Exit } from './process.ts';

/** As in src/service/process.ts, from sysexits.h. */
const EXIT_CONFIG = 78;

export interface RestarterOptions {
  /** Told of each end and of each new start. */
  readonly tell: (report: string) => void;
  /** Delay before the first restart; default one second. */
  readonly initialMs?: number;
  /** Longest delay; default one minute. */
  readonly maxMs?: number;
  /** How long something must have run for its delay to be the first one again; default one minute. */
  readonly steadyMs?: number;
}

export class Restarter {
  readonly #options: Required<RestarterOptions>;
  readonly #stopping = new AbortController();
  readonly #underWay = new Set<Promise<void>>();
  readonly #last = new Map<string, { readonly backoff: IBackoff<unknown>; readonly startedAt: number }>();

  constructor({ tell, initialMs = 1_000, maxMs = 60_000, steadyMs = 60_000 }: RestarterOptions) {
    this.#options = { tell, initialMs, maxMs, steadyMs };
  }

  get isStopping(): boolean {
    return this.#stopping.signal.aborted;
  }

  /**
   * Call it when a process has ended though nobody stopped it.
   * @param report says what ended, how, and the end of its log.
   * @param start resolves when the process runs again. If it rejects, that counts as another end.
   */
  restart(name: string, report: string, exit: Exit, start: () => Promise<unknown>): void {
    if (this.isStopping) return;
    if (exit.code === EXIT_CONFIG) {
      this.#options.tell(`${report}\n\nIt is not started again: its configuration or set-up must be changed first.`);
      return;
    }
    const work = this.#restart(name, report, start).finally(() => this.#underWay.delete(work));
    this.#underWay.add(work);
  }

  /** Starts nothing any more. Resolves when a start that was under way has settled. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#underWay);
  }

  async #restart(name: string, first: string, start: () => Promise<unknown>): Promise<void> {
    for (let report = first; ; ) {
      const delayMs = this.#nextDelay(name);
      this.#options.tell(`${report}\n\n${name} is started again in ${delayMs / 1_000} s. Everything else goes on; data is kept.`);
      await sleep(delayMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
      if (this.isStopping) return;
      try {
        await start();
        if (!this.isStopping) this.#options.tell(`${name} runs again.`);
        return;
      } catch (error) {
        if (this.isStopping) return;
        report = `${name} could not be started: ${error instanceof Error ? error.message : String(error)}`;
      }
    }
  }

  #nextDelay(name: string): number {
    const { initialMs, maxMs, steadyMs } = this.#options;
    const last = this.#last.get(name);
    const isSteady = last === undefined || performance.now() - last.startedAt > steadyMs;
    const fresh = new ExponentialBackoff({ initialDelay: initialMs, maxDelay: maxMs, generator: noJitterGenerator });
    const backoff = isSteady ? fresh.next() : last.backoff.next(undefined);
    this.#last.set(name, { backoff, startedAt: performance.now() + backoff.duration });
    return backoff.duration;
  }
}
