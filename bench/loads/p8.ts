/**
 * P8: at 70 % of what the engine can do, an orchestrator is killed, then Connect, each replaced at once: how long until the backlog
 * is what it was before, and the longest time in which no instance ended.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { input, sequenceId } from '../engine/definitions.ts';
import { openLoop } from '../engine/shapes.ts';
import type { Run } from '../report/figures.ts';
import { rounded } from '../statistics.ts';
import { type BenchLoad, type LoadContext, repeat, roughRate, type Sequence, withSecond } from './load.ts';

const SHARE = 0.7;
/** What the backlog is without a fault is looked at for so long, after a first second. */
const CALM_SECONDS = 6;
/** How long the load goes on after the fault. */
const AFTER_SECONDS = 33;
const sequence: Sequence = { steps: 1, isContinued: false };

export const p8: BenchLoad = {
  name: 'P8',
  async run(context) {
    return await withSecond(context.engine, 'orchestrator', async () => {
      const perSecond = Math.max(1, Math.round((await roughRate(context, sequence)) * SHARE));
      const { engine, options } = context;
      const orchestrator = async (): Promise<void> => {
        const [name] = engine.names('orchestrator');
        if (name === undefined) throw new Error('There is no orchestrator to kill.');
        await engine.kill(name);
        await engine.add('orchestrator', name);
      };
      const connect = async (): Promise<void> => {
        await engine.stack.kill('connect');
        await engine.stack.start('connect');
      };
      const of = (fault: () => Promise<void>) => repeat(options.runs, () => underFault(context, perSecond, fault));
      return [
        { load: 'P8', variant: 'an orchestrator killed', main: 'secondsToOldBacklog', runs: await of(orchestrator) },
        { load: 'P8', variant: 'Connect killed', main: 'secondsToOldBacklog', runs: await of(connect) },
      ];
    });
  },
};

async function underFault(context: LoadContext, perSecond: number, fault: () => Promise<void>): Promise<Run> {
  const { client } = context;
  const definition = sequenceId(sequence.steps, sequence.isContinued);
  const faultAtMs = (1 + CALM_SECONDS) * 1_000;
  let backlogBefore = 0;
  let backlogMost = 0;
  let backAtMs: number | null = null;
  let lastEnd = performance.now();
  let standstillMs = 0;
  const began = performance.now();
  const faulty = sleep(faultAtMs).then(fault);
  const loop = openLoop({
    ...{ perSecond, seconds: 1 + CALM_SECONDS + AFTER_SECONDS, tolerated: true },
    onBacklog: (backlog, atMs) => {
      if (atMs < 1_000) return;
      if (atMs < faultAtMs) {
        backlogBefore = Math.max(backlogBefore, backlog);
        return;
      }
      backlogMost = Math.max(backlogMost, backlog);
      // Back for good: a later rise above it starts the wait anew.
      if (backlog > backlogBefore) backAtMs = null;
      else backAtMs ??= atMs;
    },
    runOne: async (at) => {
      const ms = await client.runIfAccepted(definition, input, at);
      const now = performance.now();
      if (now - began > faultAtMs) standstillMs = Math.max(standstillMs, now - lastEnd);
      lastEnd = now;
      return ms;
    },
  });
  const [open] = await Promise.all([loop, faulty]);
  const secondsToOldBacklog = backAtMs === null ? AFTER_SECONDS : rounded((backAtMs - faultAtMs) / 1_000);
  const values = {
    secondsToOldBacklog,
    isBack: backAtMs === null ? 0 : 1,
    standstillSeconds: rounded(standstillMs / 1_000),
    startsPerSecond: perSecond,
    ...{ backlogBefore, backlogMost, refused: open.refused, unfinished: open.unfinished },
  };
  // A process that is killed takes the readings of what it cost with it.
  return { values, latencyMs: open.latency, cost: null };
}
