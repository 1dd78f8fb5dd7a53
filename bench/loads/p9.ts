/** P9: one setting is changed at a time, between two measurements without the change: by which factor it changes P1 and P2. */
import type { Figure, Run } from '../report/figures.ts';
import { median, rounded } from '../statistics.ts';
import { type BenchLoad, closedRun, type LoadContext } from './load.ts';

/** Seconds of load after each restart that do not count. */
const RAMP_SECONDS = 8;

export const p9: BenchLoad = {
  name: 'P9',
  async run(context) {
    const { engine, options, say } = context;
    const runs = new Map<string, { readonly p1: Run; readonly p2: Run }[]>();
    const measure = async (name: string, settings: Readonly<Record<string, string>>): Promise<void> => {
      say(`  ${name}`);
      await engine.restart(settings);
      const found = { p1: await one(context, 1), p2: await one(context, 10) };
      runs.set(name, [...(runs.get(name) ?? []), found]);
    };
    const plain = 'as it is';
    for (let n = 0; n < options.runs; n++) {
      await measure(plain, {});
      for (const { name, value } of options.ablations) await measure(`${name}=${value}`, { [name]: value });
    }
    await measure(plain, {});
    const rates = (name: string, load: 'p1' | 'p2'): readonly number[] =>
      (runs.get(name) ?? []).map((pair) => pair[load].values.stepsPerSecond ?? 0);
    return [...runs].flatMap(([variant, pairs]) =>
      (['p1', 'p2'] as const).map((load): Figure => {
        const base = median(rates(plain, load));
        const withFactor = pairs.map((pair) => ({
          ...pair[load],
          values: { factor: rounded((pair[load].values.stepsPerSecond ?? 0) / base), ...pair[load].values },
        }));
        return { load: 'P9', variant: `${variant}, ${load.toUpperCase()}`, main: 'factor', runs: withFactor };
      }),
    );
  },
};

async function one(context: LoadContext, steps: number): Promise<Run> {
  const { inFlight, seconds } = context.options;
  return await closedRun(context, { steps, isContinued: false }, { inFlight, seconds, ramp: RAMP_SECONDS });
}
