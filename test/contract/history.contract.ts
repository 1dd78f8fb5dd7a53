/** What every store must show of a history: pages of all of it or of some types, from either end. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Definition } from '../../src/core/definition/types.ts';
import type { InstanceId, TaskPath } from '../../src/core/ids.ts';
import type { TaskOutcome } from '../../src/core/instance/decide/notification.ts';
import { type EntryType, failureTypes } from '../../src/core/instance/history/entry-types.ts';
import type { HistoryEntry } from '../../src/core/instance/step.ts';
import type { HistoryOptions, InstanceQueries } from '../../src/store/instance-queries.ts';
import { pageBytesMax } from '../../src/store/page-limits.ts';
import { newDefinition, openLab, type StoreLab, type StoreUnderTest } from '../support/store-lab.ts';

const ITEMS = 1_100;
const task = { type: 'task', task: 'work', input: '${ input.n }', retry: { maxAttempts: 1 } };
const wide = {
  nodes: {
    all: {
      ...{ type: 'forEach', items: '${ input.items }', onItemFailure: 'continue' },
      body: { nodes: { work: { ...task, input: '${ item }' } }, output: '${ nodes.work.output }' },
    },
  },
};

/** @param factory called once; the store may hold what other tests wrote. */
export function testHistory(factory: () => Promise<StoreUnderTest>): void {
  let queries: InstanceQueries;
  let lab: StoreLab;

  beforeAll(async () => {
    lab = await openLab(await factory());
    queries = lab.queries;
  });

  /** All pages, one behind the other. */
  async function read(id: InstanceId, limit: number, options: HistoryOptions = {}): Promise<readonly HistoryEntry[]> {
    const entries: HistoryEntry[] = [];
    for (;;) {
      const page = await queries.history(id, entries.at(-1)?.seq ?? null, limit, options);
      expect(page.entries.length).toBeLessThanOrEqual(limit);
      entries.push(...page.entries);
      if (!page.hasMore) return entries;
      expect(page.entries.length).toBeGreaterThan(0);
    }
  }

  /** Each hundredth item fails, with words that look like entries of other types. */
  async function runWide(definition: Definition): Promise<InstanceId> {
    const id = await lab.start(definition, { items: Array.from({ length: ITEMS }, (_, n) => n) });
    for (let timer = (await lab.stateOf(id)).timers['all#loop']; timer?.state === 'armed'; ) {
      await lab.step(definition, id, { type: 'TimerFired', timerId: 'all#loop', kind: 'loop', dueAt: timer.dueAt });
      timer = (await lab.stateOf(id)).timers['all#loop'];
    }
    const error = { code: 'BROKEN', message: 'it broke \u0000 "type":"InstancePaused"', details: { type: 'InstanceResumed' } };
    for (let first = 0; first < ITEMS; first += 100) {
      const { tasks } = await lab.stateOf(id);
      const outcomes = Array.from({ length: 100 }, (_, n): TaskOutcome => {
        const path = `all.${first + n}.work` as TaskPath;
        const open = tasks[path];
        if (open === undefined) throw new Error(`no task ${path}`);
        const { attempt, basis } = open;
        const result =
          n === 50
            ? ({ status: 'failed', error, retryable: false, retryAfterMs: null } as const)
            : ({ status: 'completed', output: n } as const);
        return { type: 'TaskOutcome', path, attempt, basis, result };
      });
      await lab.step(definition, id, ...outcomes);
    }
    return id;
  }

  describe('A history', () => {
    it('has pages of history that end where they hold enough, with at least one entry', { timeout: 60_000 }, async () => {
      const names = Array.from({ length: 6 }, (_, n) => `n${n}`);
      const definition = newDefinition({ nodes: Object.fromEntries(names.map((name) => [name, task])), edges: [] });
      const id = await lab.start(definition, { n: 1 });
      for (const name of names) await lab.completes(definition, id, name, name + 'x'.repeat(500_000));
      const whole = await queries.fullHistory(id);
      const seen: HistoryEntry[] = [];
      let pages = 0;
      for (let hasMore = true; hasMore; pages++) {
        const page = await queries.history(id, seen.at(-1)?.seq ?? 0, 500);
        expect(page.entries.length).toBeGreaterThan(0);
        expect(JSON.stringify(page.entries).length).toBeLessThan(pageBytesMax + 600_000);
        seen.push(...page.entries);
        hasMore = page.hasMore;
      }
      expect(pages).toBe(2);
      expect(seen).toEqual(whole);
      expect((await queries.history(id, whole.length - 2, 500, { bytesMax: 1 })).entries).toEqual(whole.slice(-2, -1));
    });

    it('of thousands of entries stays usable: failures first, newest first, by type, in pages', { timeout: 120_000 }, async () => {
      const id = await runWide(newDefinition(wide));
      const whole = await queries.fullHistory(id);
      expect(whole.length).toBeGreaterThan(5_000);
      const of = (...types: readonly EntryType[]) => whole.filter(({ event }) => types.includes(event.type));
      const failures = of(...failureTypes);
      expect(failures.map(({ event }) => event.type)).toEqual(Array.from({ length: 11 }, () => 'TaskFailed'));
      for (const limit of [1, 4, 11, 500]) {
        expect(await read(id, limit, { types: failureTypes })).toEqual(failures);
        expect(await read(id, limit, { types: failureTypes, order: 'desc' })).toEqual(failures.toReversed());
      }
      expect(await queries.history(id, null, 5, { types: ['TaskFailed'] })).toEqual({ entries: failures.slice(0, 5), hasMore: true });
      expect(await queries.history(id, failures[5]?.seq ?? 0, 5, { types: ['TaskFailed'] })).toEqual({
        ...{ entries: failures.slice(6), hasMore: false },
      });
      // Also from between two of them, from either side.
      const between = (failures[5]?.seq ?? 0) + 1;
      expect((await queries.history(id, between, 1, { types: failureTypes })).entries).toEqual(failures.slice(6, 7));
      expect((await queries.history(id, between, 1, { types: failureTypes, order: 'desc' })).entries).toEqual(failures.slice(5, 6));
      expect(await read(id, 500)).toEqual(whole);
      expect(await read(id, 499, { order: 'desc' })).toEqual(whole.toReversed());
      expect(await read(id, 300, { types: ['ForEachOpened', 'TaskCompleted'] })).toEqual(of('ForEachOpened', 'TaskCompleted'));
      // What only stands in the words of another entry is none.
      expect(await queries.history(id, null, 50, { types: ['InstancePaused', 'InstanceResumed'] })).toEqual({
        entries: [],
        hasMore: false,
      });
      const few = { types: failureTypes, bytesMax: 1_000 };
      const page = await queries.history(id, null, 500, few);
      expect([page.entries.length > 0, page.entries.length < failures.length, page.hasMore]).toEqual([true, true, true]);
      expect(await read(id, 500, few)).toEqual(failures);
      expect(await read(id, 500, { ...few, order: 'desc' })).toEqual(failures.toReversed());
    });

    it('is read from either end where it stands, entry by entry', async () => {
      const definition = newDefinition({ nodes: { work: task, other: task } });
      const id = await lab.start(definition, { n: 1 });
      await lab.fails(definition, id, 'work', false);
      await lab.completes(definition, id, 'other', 'done');
      const whole = await queries.fullHistory(id);
      for (let at = 1; at <= whole.length + 1; at++)
        for (const limit of [1, 2, 100]) {
          const before = whole.slice(0, at - 1).toReversed();
          expect(await queries.history(id, at, limit, { order: 'desc' })).toEqual({
            ...{ entries: before.slice(0, limit), hasMore: limit < before.length },
          });
        }
      expect((await queries.history(id, null, 1, { order: 'desc' })).entries).toEqual(whole.slice(-1));
    });
  });
}
