/** P7: 100,000 timers that come due over 60 seconds: from the time at which one is due to the end of its instance, as a caller reads it. */
import { timer } from '../engine/definitions.ts';
import { within } from '../engine/shapes.ts';
import { Latencies, rounded } from '../statistics.ts';
import { type BenchLoad, deploy, inParallel, measured, repeat, roughRate } from './load.ts';

const TIMERS = 100_000;
const SPAN_SECONDS = 60;
const STARTS_AT_ONCE = 100;
/** How much longer than guessed the starts may take before the first timer is due. */
const RESERVE = 1.5;
const RESERVE_MS = 3_000;
/** How late the last one may be. */
const PATIENCE_SECONDS = 120;

export const p7: BenchLoad = {
  name: 'P7',
  async run(context) {
    const { client, options, say } = context;
    await deploy(context, timer);
    const count = Math.round(TIMERS * options.scale);
    // The rate at which they come due is the same at any scale.
    const spanMs = SPAN_SECONDS * 1_000 * options.scale;
    const startsPerSecond = await roughRate(context, { steps: 1, isContinued: false });
    const runs = await repeat(options.runs, async () => {
      const latencies = new Latencies();
      const ends: Promise<void>[] = [];
      const dueFrom = Date.now() + RESERVE * (count / startsPerSecond) * 1_000 + RESERVE_MS;
      let startedLate = 0;
      await inParallel(count, STARTS_AT_ONCE, async (n) => {
        const until = Math.round(dueFrom + (n * spanMs) / count);
        const started = await client.start(timer.id, { until: new Date(until).toISOString() }, true);
        if (!started.isAccepted) throw new Error(`A start was answered ${started.status}: ${JSON.stringify(started.body)}`);
        if (performance.timeOrigin + started.answeredAt > until) startedLate++;
        ends.push(started.ended.then((endedAt) => latencies.record(performance.timeOrigin + endedAt - until)));
      });
      say(`  ${count} timers are set, the first is due in ${Math.round((dueFrom - Date.now()) / 1_000)} s`);
      return await measured(context, async () => {
        await within(Promise.all(ends), (dueFrom - Date.now() + spanMs) / 1_000 + PATIENCE_SECONDS, `${count} timers`);
        const latencyMs = latencies.summary();
        const values = { latenessP99Ms: latencyMs.p99, timersPerSecond: rounded((count * 1_000) / spanMs), startedLate };
        return { steps: count, values, latencyMs };
      });
    });
    return [{ load: 'P7', variant: `${count} timers over ${rounded(spanMs / 1_000)} s`, main: 'latenessP99Ms', runs }];
  },
};
