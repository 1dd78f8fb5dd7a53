/**
 * Times of a calendar, in a time zone: `time.parse`, `time.format`, `time.add`, `time.startOf`. They take a timestamp or an
 * RFC 3339 string such as `now`, and give timestamps. The same everywhere, as long as processes have the same time zone data.
 */
import { type CelError, type CelValue, isCelMap } from '@bufbuild/cel';
import { DateTime, type DateTimeUnit, FixedOffsetZone, type Zone } from 'luxon';
import { charge } from '../evaluation.ts';
import { failure } from '../failure.ts';
import { asInt, type CelOutcome, callLibrary } from './guard.ts';
import { type OwnFunction, ownFunction, unfit } from './own.ts';
import { epochMs, ZONE_UNITS } from './times.ts';
import { zoneFormatter } from './zones.ts';

const TEXT_LENGTH_MAX = 64;
const PATTERN_LENGTH_MAX = 200;
const FIXED_OFFSET = /^([+-])(\d\d):(\d\d)$/;
/** A string without an offset is read in the given zone. */
const LOCAL_TIME = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)?)?$/;
const HAS_OFFSET = /(?:Z|[+-]\d\d:\d\d)$/;
const UNITS: ReadonlySet<string> = new Set(['minute', 'hour', 'day', 'week', 'month', 'quarter', 'year']);
const STEPS: ReadonlySet<string> = new Set(['years', 'quarters', 'months', 'weeks', 'days', 'hours', 'minutes', 'seconds']);
const STEPS_MAX = 1_000_000_000;

type Calendar = { readonly kind: 'at'; readonly time: DateTime } | { readonly kind: 'error'; readonly error: CelError };

function wrong(error: CelError): Calendar {
  return { kind: 'error', error };
}

function zoneOf(name: string): Zone | string | undefined {
  const [, sign, hours, minutes] = FIXED_OFFSET.exec(name) ?? [];
  if (hours !== undefined) return FixedOffsetZone.instance((sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)));
  // Its canonical name, so that different spellings share one formatter.
  return zoneFormatter(name)?.resolvedOptions().timeZone;
}

function calendar(id: number, name: string, value: CelValue | undefined, zoneName: CelValue | undefined): Calendar {
  charge(2 * ZONE_UNITS);
  if (zoneName !== undefined && typeof zoneName !== 'string')
    return wrong(unfit(id, name, 'the name of a time zone, such as "Europe/Berlin"'));
  const zone = zoneOf(zoneName ?? 'UTC');
  if (zone === undefined)
    return wrong(failure(id, `\`${name}\` was given an unknown time zone: write one like "Europe/Berlin" or "+02:00"`));
  const time = timeOf(value, zone);
  return time?.isValid === true
    ? { kind: 'at', time }
    : wrong(unfit(id, name, 'a timestamp or a string such as "2026-01-31T09:00:00Z", "2026-01-31T09:00" or "2026-01-31"'));
}

function timeOf(value: CelValue | undefined, zone: Zone | string): DateTime | undefined {
  if (typeof value === 'string') {
    const text = value.length > TEXT_LENGTH_MAX ? '' : value.toUpperCase();
    if (!LOCAL_TIME.test(text)) return undefined;
    const time = DateTime.fromISO(text, { zone, locale: 'en-US' });
    // Of an hour that comes twice, the library chooses one by the current time. Here it is always the earlier.
    return HAS_OFFSET.test(text) ? time : time.getPossibleOffsets()[0];
  }
  const at = value === undefined || typeof value !== 'object' || value === null ? undefined : epochMs(value);
  return at === undefined ? undefined : DateTime.fromMillis(at, { zone, locale: 'en-US' });
}

function timestampOf(id: number, name: string, time: DateTime): CelOutcome {
  const text = time.toUTC().toISO();
  // Years of four digits are what timestamps have.
  if (text === null || !/^\d{4}-/.test(text)) return failure(id, `\`${name}\` gave a time that is too far away`);
  return callLibrary('timestamp', id, undefined, [text]);
}

/** A function of a time, something else, and a zone at the end that may be left out. */
function onTime(
  name: string,
  counts: readonly number[],
  zoneAt: number,
  compute: (id: number, time: DateTime, argument: CelValue | undefined) => CelOutcome,
): OwnFunction {
  return ownFunction(name, counts, (id, args) => {
    const at = calendar(id, name, args[0], args[zoneAt]);
    return at.kind === 'error' ? at.error : compute(id, at.time, args[1]);
  });
}

/** @returns what is wrong with the steps as a sentence's end, or the steps. */
function stepsOf(value: CelValue | undefined): Record<string, number> | string {
  if (!isCelMap(value)) return 'an object such as {"months": 1, "days": -2}';
  const steps: Record<string, number> = {};
  charge(value.size);
  for (const [key, given] of value) {
    if (typeof key !== 'string' || !STEPS.has(key)) return `an object with keys out of ${[...STEPS].join(', ')}`;
    const count = asInt(given);
    if (typeof count !== 'bigint' || count > STEPS_MAX || count < -STEPS_MAX) return `an integer for each unit, but \`${key}\` has none`;
    steps[key] = Number(count);
  }
  return steps;
}

function isUnit(unit: CelValue | undefined): unit is DateTimeUnit {
  return typeof unit === 'string' && UNITS.has(unit);
}

export const calendarFunctions: readonly OwnFunction[] = [
  onTime('time.parse', [1, 2], 1, (id, time) => timestampOf(id, 'time.parse', time)),
  onTime('time.format', [2, 3], 2, (id, time, pattern) => {
    if (typeof pattern !== 'string' || pattern.length > PATTERN_LENGTH_MAX)
      return unfit(id, 'time.format', `a pattern such as "yyyy-MM-dd HH:mm", at most ${PATTERN_LENGTH_MAX} characters long`);
    charge(pattern.length * 5);
    return time.toFormat(pattern, { locale: 'en-US' });
  }),
  onTime('time.add', [2, 3], 2, (id, time, given) => {
    const steps = stepsOf(given);
    return typeof steps === 'string' ? unfit(id, 'time.add', steps) : timestampOf(id, 'time.add', time.plus(steps));
  }),
  onTime('time.startOf', [2, 3], 2, (id, time, unit) =>
    isUnit(unit)
      ? timestampOf(id, 'time.startOf', time.startOf(unit))
      : unfit(id, 'time.startOf', `a unit out of ${[...UNITS].join(', ')}`),
  ),
];
