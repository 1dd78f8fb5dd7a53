/** Times of cron expressions, above all where clocks are changed. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Cron, isTimeZone, newestTime, parseCron, timesBetween } from './cron.ts';

function cronOf(expression: string, timeZone: string): Cron {
  const read = parseCron(expression, timeZone);
  if (!read.ok) throw new Error(read.error);
  return read.value;
}

/** The next times after a moment. */
function timesOf(expression: string, timeZone: string, after: string, count: number): readonly string[] {
  const times = timesBetween(cronOf(expression, timeZone), Date.parse(after) + 1, Date.parse(after) + 9e12, count);
  return times.map((at) => new Date(at).toISOString().slice(0, 16));
}

describe('Where clocks go forward', () => {
  it.each([
    ['Europe/Berlin', '30 2 * * *', '2026-03-28T12:00Z', ['2026-03-29T01:00', '2026-03-30T00:30']],
    ['America/New_York', '30 2 * * *', '2026-03-07T12:00Z', ['2026-03-08T07:00', '2026-03-09T06:30']],
    ['Australia/Lord_Howe', '15 2 * * *', '2026-10-03T02:00Z', ['2026-10-03T15:30', '2026-10-04T15:15']],
  ])('in %s, "%s" comes at the first moment after the gap, once', (zone, cron, after, times) => {
    expect(timesOf(cron, zone, after, 2)).toEqual(times);
  });

  it.each([
    ['Europe/Berlin', '2026-03-29T00:15Z', ['2026-03-29T00:30', '2026-03-29T01:00', '2026-03-29T01:30']],
    ['America/New_York', '2026-03-08T06:15Z', ['2026-03-08T06:30', '2026-03-08T07:00', '2026-03-08T07:30']],
    ['Australia/Lord_Howe', '2026-10-03T15:10Z', ['2026-10-03T15:30', '2026-10-03T16:00', '2026-10-03T16:30']],
  ])('in %s, what comes each half hour goes on at the half hours that there are', (zone, after, times) => {
    expect(timesOf('*/30 * * * *', zone, after, 3)).toEqual(times);
  });
});

describe('Where clocks go back', () => {
  it.each([
    ['Europe/Berlin', '30 2 * * *', '2026-10-24T12:00Z', ['2026-10-25T00:30', '2026-10-26T01:30']],
    ['America/New_York', '30 1 * * *', '2026-10-31T12:00Z', ['2026-11-01T05:30', '2026-11-02T06:30']],
    ['Australia/Lord_Howe', '45 1 * * *', '2026-04-04T02:00Z', ['2026-04-04T14:45', '2026-04-05T15:15']],
  ])('in %s, "%s" comes once, at the first of the two', (zone, cron, after, times) => {
    expect(timesOf(cron, zone, after, 2)).toEqual(times);
  });

  it.each([
    ['Europe/Berlin', '2026-10-24T23:45Z', ['2026-10-25T00:00', '2026-10-25T00:30', '2026-10-25T01:00', '2026-10-25T01:30']],
    ['America/New_York', '2026-11-01T04:45Z', ['2026-11-01T05:00', '2026-11-01T05:30', '2026-11-01T06:00', '2026-11-01T06:30']],
    ['Australia/Lord_Howe', '2026-04-04T14:20Z', ['2026-04-04T14:30', '2026-04-04T15:00', '2026-04-04T15:30', '2026-04-04T16:00']],
  ])('in %s, what comes each half hour comes in both', (zone, after, times) => {
    expect(timesOf('*/30 * * * *', zone, after, 4)).toEqual(times);
  });
});

describe('A cron expression', () => {
  it.each([
    ['* * * *', 'it needs five fields'],
    ['0 * * * * *', 'it needs five fields'],
    ['@daily', 'it needs five fields'],
    ['61 * * * *', 'Invalid value for minute: 61'],
    ['0 0 * FOO *', 'illegal characters'],
    ['*/0 * * * *', 'illegal stepping'],
    ['0 0 30 2 *', 'no date fits it'],
  ])('"%s" is refused, since %s', (expression, reason) => {
    const read = parseCron(expression, 'UTC');
    expect(read.ok ? '' : read.error).toContain(reason);
  });

  it('that fits a leap day only waits for it', () => {
    expect(timesOf('0 0 29 2 *', 'UTC', '2026-01-01T00:00Z', 2)).toEqual(['2028-02-29T00:00', '2032-02-29T00:00']);
  });
});

describe('The newest time', () => {
  const crons = fc.constantFrom('* * * * *', '*/7 * * * *', '30 2 * * *', '0 9 * * 1', '15 3 1 * *');
  const zones = fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe');
  const minutes = fc.integer({ min: 0, max: 3_000 });

  it('is the last of all times up to then', () => {
    fc.assert(
      fc.property(crons, zones, minutes, minutes, (expression, zone, start, length) => {
        const cron = cronOf(expression, zone);
        const from = Date.UTC(2026, 2, 28) + start * 60_000;
        const until = from + length * 60_000;
        expect(newestTime(cron, from, until)).toBe(timesBetween(cron, from, until, 1e6).at(-1) ?? null);
      }),
      { numRuns: 50 },
    );
  });

  it('of ten years in which nobody looked is found at once', () => {
    const until = Date.UTC(2036, 0, 1, 12, 0, 30);
    expect(newestTime(cronOf('* * * * *', 'Europe/Berlin'), Date.UTC(2026, 0, 1), until)).toBe(Date.UTC(2036, 0, 1, 12));
  });
});

it('A time zone is a name of the IANA database', () => {
  expect(['UTC', 'Europe/Berlin', 'Australia/Lord_Howe'].every(isTimeZone)).toBe(true);
  expect(['', 'Mars/City', '+02:00', 'Europe/Berlin '].some(isTimeZone)).toBe(false);
});
