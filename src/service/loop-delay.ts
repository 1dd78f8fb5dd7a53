/**
 * How long the event loop is held. While it is, nothing is read, answered or sent, heartbeats neither: so a process measures it
 * always, shows it as a metric, logs it when it is long, and is not ready when it is so long that others take it for dead.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Health } from './health.ts';
import type { Logger } from './logging.ts';
import type { Metrics } from './metrics.ts';

/** Each window is looked at alone, so that what was long ago ends. */
const WINDOW_MS = 10_000;
/** No instance, and nothing that is sent, holds the loop for longer than a quarter of a second: twice that is worth a line. */
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
    metrics.gauge('event_loop_delay_seconds', 'How long the event loop was held in the last ten seconds.', ['quantile'], (gauge) => {
      gauge.set({ quantile: '0.99' }, this.#p99Ms / 1_000);
      gauge.set({ quantile: '1' }, this.#maxMs / 1_000);
    });
    health.check('event loop', () => (this.#maxMs < UNREADY_MS ? null : `was held for ${Math.round(this.#maxMs)} ms`));
  }

  /** A window is over. */
  look(): void {
    this.#maxMs = this.#histogram.max / NS_PER_MS;
    this.#p99Ms = this.#histogram.percentile(99) / NS_PER_MS;
    this.#histogram.reset();
    if (this.#maxMs < ALARM_MS) return;
    this.#log.warn({ maxMs: Math.round(this.#maxMs), p99Ms: Math.round(this.#p99Ms) }, 'The event loop was held for too long');
  }
}

/** @returns what ends the watching. */
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
