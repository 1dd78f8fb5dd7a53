/** What a load is, what it gets, and what several of them do alike. */
import type { Client } from '../engine/client.ts';
import { costOf, type Sampler } from '../engine/cost.ts';
import { type Document, input, sequenceId } from '../engine/definitions.ts';
import type { Engine } from '../engine/engine.ts';
import { closedLoop, highestRate, openLoop } from '../engine/shapes.ts';
import type { LoadName, Options } from '../options.ts';
import type { Figure, Run } from '../report/figures.ts';
import { type LatencySummary, rounded } from '../statistics.ts';

export type LoadContext = {
  readonly engine: Engine;
  readonly client: Client;
  /** A client beside it, with so many connections; whoever opens it closes it. */
  readonly openClient: (connections: number) => Promise<Client>;
  readonly sampler: Sampler;
  readonly options: Options;
  readonly say: (text: string) => void;
};

export type BenchLoad = {
  readonly name: LoadName;
  readonly run: (context: LoadContext) => Promise<readonly Figure[]>;
};

/** Seconds of a closed loop before it counts: the time until its instances are spread over all stages. */
const RAMP_SECONDS = 3;

/** Does the work as often as there are runs, one after the other. */
export async function repeat(runs: number, work: (n: number) => Promise<Run>): Promise<readonly Run[]> {
  const done: Run[] = [];
  for (let n = 0; n < runs; n++) done.push(await work(n));
  return done;
}

/** Does the work between two samples. */
export async function measured(
  { sampler }: Pick<LoadContext, 'sampler'>,
  work: () => Promise<{
    readonly steps: number;
    readonly values: Readonly<Record<string, number>>;
    readonly latencyMs: LatencySummary | null;
  }>,
): Promise<Run> {
  const before = await sampler.take();
  const { steps, values, latencyMs } = await work();
  return { values, latencyMs, cost: costOf(before, await sampler.take(), steps) };
}

export type Sequence = { readonly steps: number; readonly isContinued: boolean };

/** One run of a closed loop on a sequence of tasks. */
export async function closedRun(
  { client, sampler }: Pick<LoadContext, 'client' | 'sampler'>,
  { steps, isContinued }: Sequence,
  { inFlight, seconds, ramp = RAMP_SECONDS }: { readonly inFlight: number; readonly seconds: number; readonly ramp?: number },
): Promise<Run> {
  const definition = sequenceId(steps, isContinued);
  const closed = await closedLoop({
    ...{ inFlight, seconds, warmUp: ramp, sample: sampler.take },
    runOne: (at) => client.run(definition, input, at),
  });
  const perSecond = closed.completed / closed.seconds;
  return {
    values: { instancesPerSecond: rounded(perSecond), stepsPerSecond: rounded(perSecond * steps) },
    latencyMs: closed.latency,
    cost: costOf(closed.before, closed.after, closed.completed * steps),
  };
}

/** How many instances a second are completed: a short closed loop, to choose the rate of what follows. */
export async function roughRate(context: LoadContext, sequence: Sequence, seconds = 5): Promise<number> {
  const { inFlight } = context.options;
  return (await closedRun(context, sequence, { inFlight, seconds, ramp: 1 })).values.instancesPerSecond ?? 0;
}

/** The backlog of a rate that holds grows by less than this share of the starts. */
const GROWTH_MAX = 0.01;

/**
 * The highest rate at which the backlog stays, as one run; null when none of the trials held.
 * @param guess instances a second.
 */
export async function searchedRun(context: LoadContext, { steps, isContinued }: Sequence, guess: number): Promise<Run | null> {
  const { client, sampler, options, say } = context;
  const definition = sequenceId(steps, isContinued);
  const found = await highestRate(guess, options.searchTrials, async (perSecond) => {
    let growth = 0;
    const run = await measured({ sampler }, async () => {
      const open = await openLoop({
        ...{ perSecond, seconds: options.seconds, backlogMax: Math.max(1_000, perSecond * 3) },
        runOne: (at) => client.runIfAccepted(definition, input, at),
      });
      growth = open.refused > 0 ? Number.POSITIVE_INFINITY : open.backlogGrowth;
      const done = open.latency.count;
      return {
        steps: done * steps,
        values: { instancesPerSecond: perSecond, stepsPerSecond: perSecond * steps, backlogGrowth: rounded(open.backlogGrowth) },
        latencyMs: open.latency,
      };
    });
    say(`  ${perSecond} starts/s: the backlog grows by ${(growth * 100).toFixed(1)} % of them, p99 ${run.latencyMs?.p99 ?? 0} ms`);
    return { holds: growth < GROWTH_MAX, result: run };
  });
  return found?.result ?? null;
}

/** Deploys a definition; the same again changes nothing. */
export async function deploy({ client }: Pick<LoadContext, 'client'>, definition: Document): Promise<void> {
  await client.must('POST', '/v1/definitions', definition);
}

/** Does `work` for 0 to `count` - 1, so many at a time. */
export async function inParallel(count: number, width: number, work: (n: number) => Promise<void>): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: Math.min(width, count) }, async () => {
      while (next < count) await work(next++);
    }),
  );
}

/** Does the work with at least two processes of a role, and ends the second one after it if there was one only. */
export async function withSecond<Result>(engine: Engine, role: 'orchestrator' | 'worker', work: () => Promise<Result>): Promise<Result> {
  if (engine.names(role).length > 1) return await work();
  const name = `${role}-2`;
  await engine.add(role, name);
  try {
    return await work();
  } finally {
    await engine.remove(name);
  }
}
