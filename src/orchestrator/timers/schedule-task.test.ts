import { expect, it } from 'vitest';
import type { DefinitionId, InstanceId } from '../../core/ids.ts';
import type { ScheduleEntry } from '../../core/triggers/schedule.ts';
import type { ScheduleStep } from '../../store/instance-store.ts';
import type { ScheduleRow } from '../../store/schedules.ts';
import { silent } from '../testing/fixture.ts';
import { createScheduleTask } from './schedule-task.ts';
import { SchedulesAside } from './schedules-aside.ts';

const time = Date.UTC(2026, 0, 5, 2, 30);
const row: ScheduleRow = {
  ...{ definitionId: 'report' as DefinitionId, name: 'nightly', version: 1, cron: '30 2 * * *', timeZone: 'UTC' },
  ...{ overlap: 'skip', catchUp: 'last', isPaused: false, state: { next: null, last: null, running: null, queued: [] }, recent: [] },
};
const started = { what: 'started', time, instanceId: 'i' as InstanceId, lateMs: 0 } as const;

/** The metrics of these steps as `definition result count`, the lines of the log, and then the time that the task waits. */
async function toldOf(step: ScheduleStep): Promise<{ readonly counted: string[]; readonly logged: string[]; readonly waitMs: number }> {
  const counted: string[] = [];
  const logged: string[] = [];
  const note = (fields: object, text: string) => logged.push(`${text} ${JSON.stringify(fields)}`);
  const log = Object.assign(Object.create(silent) as typeof silent, { warn: note, error: note });
  const task = createScheduleTask({
    store: { advanceSchedule: async () => step },
    runner: { prepare: () => Promise.reject(new Error('the store of this test decides nothing')) },
    ...{
      intervalMs: 1_000,
      log,
      aside: new SchedulesAside(log),
      onTime: (definition: string, result: string, count: number) => counted.push(`${definition} ${result} ${count}`),
    },
  });
  const waitMs = await task();
  return { counted, logged, waitMs };
}

const stepOf = (...entries: readonly ScheduleEntry[]): ScheduleStep => ({ advanced: { row, entries }, nextDueAt: null, now: time });

it('counts what became of each time by definition, and goes on at once', async () => {
  expect(await toldOf(stepOf(started, { what: 'queued', time }))).toEqual({
    ...{ counted: ['report started 1', 'report queued 1'], logged: [], waitMs: 0 },
  });
});

it.each([
  ['late', { ...started, lateMs: 61_000 }, 1],
  ['skipped', { what: 'skipped', time }, 1],
  ['failed', { what: 'failed', time, reason: 'no' }, 1],
  ['missed', { what: 'missed', time, until: time + 60_000, count: 2 }, 2],
  ['missed', { what: 'missed', time, until: time + 60_000, count: null }, 1],
  ['paused', { what: 'paused', time, until: time, count: 1 }, 1],
] as const)('says of a time that is %s which definition, which schedule and which time', async (result, entry, count) => {
  const { counted, logged } = await toldOf(stepOf(entry));
  expect(counted).toEqual([`report ${result} ${count}`]);
  expect(logged).toHaveLength(1);
  expect(logged[0]).toContain('"definition":"report","schedule":"nightly","time":"2026-01-05T02:30:00.000Z"');
});

it.each([
  [null, 1_000],
  [time + 400, 400],
  [time + 5_000, 1_000],
  [time - 1, 10],
])('waits for the next time, and no longer than until an end is to be noticed (next at %s: %s ms)', async (nextDueAt, waitMs) => {
  expect((await toldOf({ advanced: null, nextDueAt, now: time })).waitMs).toBe(waitMs);
});

it('sets a schedule aside whose definition cannot be loaded, goes on with others, and tries it again later and later', async () => {
  let clock = 0;
  let isAway = true;
  const logged: string[] = [];
  const note = (fields: { readonly schedule: string; readonly retryInMs?: number }) =>
    logged.push(`${fields.schedule} ${fields.retryInMs ?? 'goes on'}`);
  const log = Object.assign(Object.create(silent) as typeof silent, { error: note, info: note });
  const aside = new SchedulesAside(log, () => clock);
  const asked: string[] = [];
  const task = createScheduleTask({
    store: {
      async advanceSchedule(runner, except = []) {
        const due = ['broken', 'well'].find((name) => !except.some((each) => each.name === name) && !asked.includes(`${name} ran`));
        if (due === undefined) return { advanced: null, nextDueAt: null, now: time };
        const taken = { ...row, name: due };
        (await runner.prepare(taken))({ now: time, hasEnded: false, refused: new Map() });
        asked.push(`${due} ran`);
        return { advanced: { row: taken, entries: [] }, nextDueAt: null, now: time };
      },
    },
    runner: {
      async prepare({ name }) {
        asked.push(name);
        if (name === 'broken' && isAway) throw new Error('the definition is away');
        return () => ({ state: row.state, entries: [], starts: [] });
      },
    },
    ...{ intervalMs: 5_000, log, aside, onTime: () => undefined },
  });
  expect([await task(), await task(), await task()]).toEqual([0, 0, 1_000]);
  expect(asked).toEqual(['broken', 'well', 'well ran']);
  expect(aside.all).toMatchObject([{ definitionId: 'report', name: 'broken' }]);
  clock = 1_000;
  expect([await task(), await task()]).toEqual([0, 2_000]);
  clock = 3_000;
  isAway = false;
  expect([await task(), await task()]).toEqual([0, 5_000]);
  expect(aside.all).toEqual([]);
  expect(logged).toEqual(['broken 1000', 'broken 2000', 'broken goes on']);
});

it('lets an error of the database be that of all schedules', async () => {
  const aside = new SchedulesAside(silent);
  const task = createScheduleTask({
    store: { advanceSchedule: () => Promise.reject(new Error('the database is away')) },
    runner: { prepare: () => Promise.reject(new Error('nobody asks')) },
    ...{ intervalMs: 1_000, log: silent, aside, onTime: () => undefined },
  });
  await expect(task()).rejects.toThrow('the database is away');
  expect(aside.all).toEqual([]);
});
