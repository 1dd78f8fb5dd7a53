/** The cap of a forEach on how many items are open at a time, while every step is made by processes that have just started. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TaskPath } from '../../core/ids.ts';
import { scopesBelow } from '../../core/instance/state/scopes.ts';
import { numbers } from '../../core/instance/testing/arbitraries.ts';
import { Chance } from '../../core/instance/testing/chance.ts';
import type { JsonObject } from '../../core/json.ts';
import { Family } from '../testing/family.ts';
import { memoryCodec } from '../testing/fixture.ts';

const { codec } = await memoryCodec();

const CONCURRENCY = 3;
const items = Array.from({ length: 12 }, (_, n) => n);
const work = { type: 'task', task: 'work', retry: { maxAttempts: 3, initial: '1m', max: '1m' } };
const leaf = { id: 'leaf', nodes: { n: work }, output: '${ nodes.n.output }', onFailure: 'fail' };
const busy = { status: 'failed', error: { code: 'BUSY', message: 'busy' }, retryable: true, retryAfterMs: null } as const;

const rootOf = (more: JsonObject): JsonObject => ({
  id: 'root',
  nodes: { all: { type: 'forEach', items, concurrency: CONCURRENCY, ...more } },
  output: '${ nodes.all.output }',
});
const ofTasks = { body: { nodes: { n: work }, output: '${ nodes.n.output }' } };
// A child that times out is cancelled, and takes its place until it has ended.
const ofChildren = { workflow: { definition: 'leaf', timeout: '1h' } };

/** By what is stored, and not by what the loop itself counts. */
function openItems(family: Family): number {
  const scopes = scopesBelow(family.state(), 'all' as TaskPath);
  return scopes.filter(({ status }) => status === 'open').length;
}

/** Children in the books: those that run, and those that are cancelled and have not ended. */
function booked(family: Family): number {
  return family.tables.children.size;
}

describe.each([
  ['tasks', ofTasks, openItems],
  ['children', ofChildren, booked],
] as const)('The cap on concurrency of a forEach of %s', (_, kind, count) => {
  it('holds through restarts, retries and duplicates', async () => {
    const family = await new Family(codec, [rootOf(kind), leaf]).begin('root');
    let most = 0;
    /** Each message comes twice, to a process that has just started. */
    const applyAll = async () => {
      while (family.bag.length > 0) {
        const message = family.bag.shift();
        if (message === undefined) break;
        for (const by of [0, 1]) {
          family.restart();
          await family.apply([message], by);
          expect(count(family)).toBeLessThanOrEqual(CONCURRENCY);
          most = Math.max(most, count(family));
        }
      }
    };
    await applyAll();
    for (let round = 0; round < 60 && family.state().phase === 'running'; round++) {
      // Each attempt but the third one fails.
      const result = round % 3 === 2 ? undefined : busy;
      for (const { instanceId } of family.states) await family.works(instanceId, result);
      await applyAll();
      await family.passes(600_000);
      await applyAll();
    }
    expect(family.state()).toMatchObject({ phase: 'completed', output: items.map(() => 'done') });
    expect(most).toBe(CONCURRENCY);
    const retried = [...family.tables.instances.values()].flatMap(({ history }) =>
      history.filter(({ event }) => event.type === 'AttemptFailed'),
    );
    expect(retried).toHaveLength(2 * items.length);
  });

  it.each(['incident', 'continue', 'fail'])(
    'holds whatever is lost, late, twice or stale, with "%s"',
    { timeout: 120_000 },
    async (onItemFailure) => {
      let most = 0;
      const more = onItemFailure === 'incident' ? {} : { onItemFailure };
      await fc.assert(
        fc.asyncProperty(numbers(20, 120), async (chances) => {
          const family = await new Family(codec, [rootOf({ ...kind, ...more }), leaf]).begin('root');
          const chance = new Chance(chances);
          while (!chance.isUsedUp) {
            if (chance.below(2) === 0) family.restart();
            if (chance.below(4) === 0) await family.works(chance.pick(family.states)?.instanceId ?? family.root, busy);
            else await family.act(chance);
            expect(count(family)).toBeLessThanOrEqual(CONCURRENCY);
            most = Math.max(most, count(family));
          }
          await family.rests();
        }),
        { numRuns: 25 },
      );
      expect(most).toBe(CONCURRENCY);
    },
  );
});
