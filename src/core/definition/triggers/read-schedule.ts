/** Reads `schedule` of a trigger: when instances start, and what happens at a time when a run goes on or the engine was down. */
import { type Cron, isTimeZone, parseCron } from '../../cron.ts';
import { shown } from '../errors.ts';
import type { ObjectReader } from '../object-reader.ts';
import type { ScheduleTrigger } from './types.ts';

type Times = Pick<ScheduleTrigger, 'cron' | 'expression' | 'timeZone' | 'overlap' | 'catchUp'>;

/** @returns null when the schedule cannot be used; the error was noted. */
export function readSchedule(trigger: ObjectReader): Times | null {
  const reader = trigger.nested('schedule');
  if (reader === undefined) return null;
  const timeZone = readTimeZone(reader);
  const cron = readCron(reader, timeZone ?? 'UTC');
  const rules = {
    overlap: reader.oneOf('overlap', ['skip', 'queue', 'allow']) ?? 'skip',
    catchUp: reader.oneOf('catchUp', ['last', 'none']) ?? 'last',
  };
  reader.end('A schedule');
  return cron === null || timeZone === null ? null : { ...cron, timeZone, ...rules };
}

function readTimeZone(reader: ObjectReader): string | null {
  const name = reader.raw('timeZone');
  if (name === undefined) return 'UTC';
  if (typeof name === 'string' && isTimeZone(name)) return name;
  const given = typeof name === 'string' ? `There is no time zone ${shown(name)}` : 'A time zone is a string';
  reader.errors.add(
    reader.at('timeZone'),
    'MR_DEF_TIME_ZONE',
    `${given}: use a name of the IANA database, such as "Europe/Berlin" or "UTC".`,
  );
  return null;
}

function readCron(reader: ObjectReader, timeZone: string): { readonly cron: Cron; readonly expression: string } | null {
  reader.required('cron', 'the times, such as "30 2 * * *" for 2:30 each day');
  const expression = reader.string('cron');
  if (expression === undefined) return null;
  const cron = parseCron(expression, timeZone);
  if (cron.ok) return { cron: cron.value, expression };
  reader.errors.add(reader.at('cron'), 'MR_DEF_CRON', `${shown(expression)} cannot be a cron expression: ${cron.error}.`);
  return null;
}
