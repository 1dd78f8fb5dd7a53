/**
 * A member of a group is killed every 6 s, orchestrators first and then workers, each replaced at once: does all that was started
 * end, and how long did the slowest take.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { input, sequenceId } from '../engine/definitions.ts';
import { openLoop } from '../engine/shapes.ts';
import type { Run } from '../report/figures.ts';
import { rounded } from '../statistics.ts';
import { type BenchLoad, type LoadContext, roughRate, type Sequence, withSecond } from './load.ts';

const EVERY_MS = 6_000;
const SHARE = 0.25;
const sequence: Sequence = { steps: 10, isContinued: false };

export const churn: BenchLoad = {
  name: 'churn',
  async run(context) {
    const figures = [];
    for (const role of ['orchestrator', 'worker'] as const) {
      const run = await withSecond(context.engine, role, () => killOften(context, role));
      figures.push({ load: 'churn', variant: `a ${role} killed every 6 s`, main: 'unfinished', runs: [run] });
    }
    return figures;
  },
};

async function killOften(context: LoadContext, role: 'orchestrator' | 'worker'): Promise<Run> {
  const { client, engine, options, say } = context;
  const perSecond = Math.max(1, Math.round((await roughRate(context, sequence)) * SHARE));
  const definition = sequenceId(sequence.steps, sequence.isContinued);
  let kills = 0;
  const until = performance.now() + options.churnSeconds * 1_000;
  const killing = (async () => {
    for (let at = performance.now() + EVERY_MS; at < until; at += EVERY_MS) {
      await sleep(Math.max(0, at - performance.now()));
      // The one that has run for longest.
      const [name] = engine.names(role);
      if (name === undefined) throw new Error(`There is no ${role} to kill.`);
      await engine.kill(name);
      kills++;
      await engine.add(role, name);
    }
  })();
  const loop = openLoop({
    ...{ perSecond, seconds: options.churnSeconds, tolerated: true },
    runOne: (at) => client.runIfAccepted(definition, input, at),
  });
  const [open] = await Promise.all([loop, killing]);
  say(`  ${kills} were killed`);
  const { started, refused, unfinished, latency } = open;
  const values = { unfinished, started, refused, kills, startsPerSecond: perSecond, slowestSeconds: rounded(latency.max / 1_000) };
  // A process that is killed takes the readings of what it cost with it.
  return { values, latencyMs: latency, cost: null };
}
