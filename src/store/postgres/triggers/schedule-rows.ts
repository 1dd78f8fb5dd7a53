/** Rows of `schedule`, read and written whole, under their locks. */
import type { DefinitionId, InstanceId } from '../../../core/ids.ts';
import type { ScheduleEntry, ScheduleState } from '../../../core/triggers/schedule.ts';
import type { ScheduleRow } from '../../schedules.ts';
import type { Queryable } from '../connection/pools.ts';
import { epochMs, instant } from '../sql/times.ts';

type Stored = Omit<ScheduleRow, 'state'> & {
  readonly next: number | null;
  readonly last: number | null;
  readonly runningId: InstanceId | null;
  readonly runningAt: number | null;
  readonly queued: readonly number[];
};

export const scheduleFields = `s.definition_id AS "definitionId", s.name, s.version, s.cron, s.time_zone AS "timeZone", s.overlap, s.catch_up AS "catchUp",
  s.paused AS "isPaused", ${epochMs('s.next_at')} AS next, ${epochMs('s.last_at')} AS last, s.running_id AS "runningId",
  ${epochMs('s.running_at')} AS "runningAt", ARRAY(SELECT ${epochMs('q')} FROM unnest(s.queued) AS q ORDER BY q) AS queued, s.recent`;

export function scheduleOf({ next, last, runningId, runningAt, queued, ...row }: Stored): ScheduleRow {
  const running = runningId === null || runningAt === null ? null : { instanceId: runningId, time: runningAt };
  return { ...row, state: { next, last, running, queued } };
}

/** @param name null: all of the definition. */
export async function readSchedules(on: Queryable, definitionId: DefinitionId, name: string | null): Promise<ScheduleRow[]> {
  const { rows } = await on.query<Stored>({
    name: 'schedules',
    text: `SELECT ${scheduleFields} FROM schedule s WHERE s.definition_id = $1 AND s.name = coalesce($2, s.name) ORDER BY s.name`,
    values: [definitionId, name],
  });
  return rows.map(scheduleOf);
}

/** Inserts the schedule, or writes all of it. */
export async function saveSchedule(on: Queryable, row: ScheduleRow): Promise<void> {
  const { next, last, running, queued }: ScheduleState = row.state;
  await on.query({
    name: 'save-schedule',
    text: `INSERT INTO schedule (definition_id, name, version, cron, time_zone, overlap, catch_up, paused, next_at, last_at, running_id, running_at,
        queued, recent)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, ${instant('$9')}, ${instant('$10')}, $11, ${instant('$12')},
        ARRAY(SELECT to_timestamp(q / 1000) FROM unnest($13::float8[]) AS q), $14)
      ON CONFLICT (definition_id, name) DO UPDATE SET version = EXCLUDED.version, cron = EXCLUDED.cron, time_zone = EXCLUDED.time_zone,
        overlap = EXCLUDED.overlap, catch_up = EXCLUDED.catch_up, paused = EXCLUDED.paused, next_at = EXCLUDED.next_at, last_at = EXCLUDED.last_at,
        running_id = EXCLUDED.running_id, running_at = EXCLUDED.running_at, queued = EXCLUDED.queued, recent = EXCLUDED.recent`,
    values: [
      ...[row.definitionId, row.name, row.version, row.cron, row.timeZone, row.overlap, row.catchUp, row.isPaused],
      ...[
        next,
        last,
        running?.instanceId ?? null,
        running?.time ?? null,
        queued,
        JSON.stringify(row.recent satisfies readonly ScheduleEntry[]),
      ],
    ],
  });
}
