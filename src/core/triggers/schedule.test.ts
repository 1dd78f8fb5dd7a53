/** What becomes of the times of a schedule (protocol-tree, "Schedules"): times are minutes. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCron } from '../cron.ts';
import type { InstanceId } from '../ids.ts';
import {
  advance,
  type Begin,
  COUNTED_MAX,
  deployed,
  QUEUED_MAX,
  resumed,
  type ScheduleEntry,
  type ScheduleRules,
  type ScheduleState,
} from './schedule.ts';

const MINUTE = 60_000;
const parsed = parseCron('* * * * *', 'UTC');
if (!parsed.ok) throw new Error(parsed.error);
const cron = parsed.value;
const at = (minute: number) => minute * MINUTE;
const idOf = (time: number) => `run-${time / MINUTE}` as InstanceId;
const begin: Begin = (time) => ({ kind: 'started', instanceId: idOf(time) });
const rulesOf = (more: Partial<ScheduleRules> = {}): ScheduleRules => ({ cron, overlap: 'skip', catchUp: 'last', ...more });
const stateOf = (more: Partial<ScheduleState> = {}): ScheduleState => ({ next: at(1), last: null, running: null, queued: [], ...more });
const going = { hasEnded: false, isPaused: false };
const running = { instanceId: idOf(at(1)), time: at(1) };
const shown = (entries: readonly ScheduleEntry[]) => entries.map(({ what, time }) => `${what} ${time / MINUTE}`);

describe('A time that has come', () => {
  it('starts a run, and the next one is after it', () => {
    const { state, entries } = advance(rulesOf(), stateOf(), at(1) + 5, going, begin);
    expect(state).toEqual({ next: at(2), last: at(1), running: { instanceId: idOf(at(1)), time: at(1) }, queued: [] });
    expect(entries).toEqual([{ what: 'started', time: at(1), instanceId: idOf(at(1)), lateMs: 5 }]);
  });

  it('means nothing before it has come, or while the schedule is paused', () => {
    expect(advance(rulesOf(), stateOf(), at(1) - 1, going, begin)).toEqual({ state: stateOf(), entries: [] });
    expect(advance(rulesOf(), stateOf(), at(9), { hasEnded: false, isPaused: true }, begin)).toEqual({ state: stateOf(), entries: [] });
  });

  it.each([
    ['skip', 'skipped 2', [], running],
    ['queue', 'queued 2', [at(2)], running],
    ['allow', 'started 2', [], running],
  ] as const)('is, under "%s" while a run goes on, %s', (overlap, entry, queued, left) => {
    const before = stateOf({ next: at(2), last: at(1), running: overlap === 'allow' ? null : left });
    const { state, entries } = advance(rulesOf({ overlap }), before, at(2), going, begin);
    expect(shown(entries)).toEqual([entry]);
    expect(state.queued).toEqual(queued);
    expect(state.running).toEqual(overlap === 'allow' ? null : left);
  });

  it('is skipped when a hundred are queued', () => {
    const queued = Array.from({ length: QUEUED_MAX }, (_, n) => at(n + 2));
    const { state, entries } = advance(rulesOf({ overlap: 'queue' }), stateOf({ next: at(200), running, queued }), at(200), going, begin);
    expect(shown(entries)).toEqual(['skipped 200']);
    expect(state.queued).toHaveLength(QUEUED_MAX);
  });

  it('is told as failed when its run cannot start, and the next one is tried', () => {
    const failing: Begin = () => ({ kind: 'failed', reason: 'no such thing' });
    const { state, entries } = advance(rulesOf(), stateOf(), at(1), going, failing);
    expect(entries).toEqual([{ what: 'failed', time: at(1), reason: 'no such thing' }]);
    expect(state).toMatchObject({ next: at(2), last: at(1), running: null });
  });
});

describe('When a run has ended', () => {
  const ended = { hasEnded: true, isPaused: false };

  it('the oldest that is queued starts', () => {
    const before = stateOf({ next: at(9), running, queued: [at(2), at(3)] });
    const { state, entries } = advance(rulesOf({ overlap: 'queue' }), before, at(4), ended, begin);
    expect(shown(entries)).toEqual(['started 2']);
    expect(state).toMatchObject({ running: { time: at(2) }, queued: [at(3)] });
  });

  it('those that cannot start do not keep the next one', () => {
    const before = stateOf({ next: at(9), running, queued: [at(2), at(3)] });
    const odd: Begin = (time) => (time === at(2) ? { kind: 'failed', reason: 'x' } : begin(time));
    expect(shown(advance(rulesOf({ overlap: 'queue' }), before, at(4), ended, odd).entries)).toEqual(['failed 2', 'started 3']);
  });

  it('and the schedule is paused, nothing starts until it is resumed', () => {
    const before = stateOf({ next: at(9), running, queued: [at(2)] });
    const { state, entries } = advance(rulesOf({ overlap: 'queue' }), before, at(4), { hasEnded: true, isPaused: true }, begin);
    expect(entries).toEqual([]);
    expect(state).toMatchObject({ running: null, queued: [at(2)] });
    expect(shown(advance(rulesOf({ overlap: 'queue' }), state, at(4), going, begin).entries)).toEqual(['started 2']);
  });
});

describe('A version that lets runs overlap', () => {
  it('waits for no run that an earlier version began, nor do the times that were queued for it', () => {
    const before = stateOf({ next: at(4), running, queued: [at(2), at(3)] });
    const { state, entries } = advance(rulesOf({ overlap: 'allow' }), before, at(4), going, begin);
    expect(shown(entries)).toEqual(['started 2', 'started 3', 'started 4']);
    // The row still names it, so that another version which queues would wait for its end.
    expect(state).toMatchObject({ running, queued: [], last: at(4) });
  });
});

describe('After a downtime', () => {
  it('the newest time runs, late, and the others are told as missed', () => {
    const { state, entries } = advance(rulesOf(), stateOf(), at(5) + 30_000, going, begin);
    expect(entries).toEqual([
      { what: 'missed', time: at(1), until: at(4), count: 4 },
      { what: 'started', time: at(5), instanceId: idOf(at(5)), lateMs: 30_000 },
    ]);
    expect(state).toMatchObject({ next: at(6), last: at(5) });
  });

  it('none runs where none is to be made up for, unless it is of this minute', () => {
    const daily = parseCron('0 2 * * *', 'UTC');
    if (!daily.ok) throw new Error(daily.error);
    const rules = rulesOf({ cron: daily.value, catchUp: 'none' });
    const [two, day] = [2 * 3_600_000, 24 * 3_600_000];
    const late = advance(rules, stateOf({ next: two }), two + day + 61_000, going, begin);
    expect(late.entries).toEqual([{ what: 'missed', time: two, until: two + day, count: 2 }]);
    expect(late.state).toMatchObject({ next: two + 2 * day, last: two + day, running: null });
    expect(shown(advance(rules, stateOf({ next: two }), two + 59_000, going, begin).entries)).toEqual(['started 120']);
  });

  it('of years, they are told without being counted', () => {
    const { entries } = advance(rulesOf(), stateOf(), at(5_000_000), going, begin);
    expect(entries[0]).toEqual({ what: 'missed', time: at(1), until: at(4_999_999), count: null });
    expect(COUNTED_MAX).toBeLessThan(5_000_000);
  });
});

describe('A schedule', () => {
  it('that is new begins after now', () => {
    expect(deployed(cron, null, at(3))).toEqual({ next: at(4), last: null, running: null, queued: [] });
  });

  it('of a new version never takes a time again, though the clock of who deploys is behind', () => {
    expect(deployed(cron, stateOf({ next: at(4), last: at(3) }), at(2)).next).toBe(at(4));
    expect(deployed(cron, stateOf({ next: at(4), last: at(3) }), at(3)).next).toBe(at(4));
  });

  it('of a new version does not lose a time that is due already', () => {
    expect(deployed(cron, stateOf({ next: at(4), last: at(3) }), at(6)).next).toBe(at(4));
  });

  it('that is resumed goes on after now, and tells what passed', () => {
    expect(resumed(cron, stateOf({ next: at(2) }), at(4))).toEqual({
      state: stateOf({ next: at(5), last: at(4) }),
      entries: [{ what: 'paused', time: at(2), until: at(4), count: 3 }],
    });
    expect(resumed(cron, stateOf({ next: at(9) }), at(4) + 1).entries).toEqual([]);
  });
});

const steps = fc.array(
  fc.oneof(
    fc.record({ type: fc.constant('pass' as const), minutes: fc.integer({ min: 0, max: 4 }) }),
    fc.constant({ type: 'scan' as const }),
    fc.constant({ type: 'end' as const }),
    fc.constant({ type: 'pause' as const }),
    fc.constant({ type: 'resume' as const }),
    fc.record({ type: fc.constant('deploy' as const), behind: fc.integer({ min: 0, max: 2 }) }),
  ),
  { maxLength: 60 },
);

it('Whatever happens, a time starts once at most, where runs may not overlap one runs, and what became of a time is said once', () => {
  fc.assert(
    fc.property(steps, fc.constantFrom('skip', 'queue', 'allow'), fc.constantFrom('last', 'none'), (moves, overlap, catchUp) => {
      const rules = rulesOf({ overlap, catchUp });
      let [now, isPaused, state] = [0, false, deployed(cron, null, 0)];
      const open = new Set<number>();
      const started: number[] = [];
      const account: number[] = [];
      const tell = (entries: readonly ScheduleEntry[]): void => {
        for (const entry of entries) {
          if (entry.what === 'started') {
            started.push(entry.time);
            open.add(entry.time);
            if (overlap !== 'allow') expect(open.size).toBe(1);
          }
          if (entry.what === 'missed' || entry.what === 'paused')
            for (let time = entry.time; time <= entry.until; time += MINUTE) account.push(time);
          // One that was queued is told again when it starts.
          else if (entry.what !== 'started' || !account.includes(entry.time)) account.push(entry.time);
        }
      };
      const scan = (hasEnded: boolean): void => {
        const advanced = advance(rules, state, now, { hasEnded, isPaused }, begin);
        state = advanced.state;
        tell(advanced.entries);
      };
      for (const move of moves) {
        if (move.type === 'pass') now += move.minutes * MINUTE;
        else if (move.type === 'scan') scan(false);
        else if (move.type === 'end') {
          const time = state.running?.time;
          if (time !== undefined) {
            open.delete(time);
            scan(true);
          }
        } else if (move.type === 'pause') isPaused = true;
        else if (move.type === 'resume' && isPaused) {
          isPaused = false;
          const advanced = resumed(cron, state, now);
          state = advanced.state;
          tell(advanced.entries);
        } else if (move.type === 'deploy') state = deployed(cron, state, Math.max(0, now - move.behind * MINUTE));
      }
      isPaused = false;
      for (let rounds = 0; rounds < 200 && (state.running !== null || state.queued.length > 0); rounds++) {
        if (state.running !== null) open.delete(state.running.time);
        scan(state.running !== null);
      }
      expect(state.queued).toEqual([]);
      expect(new Set(started).size).toBe(started.length);
      expect(new Set(account).size).toBe(account.length);
    }),
    { numRuns: 300 },
  );
});
