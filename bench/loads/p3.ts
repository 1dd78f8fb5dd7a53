/** P3: one instance at a time, 100 tasks in sequence: what a step takes when nothing else runs. Latencies are those of a step. */
import { input, sequenceId } from '../engine/definitions.ts';
import { valuesOf } from '../options.ts';
import type { Figure } from '../report/figures.ts';
import { Latencies } from '../statistics.ts';
import { type BenchLoad, measured, repeat } from './load.ts';

const STEPS = 100;

export const p3: BenchLoad = {
  name: 'P3',
  async run(context) {
    const { client, options } = context;
    const figures: Figure[] = [];
    for (const isContinued of valuesOf(options.continuation)) {
      const definition = sequenceId(STEPS, isContinued);
      const runs = await repeat(options.runs, () =>
        measured(context, async () => {
          const latencies = new Latencies();
          const until = performance.now() + options.seconds * 1_000;
          // The mean step of an instance, not each one: that is all that a caller sees.
          while (performance.now() < until) latencies.record((await client.run(definition, input)) / STEPS);
          const latencyMs = latencies.summary();
          return { steps: latencies.count * STEPS, values: { msPerStep: latencyMs.p50 }, latencyMs };
        }),
      );
      figures.push({ load: 'P3', variant: isContinued ? 'continued' : '', main: 'msPerStep', runs });
    }
    return figures;
  },
};
