/** P4: one task, then a hundred beside each other, then one that waits for all of them: joins a second, and writes of the state for each. */

import { costOf } from '../engine/cost.ts';
import { fanOut, input } from '../engine/definitions.ts';
import { closedLoop } from '../engine/shapes.ts';
import { rounded } from '../statistics.ts';
import { type BenchLoad, deploy, repeat } from './load.ts';

const BRANCHES = 100;
/** Instances under way, of those of P1: each has a hundred tasks. */
const SHARE = 1 / 40;

export const p4: BenchLoad = {
  name: 'P4',
  async run(context) {
    const { client, sampler, options } = context;
    const definition = fanOut(BRANCHES);
    await deploy(context, definition);
    const inFlight = Math.max(1, Math.round(options.inFlight * SHARE));
    const runs = await repeat(options.runs, async () => {
      const beganAt = new Date();
      const closed = await closedLoop({
        ...{ inFlight, warmUp: 3, seconds: options.seconds, sample: sampler.take },
        runOne: (at) => client.run(definition.id, input, at),
      });
      // An instance has a version for each batch that changed it; the first one is its start.
      const [written] = await sampler.query<{ writes: string | null }>(
        "SELECT avg(version - 1)::text AS writes FROM instance WHERE definition_id = $1 AND status = 'completed' AND created_at >= $2",
        [definition.id, beganAt],
      );
      const joinsPerSecond = closed.completed / closed.seconds;
      return {
        values: { joinsPerSecond: rounded(joinsPerSecond), stateWritesPerJoin: rounded(Number(written?.writes ?? 0)) },
        latencyMs: closed.latency,
        cost: costOf(closed.before, closed.after, closed.completed * (BRANCHES + 2)),
      };
    });
    return [{ load: 'P4', variant: '', main: 'joinsPerSecond', runs }];
  },
};
