/** P2: ten tasks in sequence: steps a second in a closed loop, the highest rate that holds, and the time of ten starts a second. */
import { input, sequenceId } from '../engine/definitions.ts';
import { openLoop } from '../engine/shapes.ts';
import { valuesOf } from '../options.ts';
import type { Figure } from '../report/figures.ts';
import { type BenchLoad, closedRun, type LoadContext, measured, repeat, type Sequence, searchedRun } from './load.ts';

const STEPS = 10;
const SLOW_RATE = 10;

export const p2: BenchLoad = {
  name: 'P2',
  async run(context) {
    const figures: Figure[] = [];
    for (const isContinued of valuesOf(context.options.continuation)) figures.push(...(await both(context, { steps: STEPS, isContinued })));
    return figures;
  },
};

async function both(context: LoadContext, sequence: Sequence): Promise<readonly Figure[]> {
  const { client, options } = context;
  const { runs, inFlight, seconds, searchTrials } = options;
  const name = (variant: string): string => [variant, ...(sequence.isContinued ? ['continued'] : [])].filter(Boolean).join(', ');
  const slow = await repeat(runs, () =>
    measured(context, async () => {
      const definition = sequenceId(STEPS, sequence.isContinued);
      const open = await openLoop({ perSecond: SLOW_RATE, seconds, runOne: (at) => client.run(definition, input, at) });
      return { steps: open.started * STEPS, values: { p50Ms: open.latency.p50, p99Ms: open.latency.p99 }, latencyMs: open.latency };
    }),
  );
  const closed = await repeat(runs, () => closedRun(context, sequence, { inFlight, seconds }));
  const figures: Figure[] = [
    { load: 'P2', variant: name(`${SLOW_RATE}/s`), main: 'p50Ms', runs: slow },
    { load: 'P2', variant: name(''), main: 'stepsPerSecond', runs: closed },
  ];
  if (searchTrials === 0) return figures;
  const guess = Math.max(...closed.map(({ values }) => values.instancesPerSecond ?? 0));
  const highest = await searchedRun(context, sequence, guess);
  return highest === null ? figures : [...figures, { load: 'P2', variant: name('highest rate'), main: 'stepsPerSecond', runs: [highest] }];
}
