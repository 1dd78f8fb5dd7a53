/** What every instance store must do with schedules. `test/integration/triggers.test.ts` runs it on Postgres. */
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Definition } from '../../src/core/definition/types.ts';
import type { JsonObject } from '../../src/core/json.ts';
import type { ScheduleEntry } from '../../src/core/triggers/schedule.ts';
import { httpNode, openLab, type StoreUnderTest } from '../support/store-lab.ts';
import { TriggerLab } from '../support/trigger-lab.ts';

const MINUTE = 60_000;
/** In the past, so that every time of the lab's clock has also passed for the database. */
const at = (minute: number) => Date.UTC(2026, 0, 5, 10) + minute * MINUTE;

/** @param factory called once; the store may hold what other tests wrote. */
export function testSchedules(factory: () => Promise<StoreUnderTest>): void {
  let given: StoreUnderTest;
  let lab: TriggerLab;
  let made: Definition[] = [];

  beforeAll(async () => {
    given = await factory();
    lab = new TriggerLab(await openLab(given));
  });
  // One that stays due would keep all tests after it busy.
  afterEach(async () => {
    for (const { id } of made) await lab.deploy({ id, nodes: { nap: { type: 'wait', for: '1h' } }, edges: [] }, 99);
    made = [];
  });

  describe('schedules', () => {
    const document = (schedule: JsonObject = {}, more: JsonObject = {}): JsonObject => ({
      nodes: { work: httpNode },
      edges: [],
      triggers: [{ name: 'tick', schedule: { cron: '* * * * *', ...schedule }, input: { at: '${ schedule.time }' } }],
      ...more,
    });
    const deploy = async (given_: JsonObject, version = 1): Promise<Definition> => {
      const definition = await lab.deploy(given_, version);
      made.push(definition);
      return definition;
    };
    const rowOf = async ({ id }: Definition) => {
      const row = (await given.queries.triggers(id, 1, null)).items[0]?.schedules[0];
      if (row === undefined) throw new Error('no schedule');
      return row;
    };
    /** A schedule each minute whose next time is `at(0)`. */
    const begin = async (given_: JsonObject): Promise<Definition> => {
      const definition = await deploy(given_);
      await given.moveSchedule(definition.id, 'tick', at(0) - ((await rowOf(definition)).state.next ?? 0));
      return definition;
    };
    /** The entries of its times when it is `at(minute)`. */
    const run = async (minute: number): Promise<readonly ScheduleEntry[]> => {
      lab.clock = at(minute);
      const entries: ScheduleEntry[] = [];
      for (;;) {
        const { advanced } = await lab.lab.store.advanceSchedule(lab.runner);
        if (advanced === null || advanced.entries.length === 0) return entries;
        entries.push(...advanced.entries);
      }
    };
    const shown = (entries: readonly ScheduleEntry[]) => entries.map(({ what, time }) => `${what} ${(time - at(0)) / MINUTE}`);
    const inputsOf = async (definition: Definition) => {
      const instances = await lab.instancesOf(definition);
      return await Promise.all(instances.map(async ({ instanceId }) => (await lab.lab.stateOf(instanceId)).input));
    };

    it('begin after now, with nothing behind them', async () => {
      const { state, recent, isPaused } = await rowOf(await deploy(document()));
      expect(state.next).toBeGreaterThan(await lab.lab.store.now());
      expect({ ...state, next: null }).toEqual({ next: null, last: null, running: null, queued: [] });
      expect({ recent, isPaused }).toEqual({ recent: [], isPaused: false });
    });

    it('start an instance at a time that has come, with that time in its input, and go on with the next', async () => {
      const definition = await begin(document());
      const [entry, ...more] = await run(0);
      expect(more).toEqual([]);
      const [instance] = await lab.instancesOf(definition);
      expect(entry).toEqual({ what: 'started', time: at(0), instanceId: instance?.instanceId, lateMs: 0 });
      expect(await inputsOf(definition)).toEqual([{ at: new Date(at(0)).toISOString() }]);
      expect(await rowOf(definition)).toMatchObject({
        state: { next: at(1), last: at(0), running: { instanceId: instance?.instanceId, time: at(0) }, queued: [] },
        recent: [entry],
      });
    });

    it('start each time once, in twenty rounds of orchestrators that race for it', async () => {
      const definition = await begin(document({ overlap: 'allow' }));
      for (let round = 0; round < 20; round++) {
        lab.clock = at(round);
        await Promise.all([1, 2, 3, 4].map(() => lab.lab.store.advanceSchedule(lab.runner)));
      }
      await run(19);
      const expected = Array.from({ length: 20 }, (_, round) => new Date(at(round)).toISOString());
      expect((await inputsOf(definition)).map((input) => (input as { at: string }).at).sort()).toEqual(expected);
    });

    it.each([
      ['skip', ['started 0', 'skipped 1'], []],
      ['queue', ['started 0', 'queued 1'], [at(1)]],
      ['allow', ['started 0', 'started 1'], []],
    ] as const)('say under "%s", of a time while a run goes on: %s', async (overlap, expected, queued) => {
      const definition = await begin(document({ overlap }));
      expect([...shown(await run(0)), ...shown(await run(1))]).toEqual(expected);
      const { state } = await rowOf(definition);
      expect(state.queued).toEqual(queued);
      expect(state.running === null).toBe(overlap === 'allow');
    });

    it('start what is queued once the run before it has ended, the oldest first', async () => {
      const definition = await begin(document({ overlap: 'queue' }));
      for (const minute of [0, 1, 2]) await run(minute);
      const { running } = (await rowOf(definition)).state;
      if (running === null) throw new Error('no run');
      expect(shown(await run(2))).toEqual([]);
      await lab.lab.completes(definition, running.instanceId, 'work');
      expect(shown(await run(2))).toEqual(['started 1']);
      expect((await rowOf(definition)).state).toMatchObject({ running: { time: at(1) }, queued: [at(2)] });
    });

    /** A schedule that queues, whose run of `at(0)` goes on, and for which `at(1)` waits. */
    const queueing = async () => {
      const definition = await begin(document({ overlap: 'queue' }));
      for (const minute of [0, 1]) await run(minute);
      const { running } = (await rowOf(definition)).state;
      if (running === null) throw new Error('no run');
      return { definition, running, end: () => lab.lab.completes(definition, running.instanceId, 'work') };
    };

    it('lose no end that comes while the schedule is decided: before its row was locked, or after it was looked for', async () => {
      const early = await queueing();
      const decided: unknown[] = [];
      const advanceWith = async (hook: { readonly taken?: () => Promise<unknown>; readonly looked?: () => Promise<unknown> }) => {
        let ending: Promise<unknown> | undefined;
        const { advanced } = await lab.lab.store.advanceSchedule({
          async prepare(row) {
            // The row is locked, and nobody has looked for the end yet.
            await hook.taken?.();
            const decide = await lab.runner.prepare(row);
            return (seen) => {
              ending = hook.looked?.();
              return decide(seen);
            };
          },
        });
        await ending;
        decided.push(shown(advanced?.entries ?? []));
      };
      lab.clock = at(2);
      await advanceWith({ taken: early.end });
      expect(decided).toEqual([['started 1', 'queued 2']]);
      const second = (await rowOf(early.definition)).state.running;
      lab.clock = at(3);
      await advanceWith({ looked: () => lab.lab.completes(early.definition, second?.instanceId ?? ('' as never), 'work') });
      expect(decided[1]).toEqual(['queued 3']);
      expect((await rowOf(early.definition)).state.running).toEqual(second);
      expect(shown(await run(3))).toEqual(['started 2']);
    });

    it('are left alone where the caller names them', async () => {
      const [named, other] = [await begin(document()), await begin(document())];
      lab.clock = at(0);
      const except = [{ definitionId: named.id, name: 'tick' }];
      const ran: string[] = [];
      for (;;) {
        const { advanced } = await lab.lab.store.advanceSchedule(lab.runner, except);
        if (advanced === null || advanced.entries.length === 0) break;
        ran.push(advanced.row.definitionId);
      }
      expect(ran).toContain(other.id);
      expect(ran).not.toContain(named.id);
      expect(shown(await run(0))).toContain('started 0');
    });

    it('go on though nobody noticed the end of the run until nothing was left of it', async () => {
      const { definition, running, end } = await queueing();
      await end();
      await given.forget(running.instanceId);
      expect(shown(await run(1))).toEqual(['started 1']);
      expect((await rowOf(definition)).state).toMatchObject({ running: { time: at(1) }, queued: [] });
    });

    it('take no end for another one: a run that ended before leaves the present one alone', async () => {
      const { definition, end } = await queueing();
      await end();
      expect(shown(await run(1))).toEqual(['started 1']);
      const before = (await rowOf(definition)).state;
      expect(shown(await run(1))).toEqual([]);
      expect((await rowOf(definition)).state).toEqual(before);
    });

    it('wait for no run of an earlier version once runs may overlap', async () => {
      const { definition } = await queueing();
      await deploy({ ...document({ overlap: 'allow' }), id: definition.id }, 2);
      expect(shown(await run(2))).toEqual(['started 1', 'started 2']);
      expect(await lab.instancesOf(definition)).toHaveLength(3);
    });

    it('run at the next time again once the run before it has ended', async () => {
      const definition = await begin(document());
      await run(0);
      const { running } = (await rowOf(definition)).state;
      await lab.lab.completes(definition, running?.instanceId ?? ('' as never), 'work');
      expect(shown(await run(1))).toEqual(['started 1']);
    });

    it('tell the times that were missed, and run the newest', async () => {
      const definition = await begin(document());
      expect(await run(5)).toMatchObject([
        { what: 'missed', time: at(0), until: at(4), count: 5 },
        { what: 'started', time: at(5) },
      ]);
      expect(await lab.instancesOf(definition)).toHaveLength(1);
    });

    it('tell a run that cannot start, with the reason, and go on', async () => {
      const definition = await begin(document({}, { input: { properties: { at: { type: 'string', maxLength: 3 } } } }));
      expect(await run(0)).toEqual([{ what: 'failed', time: at(0), reason: expect.stringContaining('MR_INPUT_INVALID') }]);
      expect((await rowOf(definition)).state).toMatchObject({ next: at(1), running: null });
      expect(await lab.instancesOf(definition)).toEqual([]);
    });

    it('tell a run that the database refuses, and write nothing of it', async () => {
      const many = Object.fromEntries(Array.from({ length: 60 }, (_, n) => [`copy${n}`, '${ input.text }']));
      const triggers = [{ name: 'tick', schedule: { cron: '* * * * *' }, input: { text: 'x'.repeat(100_000) } }];
      const definition = await begin(document({}, { vars: many, triggers }));
      expect(await run(0)).toEqual([{ what: 'failed', time: at(0), reason: expect.stringContaining('MR_STATE_TOO_LARGE') }]);
      expect(await lab.instancesOf(definition)).toEqual([]);
      expect(shown(await run(1))).toEqual(['failed 1']);
    });

    it('never start a time again whose row was put back', async () => {
      const definition = await begin(document({ overlap: 'allow' }));
      await run(0);
      await given.moveSchedule(definition.id, 'tick', -MINUTE);
      expect(await run(0)).toEqual([{ what: 'failed', time: at(0), reason: 'an instance was started for this time before' }]);
      expect(await lab.instancesOf(definition)).toHaveLength(1);
    });

    it('go on with a new version where the old one was, whatever order the deploys come in', async () => {
      const definition = await begin(document());
      await run(0);
      const before = await rowOf(definition);
      await deploy({ ...document({ cron: '*/5 * * * *' }), id: definition.id }, 2);
      await deploy({ ...document(), id: definition.id }, 1);
      const after = await rowOf(definition);
      expect(after).toMatchObject({ version: 2, cron: '*/5 * * * *', recent: before.recent });
      // The time that is due already stays due: at(1) by the old version is at(5) by the new one.
      expect(after.state).toEqual({ ...before.state, next: at(5) });
    });

    it('are gone with a version that has none', async () => {
      const definition = await begin(document());
      await deploy({ ...document({}, { triggers: [] }), id: definition.id }, 2);
      expect((await given.queries.triggers(definition.id, 1, null)).items).toEqual([]);
      expect(await run(0)).toEqual([]);
    });

    it('do nothing while they are paused, and go on after now when they are resumed', async () => {
      const definition = await begin(document());
      const change = { definitionId: definition.id, name: 'tick' };
      expect(await lab.lab.store.switchTriggers({ ...change, isPaused: true })).toBe(true);
      expect(await run(3)).toEqual([]);
      await lab.lab.store.switchTriggers({ ...change, isPaused: false });
      const { state, recent } = await rowOf(definition);
      expect(recent).toMatchObject([{ what: 'paused', time: at(0) }]);
      expect(state.next).toBeGreaterThan(await lab.lab.store.now());
      expect(await lab.instancesOf(definition)).toEqual([]);
    });

    it('take in the end of a run while they are paused', async () => {
      const definition = await begin(document({ overlap: 'queue' }));
      for (const minute of [0, 1]) await run(minute);
      await lab.lab.store.switchTriggers({ definitionId: definition.id, name: 'tick', isPaused: true });
      const { running } = (await rowOf(definition)).state;
      await lab.lab.completes(definition, running?.instanceId ?? ('' as never), 'work');
      await run(1);
      expect((await rowOf(definition)).state).toMatchObject({ running: null, queued: [at(1)] });
    });

    it('are paused with their definition, also those of a version to come', async () => {
      const definition = await deploy(document({}, { triggers: [{ event: `lab.paused.${process.pid}` }] }));
      await lab.lab.store.switchTriggers({ definitionId: definition.id, name: null, isPaused: true });
      await deploy({ ...document(), id: definition.id }, 2);
      expect(await rowOf(definition)).toMatchObject({ isPaused: true });
      await lab.lab.store.switchTriggers({ definitionId: definition.id, name: null, isPaused: false });
      expect(await rowOf(definition)).toMatchObject({ isPaused: false });
      expect(await lab.lab.store.switchTriggers({ definitionId: 'nobody' as never, name: null, isPaused: true })).toBe(false);
    });

    it('are listed by definition, page by page', async () => {
      const ids = [(await deploy(document())).id, (await deploy(document())).id].sort();
      const found: string[] = [];
      for (let cursor: string | null = null; ; ) {
        const page: Awaited<ReturnType<typeof given.queries.triggers>> = await given.queries.triggers(null, 1, cursor);
        found.push(...page.items.map(({ definitionId }) => definitionId));
        cursor = page.nextCursor;
        if (cursor === null) break;
      }
      expect(found.filter((id) => ids.some((known) => known === id))).toEqual(ids);
    });
  });
}
