/** Triggers as people read them. */
import type { DefinitionId } from '../../../core/ids.ts';
import { decodeCursor, pageOf, patterns } from '../../cursor.ts';
import type { Page } from '../../definition-store.ts';
import type { ScheduleRow, TriggersRow } from '../../schedules.ts';
import { translating } from '../connection/errors.ts';
import type { Pool } from '../connection/pools.ts';
import { scheduleFields, scheduleOf } from './schedule-rows.ts';

const list = 'triggers';

/** Of definitions whose newest version has some, by id. @param definitionId only of this one. */
export async function triggers(
  pool: Pool,
  definitionId: DefinitionId | null,
  limit: number,
  cursor: string | null,
): Promise<Page<TriggersRow>> {
  const after = cursor === null ? '' : (decodeCursor(list, cursor, [patterns.name])[0] ?? '');
  return await translating(async () => {
    const { rows } = await pool.query<Omit<TriggersRow, 'schedules'>>({
      name: 'triggers',
      text: `SELECT t.definition_id AS "definitionId", t.version, t.paused AS "isPaused", t.paused_names AS "pausedNames" FROM definition_triggers t
        WHERE t.definition_id = coalesce($1, t.definition_id) AND t.definition_id COLLATE "C" > $2
          AND (t.event_types <> '{}' OR EXISTS (SELECT FROM schedule s WHERE s.definition_id = t.definition_id))
        ORDER BY t.definition_id COLLATE "C" LIMIT $3`,
      values: [definitionId, after, limit + 1],
    });
    const found = await pool.query<Parameters<typeof scheduleOf>[0]>({
      name: 'schedules-of',
      text: `SELECT ${scheduleFields} FROM schedule s WHERE s.definition_id = ANY ($1::text[]) ORDER BY s.definition_id, s.name`,
      values: [rows.map((row) => row.definitionId)],
    });
    const schedules = Map.groupBy(found.rows.map(scheduleOf), (row): string => row.definitionId);
    return pageOf(
      rows,
      limit,
      list,
      (row) => [row.definitionId],
      (row) => ({ ...row, schedules: schedules.get(row.definitionId) ?? ([] as ScheduleRow[]) }),
    );
  });
}
