/** Durations and instants as people write them (language, "Time and retries"). */
import { describe, expect, it } from 'vitest';
import { parseDuration, parseInstant } from './duration.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

describe('A duration', () => {
  it.each([
    ['500ms', 500],
    ['30s', 30 * SECOND],
    ['5m', 5 * MINUTE],
    ['1h', HOUR],
    ['2d', 2 * DAY],
    ['1.5h', 90 * MINUTE],
    ['0.25s', 250],
    ['0s', 0],
  ])('may be short: %s', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each([
    ['P2W', 14 * DAY],
    ['P2D', 2 * DAY],
    ['PT3H', 3 * HOUR],
    ['PT5M', 5 * MINUTE],
    ['PT90S', 90 * SECOND],
    ['PT0.5S', 500],
    ['PT0S', 0],
    ['P1DT2H30M', DAY + 2 * HOUR + 30 * MINUTE],
    ['PT1H30S', HOUR + 30 * SECOND],
    ['P1DT1S', DAY + SECOND],
    ['P3DT4H5M6.789S', 3 * DAY + 4 * HOUR + 5 * MINUTE + 6_789],
    ['PT36H', 36 * HOUR],
  ])('may be ISO 8601: %s', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each([
    'P',
    'PT',
    'P1DT',
    'P2WT',
    '',
    'soon',
    '5',
    'm',
    '1 h',
    ' 1h',
    '1h ',
    '1h\n',
    '1h30m',
    '-1h',
    '+1h',
    '1e3s',
    '.5s',
    '1.s',
    '1w',
    '1y',
  ])('is refused as %j', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });

  it.each(['P1Y', 'P1M', 'P1Y2D', 'P1M1DT1H'])('in years or months is refused, since they have no fixed length: %s', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });

  it.each(['PT1D', 'P1H', 'P1S', 'PT1M1H', 'PT1S1M', 'P1D1W', '-P1D', 'P-1D', 'P1D PT1H', 'P1D2H', 'P1DT2H30'])(
    'in ISO 8601 with a part out of place is refused: %s',
    (text) => {
      expect(parseDuration(text)).toBeUndefined();
    },
  );

  it('may be as long as a hundred years and no longer', () => {
    expect(parseDuration('36500d')).toBe(36_500 * DAY);
    expect(parseDuration('P36500D')).toBe(36_500 * DAY);
    expect(parseDuration('36501d')).toBeUndefined();
    expect(parseDuration('P36500DT1S')).toBeUndefined();
    expect(parseDuration('P999999W')).toBeUndefined();
  });
});

describe('An instant', () => {
  const at = Date.parse('2026-01-31T09:00:00Z');

  it.each([
    '2026-01-31T09:00:00Z',
    '2026-01-31T10:00:00+01:00',
    '2026-01-31T03:30:00-05:30',
    '2026-01-31T09:00Z',
    '2026-01-31t09:00:00.000z',
  ])('is read with its offset: %s', (text) => {
    expect(parseInstant(text)).toBe(at);
  });

  it.each([
    '2026-01-31T09:00:00',
    '2026-01-31',
    '09:00:00Z',
    '2026-01-31 09:00:00Z',
    '2026-13-01T09:00:00Z',
    '2026-01-31T25:00:00Z',
    '2026-01-31T24:00:00Z',
    '2026-02-30T09:00:00Z',
    '2026-04-31T09:00:00+02:00',
    '2025-02-29T09:00:00Z',
    '2026-00-10T09:00:00Z',
    'tomorrow',
    '',
  ])('without an offset, or that is none, is refused: %j', (text) => {
    expect(parseInstant(text)).toBeUndefined();
  });
});
