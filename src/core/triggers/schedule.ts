/**
 * Advances a schedule: decides what happens at each of its times. Pure: the state of a schedule is its row, and callers hold the
 * row's lock. Which run goes on is in the row, until a caller who holds that lock has seen the end of that very run; so an end
 * cannot be missed, however often or late it is looked for.
 */
import { type Cron, newestTime, timesBetween } from '../cron.ts';
import type { CatchUp, Overlap } from '../definition/triggers/types.ts';
import type { EpochMs, InstanceId } from '../ids.ts';

export type ScheduleState = {
  /** The next time to handle; null: there is none. */
  readonly next: EpochMs | null;
  /** The last time that was handled. */
  readonly last: EpochMs | null;
  /** The run that goes on, where runs may not overlap. */
  readonly running: { readonly instanceId: InstanceId; readonly time: EpochMs } | null;
  /** Times whose runs wait for it, the oldest first. */
  readonly queued: readonly EpochMs[];
};

export type ScheduleRules = { readonly cron: Cron; readonly overlap: Overlap; readonly catchUp: CatchUp };

/** The result of a time, or of all times from it up to `until`. */
export type ScheduleEntry =
  | { readonly what: 'started'; readonly time: EpochMs; readonly instanceId: InstanceId; readonly lateMs: number }
  | { readonly what: 'failed'; readonly time: EpochMs; readonly reason: string }
  | { readonly what: 'queued' | 'skipped'; readonly time: EpochMs }
  | Passed;

/** Times that passed while no orchestrator was running, or while the schedule was paused. `count` is null above `COUNTED_MAX`. */
export type Passed = { readonly what: 'missed' | 'paused'; readonly time: EpochMs; readonly until: EpochMs; readonly count: number | null };

export type Begun = { readonly kind: 'started'; readonly instanceId: InstanceId } | { readonly kind: 'failed'; readonly reason: string };
/** Decides the start of a run. */
export type Begin = (time: EpochMs) => Begun;

export type Advanced = { readonly state: ScheduleState; readonly entries: readonly ScheduleEntry[] };

export const QUEUED_MAX = 100;
/** A run that begins later than this after its time counts as late: cron times are at least a minute apart. */
export const LATE_MS = 60_000;
export const COUNTED_MAX = 100;

/** @param now by the instance database's clock. @param hasEnded whether the current run has ended. */
export function advance(
  rules: ScheduleRules,
  before: ScheduleState,
  now: EpochMs,
  { hasEnded, isPaused }: { readonly hasEnded: boolean; readonly isPaused: boolean },
  begin: Begin,
): Advanced {
  const entries: ScheduleEntry[] = [];
  let state: ScheduleState = hasEnded ? { ...before, running: null } : before;
  if (isPaused) return { state, entries };
  const run = (time: EpochMs): void => {
    const begun = begin(time);
    if (begun.kind === 'failed') entries.push({ what: 'failed', time, reason: begun.reason });
    else {
      const { instanceId } = begun;
      entries.push({ what: 'started', time, instanceId, lateMs: Math.max(0, now - time) });
      if (rules.overlap !== 'allow') state = { ...state, running: { instanceId, time } };
    }
  };
  // A version that lets runs overlap waits for none, whatever an earlier one began.
  const mayRun = (): boolean => rules.overlap === 'allow' || state.running === null;
  for (let [time] = state.queued; time !== undefined && mayRun(); [time] = state.queued) {
    state = { ...state, queued: state.queued.slice(1) };
    run(time);
  }
  const { next } = state;
  if (next === null || next > now) return { state, entries };
  const newest = newestTime(rules.cron, next, now) ?? next;
  const isMissed = rules.catchUp === 'none' && now - newest > LATE_MS;
  const missed = passed(rules.cron, next, isMissed ? newest : newest - 1, 'missed');
  if (missed !== null) entries.push(missed);
  state = { ...state, next: rules.cron.next(newest), last: newest };
  if (isMissed) return { state, entries };
  if (mayRun()) run(newest);
  else if (rules.overlap === 'queue' && state.queued.length < QUEUED_MAX) {
    state = { ...state, queued: [...state.queued, newest] };
    entries.push({ what: 'queued', time: newest });
  } else entries.push({ what: 'skipped', time: newest });
  return { state, entries };
}

/** An entry for all times from one up to another, at which nothing was started. */
function passed(cron: Cron, from: EpochMs, until: EpochMs, what: Passed['what']): Passed | null {
  const times = timesBetween(cron, from, until, COUNTED_MAX + 1);
  const [first] = times;
  if (first === undefined) return null;
  const last = newestTime(cron, first, until) ?? first;
  return { what, time: first, until: last, count: times.length > COUNTED_MAX ? null : times.length };
}

/**
 * A version with this schedule was deployed. It continues after the last time that was handled rather than after `now`: clocks
 * differ, and a time could be handled twice. A time that is due already stays due; new times before now are not made up for.
 */
export function deployed(cron: Cron, before: ScheduleState | null, now: EpochMs): ScheduleState {
  if (before === null) return { next: cron.next(now), last: null, running: null, queued: [] };
  const isDue = before.next !== null && before.next <= now;
  const next = isDue ? cron.next((before.next ?? now) - 1) : cron.next(Math.max(before.last ?? now, now));
  return { ...before, next };
}

/** A person resumed it: it continues after now, and the times that passed are listed. */
export function resumed(cron: Cron, before: ScheduleState, now: EpochMs): Advanced {
  const entry = before.next === null ? null : passed(cron, before.next, now, 'paused');
  if (entry === null) return { state: { ...before, next: cron.next(now) }, entries: [] };
  return { state: { ...before, next: cron.next(now), last: entry.until }, entries: [entry] };
}
