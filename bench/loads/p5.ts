/** P5: starts at 500/s, how long each waits for its answer; and 20,000 starts in two seconds: what was answered, and when all have ended. */
import { setImmediate as immediate, setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '../engine/client.ts';
import { input, sequenceId } from '../engine/definitions.ts';
import { openLoop, within } from '../engine/shapes.ts';
import type { Run } from '../report/figures.ts';
import { Latencies, rounded } from '../statistics.ts';
import { type BenchLoad, type LoadContext, measured, repeat } from './load.ts';

const STEADY_RATE = 500;
const BURST_STARTS = 20_000;
const BURST_SECONDS = 2;
const BURST_CONNECTIONS = 512;
const PATIENCE_SECONDS = 300;

export const p5: BenchLoad = {
  name: 'P5',
  async run(context) {
    const { options } = context;
    return [
      { load: 'P5', variant: `accept at ${STEADY_RATE}/s`, main: 'acceptP99Ms', runs: await repeat(options.runs, () => steady(context)) },
      {
        load: 'P5',
        variant: `${burstStarts(options.scale)} starts in ${BURST_SECONDS} s`,
        main: 'acceptP99Ms',
        runs: await repeat(options.runs, () => burst(context)),
      },
    ];
  },
};

function burstStarts(scale: number): number {
  return Math.round(BURST_STARTS * scale);
}

/** Latencies are those of the answers; the instances end meanwhile. */
async function steady(context: LoadContext): Promise<Run> {
  const { client, options } = context;
  const definition = sequenceId(1, false);
  return await measured(context, async () => {
    const accepts = new Latencies();
    const open = await openLoop({
      ...{ perSecond: STEADY_RATE, seconds: options.seconds },
      runOne: async (at) => {
        const started = await client.start(definition, input, true);
        if (!started.isAccepted) return null;
        accepts.record(started.answeredAt - at);
        return (await started.ended) - at;
      },
    });
    const latencyMs = accepts.summary();
    return { steps: open.latency.count, values: { acceptP99Ms: latencyMs.p99, refused: open.refused }, latencyMs };
  });
}

async function burst(context: LoadContext): Promise<Run> {
  const { openClient, options } = context;
  const count = burstStarts(options.scale);
  const client = await openClient(BURST_CONNECTIONS);
  const burst = measured(context, async () => {
    const began = performance.now();
    const found = await sendBurst(client, count);
    const drained = performance.now();
    const latencyMs = found.accepts.summary();
    return {
      steps: found.accepts.count,
      values: {
        acceptP99Ms: latencyMs.p99,
        accepted: found.accepts.count,
        answered429: found.statuses.get(429) ?? 0,
        answered503: found.statuses.get(503) ?? 0,
        answeredOtherwise: found.otherwise,
        /** By how much the load generator was late itself: part of the latencies. */
        sentLateP99Ms: found.late.quantile(0.99),
        secondsUntilAllAnswered: rounded((found.allAnsweredAt - began) / 1_000),
        secondsUntilAllEnded: rounded((drained - began) / 1_000),
      },
      latencyMs,
    };
  });
  return await burst.finally(() => client.close());
}

async function sendBurst(client: Client, count: number) {
  const definition = sequenceId(1, false);
  const [accepts, late] = [new Latencies(), new Latencies()];
  const statuses = new Map<number, number>();
  let otherwise = 0;
  let allAnsweredAt = 0;
  const ends: Promise<unknown>[] = [];
  const began = performance.now();
  const sends: Promise<void>[] = [];
  for (let n = 0; n < count; n++) {
    const at = began + (n * BURST_SECONDS * 1_000) / count;
    const early = at - performance.now();
    if (early > 0) await sleep(early);
    else if (n % 16 === 15) await immediate();
    late.record(performance.now() - at);
    sends.push(
      client.start(definition, input, true).then(
        (started) => {
          allAnsweredAt = Math.max(allAnsweredAt, started.answeredAt);
          if (started.isAccepted) {
            accepts.record(started.answeredAt - at);
            ends.push(started.ended);
          } else {
            statuses.set(started.status, (statuses.get(started.status) ?? 0) + 1);
            if (started.status !== 429 && started.status !== 503) otherwise++;
          }
        },
        () => {
          otherwise++;
        },
      ),
    );
  }
  await within(Promise.all(sends), PATIENCE_SECONDS, 'the answers to a burst');
  await within(Promise.all(ends), PATIENCE_SECONDS, 'the instances of a burst');
  return { accepts, late, statuses, otherwise, allAnsweredAt };
}
