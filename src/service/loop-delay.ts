/**
 * How long the event loop was blocked. Meanwhile a process reads, answers and sends nothing, no heartbeats either. So every
 * process measures it, shows it as a metric, logs it when it is long, and is not ready when it is so long that others take it for dead.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Health } from './health.ts';
import type { Logger } from './logging.ts';
import type { Metrics } from './metrics.ts';

/** A metric over the whole life of the process would never fall again. */
const WINDOW_MS = 10_000;
/** No step and no message blocks the loop for longer than a quarter of a second, so twice that is worth a line in the log. */
const ALARM_MS = 500;
const UNREADY_MS = 2_000;

const NS_PER_MS = 1_000_000;

/** Of delays in ns. */
type Delays = Pick<ReturnType<typeof monitorEventLoopDelay>, 'max' | 'percentile' | 'reset'>;

type Parts = { readonly log: Pick<Logger, 'warn'>; readonly metrics: Pick<Metrics, 'gauge'>; readonly health: Pick<Health, 'check'> };

export class LoopDelay {
  readonly #histogram: Delays;
  readonly #log: Parts['log'];
  #maxMs = 0;
  #p99Ms = 0;

  constructor({ log, metrics, health }: Parts, histogram: Delays) {
    this.#histogram = histogram;
    this.#log = log;
    metrics.gauge('event_loop_delay_seconds', 'How long the event loop was blocked in the last ten seconds.', ['quantile'], (gauge) => {
      gauge.set({ quantile: '0.99' }, this.#p99Ms / 1_000);
      gauge.set({ quantile: '1' }, this.#maxMs / 1_000);
    });
    health.check('event loop', () => (this.#maxMs < UNREADY_MS ? null : `was blocked for ${Math.round(this.#maxMs)} ms`));
  }

  /** To be called at the end of each window. */
  look(): void {
    this.#maxMs = this.#histogram.max / NS_PER_MS;
    this.#p99Ms = this.#histogram.percentile(99) / NS_PER_MS;
    this.#histogram.reset();
    if (this.#maxMs < ALARM_MS) return;
    this.#log.warn({ maxMs: Math.round(this.#maxMs), p99Ms: Math.round(this.#p99Ms) }, 'The event loop was blocked for too long');
  }
}

/** @returns a function that ends the watching. */
export function watchLoopDelay(parts: Parts): () => void {
  const histogram = monitorEventLoopDelay({ resolution: 20 });
  const delay = new LoopDelay(parts, histogram);
  histogram.enable();
  const timer = setInterval(() => delay.look(), WINDOW_MS).unref();
  return () => {
    clearInterval(timer);
    histogram.disable();
  };
}
