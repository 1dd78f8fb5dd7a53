/**
 * The times of a cron expression in a time zone. Pure: what is next follows from the time that is given, never from a clock. Five
 * fields (minute, hour, day of month, month, day of week), so at most one time a minute.
 *
 * When clocks go forward and one time of the expression falls into the gap, it becomes the first moment after it; if several do,
 * all are left out. When clocks go back, a single time of day that comes twice counts at the first; a repeating expression
 * continues through both.
 */
import { Cron as Pattern } from 'croner';
import type { EpochMs } from './ids.ts';
import { err, ok, type Result } from './result.ts';

export type Cron = {
  /** The first time after this one; null: there is none. */
  next(after: EpochMs): EpochMs | null;
};

/** An expression that matches no date from here on never matches one. */
const SOME_TIME = Date.UTC(2000, 0, 1);
const HOUR_MS = 3_600_000;

/** @param timeZone a known one. @returns why the expression cannot be used, as the end of a sentence. */
export function parseCron(expression: string, timeZone: string): Result<Cron, string> {
  if (expression.trim().split(/\s+/).length !== 5)
    return err('it needs five fields (minute, hour, day of month, month, day of week), such as "30 2 * * *"');
  try {
    const pattern = new Pattern(expression, { timezone: timeZone, mode: '5-part', paused: true });
    const next = (after: EpochMs): EpochMs | null => pattern.nextRun(new Date(after))?.getTime() ?? null;
    return next(SOME_TIME) === null ? err('no date fits it') : ok({ next });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return err(message.replace(/^CronPattern: /, '').replace(/\.$/, ''));
  }
}

/** Whether it is the name of a zone of the IANA database. An offset is refused: it does not say when clocks are changed. */
export function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z][A-Za-z0-9_+/-]{0,63}$/.test(name)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/**
 * The newest time up to `until`, from `from` on; null: there is none. Looks back from the end in windows that double, so that it
 * costs the same however much lies between.
 */
export function newestTime(cron: Cron, from: EpochMs, until: EpochMs): EpochMs | null {
  for (let window = HOUR_MS; ; window *= 2) {
    const begin = Math.max(from, until - window);
    const times = timesBetween(cron, begin, until, Number.POSITIVE_INFINITY);
    const newest = times.at(-1);
    if (newest !== undefined) return newest;
    if (begin === from) return null;
  }
}

/** Times from `from` up to `until`, both included, the oldest first, `limit` at most. */
export function timesBetween(cron: Cron, from: EpochMs, until: EpochMs, limit: number): EpochMs[] {
  const times: EpochMs[] = [];
  for (let at = cron.next(from - 1); at !== null && at <= until && times.length < limit; at = cron.next(at)) times.push(at);
  return times;
}
