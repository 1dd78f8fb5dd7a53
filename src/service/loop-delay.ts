/**
 * How long the event loop was blocked. Meanwhile a process reads, answers and sends nothing, no heartbeats either. So every
 * process measures it, shows it as a metric, logs it when it is long, and is not ready when it is so long that others take it for dead.
 * A delay has two causes: others had the CPU, or one turn of the loop was long. So the CPU time of turns is measured beside it.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Health } from './health.ts';
import type { Logger } from './logging.ts';
import type { Metrics } from './metrics.ts';
import { cpuOfThisThread, type ReadCpuMs } from './thread-cpu.ts';

/** A metric over the whole life of the process would never fall again. */
const WINDOW_MS = 10_000;
const TURN_MS = 20;
/** No instance, message or request holds the loop for longer. */
const HELD_MS_MAX = 250;
const BLOCKED_MS_MAX = 500;
const UNREADY_MS = 2_000;

const NS_PER_MS = 1_000_000;

/** Of delays in ns. */
type Delays = Pick<ReturnType<typeof monitorEventLoopDelay>, 'max' | 'percentile' | 'reset'>;

type Parts = { readonly log: Pick<Logger, 'warn'>; readonly metrics: Pick<Metrics, 'gauge'>; readonly health: Pick<Health, 'check'> };

export type Clocks = {
  readonly delays: Delays;
  /** In ms; where it says null, `wallMs` counts instead. */
  readonly cpuMs: ReadCpuMs;
  readonly wallMs: () => number;
};

export class LoopDelay {
  readonly #clocks: Clocks;
  readonly #log: Parts['log'];
  #maxMs = 0;
  #p99Ms = 0;
  #usedMs: number;
  /** Of the window under way, and of the one before. */
  #heldMs = 0;
  #heldBeforeMs = 0;

  constructor({ log, metrics, health }: Parts, clocks: Clocks) {
    this.#clocks = clocks;
    this.#log = log;
    this.#usedMs = this.#readUsedMs();
    metrics.gauge('event_loop_delay_seconds', 'How long the event loop was blocked in the last ten seconds.', ['quantile'], (gauge) => {
      gauge.set({ quantile: '0.99' }, this.#p99Ms / 1_000);
      gauge.set({ quantile: '1' }, this.#maxMs / 1_000);
    });
    metrics.gauge('event_loop_held_seconds', 'The most CPU time that one turn of the event loop took lately.', [], (gauge) => {
      gauge.set(Math.max(this.#heldMs, this.#heldBeforeMs) / 1_000);
    });
    health.check('event loop', () => (this.#maxMs < UNREADY_MS ? null : `was blocked for ${Math.round(this.#maxMs)} ms`));
  }

  /** To be called by a timer of 20 ms: what was used since the last call is at most that much more than the longest turn. */
  turn(): void {
    const usedMs = this.#readUsedMs();
    this.#heldMs = Math.max(this.#heldMs, usedMs - this.#usedMs);
    this.#usedMs = usedMs;
  }

  /** To be called at the end of each window. */
  look(): void {
    const { delays } = this.#clocks;
    this.#maxMs = delays.max / NS_PER_MS;
    this.#p99Ms = delays.percentile(99) / NS_PER_MS;
    delays.reset();
    this.#heldBeforeMs = this.#heldMs;
    this.#heldMs = 0;
    if (this.#maxMs < BLOCKED_MS_MAX && this.#heldBeforeMs <= HELD_MS_MAX) return;
    const told = { maxMs: Math.round(this.#maxMs), p99Ms: Math.round(this.#p99Ms), heldMs: Math.round(this.#heldBeforeMs) };
    this.#log.warn(told, 'The event loop was blocked for too long');
  }

  #readUsedMs(): number {
    return this.#clocks.cpuMs() ?? this.#clocks.wallMs();
  }
}

/** @returns a function that ends the watching. */
export function watchLoopDelay(parts: Parts): () => void {
  const delays = monitorEventLoopDelay({ resolution: TURN_MS });
  const delay = new LoopDelay(parts, { delays, cpuMs: cpuOfThisThread(), wallMs: () => performance.now() });
  delays.enable();
  const turns = setInterval(() => delay.turn(), TURN_MS).unref();
  const windows = setInterval(() => delay.look(), WINDOW_MS).unref();
  return () => {
    clearInterval(turns);
    clearInterval(windows);
    delays.disable();
  };
}
