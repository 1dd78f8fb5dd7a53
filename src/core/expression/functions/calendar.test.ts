/** Times in zones: days that the clock makes longer or shorter, ends of months, and what is no time. */
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { errorOf, evaluated } from '../testing/evaluate.ts';

describe('Times', () => {
  it.each([
    ["time.parse('2026-01-31')", '2026-01-31T00:00:00Z'],
    ["time.parse('2026-01-31T09:00:00+02:00', 'Asia/Tokyo')", '2026-01-31T07:00:00Z'],
    ["time.parse('2026-01-31', '+05:30')", '2026-01-30T18:30:00Z'],
    // The night in which Berlin's clock leaves out 2:30, and the one in which it shows 2:30 twice.
    ["time.parse('2026-03-29T02:30', 'Europe/Berlin')", '2026-03-29T01:30:00Z'],
    ["time.parse('2026-10-25T02:30', 'Europe/Berlin')", '2026-10-25T00:30:00Z'],
    ["time.add('2026-03-28T12:00:00+01:00', {'days': 1}, 'Europe/Berlin')", '2026-03-29T10:00:00Z'],
    ["time.add('2026-03-28T12:00:00+01:00', {'hours': 24}, 'Europe/Berlin')", '2026-03-29T11:00:00Z'],
    ["time.add('2024-02-29T00:00:00Z', {'years': 1})", '2025-02-28T00:00:00Z'],
    ["time.add('2026-01-31T00:00:00Z', {'months': 1, 'days': -1})", '2026-02-27T00:00:00Z'],
    ["time.startOf('2026-03-29T10:00:00Z', 'day', 'Europe/Berlin')", '2026-03-28T23:00:00Z'],
    ["time.startOf('2026-11-29T10:00:00Z', 'week')", '2026-11-23T00:00:00Z'],
    ["time.startOf(timestamp('2026-11-29T10:00:00Z'), 'quarter') == timestamp('2026-10-01T00:00:00Z')", true],
    ["time.format('2026-01-31T09:05:00Z', \"EEEE d LLLL yyyy, HH:mm ZZ\", 'Asia/Tokyo')", 'Saturday 31 January 2026, 18:05 +09:00'],
    ["time.parse('2026-07-15T09:00', 'europe/BERLIN').getHours('Europe/Berlin')", 9],
  ])('%s', (source, expected) => expect(evaluated(source)).toBe(expected));

  it.each([
    [
      "time.parse('tomorrow')",
      '`time.parse` takes a timestamp or a string such as "2026-01-31T09:00:00Z", "2026-01-31T09:00" or "2026-01-31"',
    ],
    ["time.parse('2026-02-30')", '`time.parse` takes a timestamp or a string'],
    ['time.parse(5)', '`time.parse` takes a timestamp or a string'],
    ["time.parse('2026-01-01', 'Mars/Base')", '`time.parse` was given an unknown time zone: write one like "Europe/Berlin" or "+02:00"'],
    ["time.parse('2026-01-01', 'local')", 'an unknown time zone'],
    ["time.parse('2026-01-01', 1)", '`time.parse` takes the name of a time zone, such as "Europe/Berlin"'],
    ["time.format('2026-01-01', 1)", '`time.format` takes a pattern such as "yyyy-MM-dd HH:mm", at most 200 characters long'],
    ["time.add('2026-01-01', 5)", '`time.add` takes an object such as {"months": 1, "days": -2}'],
    ["time.add('2026-01-01', {'eons': 1})", '`time.add` takes an object with keys out of years, quarters, months'],
    ["time.add('2026-01-01', {'days': 0.5})", '`time.add` takes an integer for each unit, but `days` has none'],
    ["time.add('2026-01-01', {'years': 100000})", '`time.add` gave a time that is too far away'],
    ["time.startOf('2026-01-01', 'eon')", '`time.startOf` takes a unit out of minute, hour, day, week, month, quarter, year'],
  ])('%s fails', (source, message) => expect(errorOf(source)).toContain(message));

  it.each(['2026-01-01', '2026-07-01'])('are the same whatever the clock of the process shows: on %s', (today) => {
    vi.useFakeTimers({ now: new Date(today) });
    expect(evaluated("time.parse('2026-10-25T02:30', 'Europe/Berlin')")).toBe('2026-10-25T00:30:00Z');
    expect(evaluated("time.parse('2026-03-29T02:30', 'Europe/Berlin')")).toBe('2026-03-29T01:30:00Z');
    expect(evaluated("time.startOf('2026-10-25T01:45:00Z', 'hour', 'Europe/Berlin')")).toBe('2026-10-25T01:00:00Z');
    vi.useRealTimers();
  });

  it('that were added can be taken away again, where every day has its hours', () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true }),
        fc.integer({ min: -5_000, max: 5_000 }),
        (at, days) => {
          const input = { at: at.toISOString(), days, back: -days };
          expect(
            evaluated("time.add(time.add(input.at, {'days': input.days}), {'days': input.back}) == timestamp(input.at)", { input }),
          ).toBe(true);
        },
      ),
    );
  });

  it('have a start that is its own start', () => {
    const unit = fc.constantFrom('minute', 'hour', 'day', 'week', 'month', 'quarter', 'year');
    const zone = fc.constantFrom('UTC', 'Europe/Berlin', 'America/Sao_Paulo', 'Asia/Kathmandu', '-03:30');
    fc.assert(
      fc.property(fc.date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true }), unit, zone, (at, name, place) => {
        const input = { at: at.toISOString(), unit: name, zone: place };
        const start = evaluated('time.startOf(input.at, input.unit, input.zone)', { input }) as string;
        expect(evaluated('time.startOf(input.at, input.unit, input.zone)', { input: { ...input, at: start } })).toBe(start);
        expect(Date.parse(start)).toBeLessThanOrEqual(at.getTime());
      }),
      { numRuns: 60 },
    );
  });
});
