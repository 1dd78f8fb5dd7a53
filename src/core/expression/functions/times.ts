/**
 * Parts of a timestamp. The library computes them in the zone of the process, where clock changes skip an hour each year. Here an
 * expression gives the same value wherever it runs.
 */
import { type CelFunc, type CelValue, celType } from '@bufbuild/cel';
import { charge } from '../evaluation.ts';
import { failure, notApplicable } from '../failure.ts';
import { callLibrary, guarded } from './guard.ts';
import { zoneFormatter } from './zones.ts';

/** A zone's name goes through the machine's own formatter, which is slow to make. */
export const ZONE_UNITS = 70;
const DAY_MS = 86_400_000;

/** Milliseconds to add to UTC; undefined for an unknown zone. `+02:00`, `02:00`, `Europe/Berlin`, `UTC`. */
function offsetMs(zone: string, at: number): number | undefined {
  const fixed = offsetOf(zone);
  if (fixed !== undefined) return fixed;
  const formatter = zoneFormatter(zone);
  const name = formatter?.formatToParts(at).find(({ type }) => type === 'timeZoneName')?.value;
  return name === undefined ? undefined : (offsetOf(name.replace('GMT', '')) ?? 0);
}

function offsetOf(text: string): number | undefined {
  const [, sign, hours, minutes, seconds] = /^([+-]?)(\d\d):(\d\d)(?::(\d\d))?$/.exec(text) ?? [];
  if (hours === undefined) return undefined;
  const ms = (Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds ?? 0)) * 1_000;
  return sign === '-' ? -ms : ms;
}

export function epochMs(timestamp: CelValue): number | undefined {
  if (celType(timestamp).name !== 'google.protobuf.Timestamp') return undefined;
  const text = callLibrary('string', 0, undefined, [timestamp]);
  return typeof text === 'string' ? Date.parse(text) : undefined;
}

/** @param part of a date whose UTC parts are those of the zone. */
function getter(name: string, part: (date: Date) => number): CelFunc {
  return guarded(name, (id, target, args) => {
    charge(2);
    const at = target === undefined ? undefined : epochMs(target);
    const [zone] = args;
    // Parts of a duration know no zone.
    if (at === undefined) return callLibrary(name, id, target, args);
    if (zone === undefined) return BigInt(part(new Date(at)));
    if (typeof zone !== 'string') return notApplicable(id, name, args);
    charge(ZONE_UNITS);
    const offset = offsetMs(zone, at);
    return offset === undefined ? failure(id, `\`${name}\` was given an unknown time zone`) : BigInt(part(new Date(at + offset)));
  });
}

function dayOfYear(date: Date): number {
  const start = new Date(0);
  start.setUTCFullYear(date.getUTCFullYear(), 0, 1);
  return Math.floor((date.getTime() - start.getTime()) / DAY_MS);
}

export const times: readonly CelFunc[] = [
  getter('getFullYear', (date) => date.getUTCFullYear()),
  getter('getMonth', (date) => date.getUTCMonth()),
  getter('getDate', (date) => date.getUTCDate()),
  getter('getDayOfMonth', (date) => date.getUTCDate() - 1),
  getter('getDayOfWeek', (date) => date.getUTCDay()),
  getter('getDayOfYear', dayOfYear),
  getter('getHours', (date) => date.getUTCHours()),
  getter('getMinutes', (date) => date.getUTCMinutes()),
  getter('getSeconds', (date) => date.getUTCSeconds()),
  getter('getMilliseconds', (date) => date.getUTCMilliseconds()),
];
