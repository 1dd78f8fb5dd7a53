/**
 * wide: a forEach over 10,000 children, beside the rate of P1 of the same minutes; and how long it takes to cancel one with 5,000 items open,
 * while instances in the same partitions go on.
 */
import type { Json } from '../../src/core/json.ts';
import { type Document, input, sequenceId } from '../engine/definitions.ts';
import { openLoop, within } from '../engine/shapes.ts';
import type { Run } from '../report/figures.ts';
import { rounded } from '../statistics.ts';
import { type BenchLoad, deploy, type LoadContext, measured, repeat, roughRate } from './load.ts';

const CHILDREN = 10_000;
const ITEMS = 5_000;
const NEIGHBOURS_PER_SECOND = 50;
const NEIGHBOURS_SECONDS = 5;
const PATIENCE_SECONDS = 300;

const children: Document = {
  id: 'bench-children',
  nodes: { all: { type: 'forEach', items: '${ input.items }', workflow: { definition: sequenceId(1, false), input: '${ input.given }' } } },
};
/** Waits in all of its items for longer than any benchmark lasts. */
const items: Document = {
  id: 'bench-items',
  nodes: { all: { type: 'forEach', items: '${ input.items }', body: { nodes: { sleep: { type: 'wait', for: '30d' } } } } },
};

export const wide: BenchLoad = {
  name: 'wide',
  async run(context) {
    const { runs, scale } = context.options;
    await deploy(context, children);
    await deploy(context, items);
    const counts = { children: Math.round(CHILDREN * scale), items: Math.round(ITEMS * scale) };
    return [
      {
        load: 'wide',
        variant: `${counts.children} children`,
        main: 'childrenPerSecond',
        runs: await repeat(runs, () => runChildren(context, counts.children)),
      },
      {
        load: 'wide',
        variant: `cancel of ${counts.items} items`,
        main: 'cancelSeconds',
        runs: await repeat(runs, () => runCancel(context, counts.items)),
      },
    ];
  },
};

function inputOf(count: number): Json {
  return { items: Array.from({ length: count }, (_, n) => n), given: input };
}

async function runChildren(context: LoadContext, count: number): Promise<Run> {
  const p1 = await roughRate(context, { steps: 1, isContinued: false });
  return await measured(context, async () => {
    const ms = await within(context.client.run(children.id, inputOf(count)), PATIENCE_SECONDS, `a forEach over ${count} children`);
    const perSecond = (count * 1_000) / ms;
    const values = { childrenPerSecond: rounded(perSecond), p1PerSecond: rounded(p1), shareOfP1: rounded(perSecond / p1) };
    return { steps: count, values, latencyMs: null };
  });
}

/** Latencies are those of the neighbours, from before the cancel until after it. */
async function runCancel(context: LoadContext, count: number): Promise<Run> {
  const { client, sampler } = context;
  const started = await client.start(items.id, inputOf(count), true);
  if (!started.isAccepted) throw new Error(`A start was answered ${started.status}: ${JSON.stringify(started.body)}`);
  const { instanceId } = started;
  await within(untilOpen(sampler, instanceId, count), PATIENCE_SECONDS, `${count} items to open`);
  return await measured(context, async () => {
    const neighbours = openLoop({
      ...{ perSecond: NEIGHBOURS_PER_SECOND, seconds: NEIGHBOURS_SECONDS },
      runOne: (at) => client.run(sequenceId(1, false), input, at),
    });
    const asked = performance.now();
    await client.must('POST', `/v1/instances/${instanceId}/cancel`, { reason: 'measured' });
    const ended = await within(started.ended, PATIENCE_SECONDS, `the cancel of ${count} items`);
    const { latency, completed } = await neighbours;
    const values = { cancelSeconds: rounded((ended - asked) / 1_000), neighboursP99Ms: latency.p99, neighboursCompleted: completed };
    return { steps: count, values, latencyMs: latency };
  });
}

async function untilOpen(sampler: LoadContext['sampler'], instanceId: string, count: number): Promise<void> {
  for (;;) {
    const [found] = await sampler.query<{ open: string }>('SELECT count(*)::text AS open FROM timer WHERE instance_id = $1', [instanceId]);
    if (Number(found?.open ?? 0) >= count) return;
  }
}
