/** What the whole stack costs while nothing happens. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type BenchLoad, measured, repeat } from './load.ts';

/** What the load before left to do: commits, flushes, vacuum. */
const SETTLE_MS = 5_000;

export const idle: BenchLoad = {
  name: 'idle',
  async run(context) {
    const { runs, seconds } = context.options;
    await sleep(SETTLE_MS);
    const found = await repeat(runs, async () => {
      const run = await measured(context, async () => {
        await sleep(seconds * 1_000);
        return { steps: 0, values: {}, latencyMs: null };
      });
      return { ...run, values: { cores: run.cost?.cores ?? 0 } };
    });
    return [{ load: 'idle', variant: '', main: 'cores', runs: found }];
  },
};
