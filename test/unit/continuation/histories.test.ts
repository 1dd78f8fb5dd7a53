/**
 * Random schedules of duplicates, crashes, zombies and leases: with continuation and with direct dispatch an instance ends as it does
 * without, and by the same history.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { TaskPath } from '../../../src/core/ids.ts';
import { step } from '../../../src/core/instance/index.ts';
import { taskAt } from '../../../src/core/instance/state/scopes.ts';
import type { HistoryEntry } from '../../../src/core/instance/step.ts';
import { Chance } from '../../../src/core/instance/testing/chance.ts';
import type { Json, JsonObject } from '../../../src/core/json.ts';
import { Fixture } from '../../../src/orchestrator/testing/fixture.ts';
import { ContinuationWorld, INSTANCE } from './world.ts';

const RUNS = Number(process.env.MILLRACE_TEST_SCHEDULES ?? 60);

/** `n0` to the last in sequence; each takes what the one before gave. A transform may stand between two. */
function sequenceOf(length: number, transformed: number): Json {
  const nodes: Record<string, JsonObject> = { n0: { type: 'task', task: 'work' } };
  const edges: JsonObject[] = [];
  for (let n = 1; n < length; n++) {
    const from = `n${n - 1}`;
    if (n === transformed) {
      nodes.t = { type: 'transform', output: `\${ nodes.${from}.output }` };
      edges.push({ from, to: 't' });
    }
    const before = n === transformed ? 't' : from;
    nodes[`n${n}`] = { type: 'task', task: 'work', input: { after: `\${ nodes.${before}.output }` } };
    edges.push({ from: before, to: `n${n}` });
  }
  return { id: 'sequence', continuation: true, nodes, edges };
}

/** As many at once as `width`, after `n0` and between others. */
function fansOf(layers: number, width: number): Json {
  const nodes: Record<string, JsonObject> = { n0: { type: 'task', task: 'work' } };
  const edges: JsonObject[] = [];
  for (let layer = 1; layer <= layers; layer++) {
    const [from, to] = [`n${layer - 1}`, `n${layer}`];
    nodes[to] = { type: 'task', task: 'work' };
    for (let n = 0; n < width; n++) {
      const between = `b${layer}x${n}`;
      nodes[between] = { type: 'task', task: 'work', input: { after: `\${ nodes.${from}.output }` } };
      edges.push({ from, to: between }, { from: between, to });
    }
  }
  return { id: 'fans', continuation: true, nodes, edges };
}

/** What the engine decides on these outcomes, one after the other, with nothing held and nobody dying. */
async function plainly(document: Json, history: readonly HistoryEntry[]): Promise<readonly HistoryEntry[]> {
  const fixture = await Fixture.start({}, 1, document);
  let state = fixture.begin();
  const entries: HistoryEntry[] = [];
  for (const { event } of history) {
    if (event.type !== 'TaskCompleted' || event.kind !== 'task') continue;
    const path = event.path as TaskPath;
    const task = taskAt(state, path);
    if (task === undefined) throw new Error(`${path} is not open`);
    const result = { status: 'completed', output: event.output } as const;
    const notification = { type: 'TaskOutcome', path, attempt: task.attempt, basis: task.basis, result } as const;
    const next = step(fixture.definition, state, [{ instanceId: INSTANCE, cause: '', notification }], state.updatedAt);
    expect(next.rejected).toEqual([]);
    entries.push(...next.history);
    state = next.state;
  }
  return entries;
}

const bare = (history: readonly HistoryEntry[]) => history.map(({ seq, event: { at: _, ...event } }) => ({ seq, event }));

it.each([
  { isContinued: false, isDirect: false },
  { isContinued: true, isDirect: false },
  { isContinued: false, isDirect: true },
  { isContinued: true, isDirect: true },
])('continuation $isContinued, direct dispatch $isDirect', { timeout: 120_000 }, async (switches) => {
  let continued = 0;
  let direct = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 4, max: 10 }),
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: 0, max: 3 }),
      fc.array(fc.nat(10_000), { minLength: 20, maxLength: 400, size: 'max' }),
      async (length, transformed, width, numbers) => {
        const document = width < 2 ? sequenceOf(length, transformed) : fansOf(2, width);
        const world = await ContinuationWorld.open(document, switches);
        const chance = new Chance(numbers);
        while (!chance.isUsedUp) await world.act(chance);
        await world.killAll();
        await world.finish();
        expect(world.phase).toBe('completed');
        // Each step was built on what was applied before it, and nothing of continuation shows.
        expect(bare(world.history)).toEqual(bare(await plainly(document, world.history)));
        continued += await world.fixture.counted('continuations_total', { result: 'held' });
        direct += await world.fixture.counted('tasks_direct_total', {});
        expect(await world.fixture.counted('continuations_total', { result: 'misfit' })).toBe(0);
        expect(world.fixture.store.stored(INSTANCE)?.held).toBeUndefined();
      },
    ),
    { numRuns: RUNS },
  );
  // Schedules in which nothing is ever held would show nothing.
  if (switches.isContinued) expect(continued).toBeGreaterThan(RUNS / 2);
  else expect(continued).toBe(0);
  if (switches.isDirect) expect(direct).toBeGreaterThan(RUNS / 2);
  else expect(direct).toBe(0);
});
