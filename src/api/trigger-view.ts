/** Triggers as REST shows them: the definition says what they are, the database how they stand. */
import type * as contract from '../contract/triggers.ts';
import type { Definition } from '../core/definition/types.ts';
import type { ScheduleEntry } from '../core/triggers/schedule.ts';
import type { ScheduleRow, TriggersRow } from '../store/schedules.ts';
import { toText } from './instance-view.ts';

export function toDefinitionTriggers({ id, version, triggers }: Definition, row: TriggersRow): contract.DefinitionTriggers {
  const schedules = new Map(row.schedules.map((schedule) => [schedule.name, schedule]));
  return {
    definition: { id, version },
    paused: row.isPaused,
    triggers: triggers.flatMap((trigger): contract.Trigger[] => {
      const { name } = trigger;
      if (trigger.kind === 'event')
        return [{ name, paused: row.isPaused || row.pausedNames.includes(name), event: trigger.event, schedule: null }];
      const schedule = schedules.get(name);
      return schedule === undefined ? [] : [{ name, paused: schedule.isPaused, event: null, schedule: toSchedule(schedule) }];
    }),
  };
}

function toSchedule({ cron, timeZone, overlap, catchUp, state, recent }: ScheduleRow): NonNullable<contract.Trigger['schedule']> {
  const failed = recent.findLast((entry) => entry.what === 'failed');
  return {
    ...{ cron, timeZone, overlap, catchUp },
    nextAt: state.next === null ? null : toText(state.next),
    lastAt: state.last === null ? null : toText(state.last),
    running: state.running === null ? null : { instanceId: state.running.instanceId, time: toText(state.running.time) },
    queued: state.queued.map(toText),
    recent: recent.map(toEntry),
    lastError: failed?.what === 'failed' ? { time: toText(failed.time), reason: failed.reason } : null,
  };
}

function toEntry(entry: ScheduleEntry): contract.ScheduleEntry {
  const { what, time } = entry;
  const passed = what === 'missed' || what === 'paused' ? { until: toText(entry.until), count: entry.count } : { until: null, count: null };
  const run = what === 'started' ? { instanceId: entry.instanceId, lateMs: entry.lateMs } : { instanceId: null, lateMs: null };
  return { what, time: toText(time), ...passed, ...run, reason: what === 'failed' ? entry.reason : null };
}
