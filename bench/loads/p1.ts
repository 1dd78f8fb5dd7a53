/** P1: one task that does nothing, 256 bytes of input, started by REST. Throughput in a closed loop, and the highest rate that holds. */
import { type BenchLoad, closedRun, repeat, searchedRun } from './load.ts';

export const p1: BenchLoad = {
  name: 'P1',
  async run(context) {
    const { runs, inFlight, seconds, searchTrials } = context.options;
    const sequence = { steps: 1, isContinued: false };
    const closed = await repeat(runs, () => closedRun(context, sequence, { inFlight, seconds }));
    const figure = { load: 'P1', variant: '', main: 'instancesPerSecond', runs: closed };
    if (searchTrials === 0) return [figure];
    const highest = await searchedRun(context, sequence, Math.max(...closed.map(({ values }) => values.instancesPerSecond ?? 0)));
    if (highest === null) return [figure];
    return [figure, { load: 'P1', variant: 'highest rate', main: 'instancesPerSecond', runs: [highest] }];
  },
};
