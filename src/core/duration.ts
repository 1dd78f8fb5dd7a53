/** Durations and instants as people write them in definitions. */
import type { EpochMs } from './ids.ts';

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const SHORT = /^(\d{1,12}(?:\.\d{1,3})?)(ms|s|m|h|d)$/;
/** Years and months have no fixed length and are refused; a day is 24 h. */
const ISO = /^P(?:(\d{1,6})W)?(?:(\d{1,6})D)?(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,12}(?:\.\d{1,3})?)S)?)?$/;
const INSTANT = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:[Zz]|[+-]\d{2}:\d{2})$/;
const DURATION_MS_MAX = 100 * 365 * UNIT_MS.d;

/** `500ms`, `30s`, `5m`, `2h`, `2d` or ISO 8601 (`PT5M`, `P2D`); in ms. Undefined when it is neither, or above 100 years. */
export function parseDuration(text: string): number | undefined {
  const ms = parseShort(text) ?? parseIso(text);
  return ms === undefined || ms > DURATION_MS_MAX ? undefined : Math.round(ms);
}

function parseShort(text: string): number | undefined {
  const match = SHORT.exec(text);
  if (match === null) return undefined;
  const [, amount, unit] = match;
  return Number(amount) * UNIT_MS[unit as keyof typeof UNIT_MS];
}

function parseIso(text: string): number | undefined {
  const match = ISO.exec(text);
  if (match === null || text.endsWith('P') || text.endsWith('T')) return undefined;
  const [weeks, days, hours, minutes, seconds] = match.slice(1).map((part: string | undefined) => Number(part ?? 0));
  return (
    (weeks ?? 0) * 7 * UNIT_MS.d +
    (days ?? 0) * UNIT_MS.d +
    (hours ?? 0) * UNIT_MS.h +
    (minutes ?? 0) * UNIT_MS.m +
    (seconds ?? 0) * UNIT_MS.s
  );
}

/** An RFC 3339 string with an offset; without an offset it names no instant and is refused. */
export function parseInstant(text: string): EpochMs | undefined {
  if (!INSTANT.test(text)) return undefined;
  const at = Date.parse(text.toUpperCase());
  // `Date` would read 30 February as 2 March, and 24:00 as the next day.
  return Number.isNaN(at) || !isOfCalendar(text) ? undefined : at;
}

/** What a text of RFC 3339 must have in JSON Schema's `date-time`: seconds too, and a time that every function of expressions takes. */
export function isDateTime(text: string): boolean {
  const at = parseInstant(text);
  return at !== undefined && WITH_SECONDS.test(text) && at >= YEAR_1 && at < YEAR_10000;
}

const WITH_SECONDS = /:\d{2}:\d{2}/;
const YEAR_1 = Date.parse('0001-01-01T00:00:00Z');
const YEAR_10000 = Date.parse('9999-12-31T23:59:59.999Z') + 1;

function isOfCalendar(text: string): boolean {
  const [year = 0, month = 0, day = 0, hour = 0] = text.split(/[-Tt:]/, 4).map(Number);
  return hour < 24 && day <= new Date(Date.UTC(year, month, 0)).getUTCDate();
}
