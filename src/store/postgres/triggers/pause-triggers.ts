/** Pauses or resumes triggers: all of a definition, or one by its name. */
import type { DefinitionId } from '../../../core/ids.ts';
import { resumed } from '../../../core/triggers/schedule.ts';
import { recentWith } from '../../schedules.ts';
import type { TriggerSwitch } from '../../triggers.ts';
import { inTransaction, type Pool, type Queryable } from '../connection/pools.ts';
import { databaseNow } from '../sql/times.ts';
import { cronOf } from './deploy-triggers.ts';
import { readSchedules, saveSchedule } from './schedule-rows.ts';

/** @returns false when the definition has no triggers. */
export async function switchTriggers(pool: Pool, { definitionId, name, isPaused }: TriggerSwitch): Promise<boolean> {
  return await inTransaction(pool, async (client) => {
    const { rowCount } = await client.query('SELECT FROM definition_triggers WHERE definition_id = $1 FOR UPDATE', [definitionId]);
    if (rowCount === 0) return false;
    const isSchedule = await switchSchedules(client, definitionId, name, isPaused);
    if (name === null)
      await client.query(
        `UPDATE definition_triggers SET paused = $2, paused_names = CASE WHEN $2 THEN paused_names ELSE '{}' END WHERE definition_id = $1`,
        [definitionId, isPaused],
      );
    else if (!isSchedule)
      await client.query(
        `UPDATE definition_triggers SET paused_names = array_remove(paused_names, $2::text) || CASE WHEN $3 THEN ARRAY[$2::text] ELSE '{}' END
          WHERE definition_id = $1`,
        [definitionId, name, isPaused],
      );
    return true;
  });
}

/** @returns whether there was one. */
async function switchSchedules(on: Queryable, definitionId: DefinitionId, name: string | null, isPaused: boolean): Promise<boolean> {
  await on.query('SELECT FROM schedule WHERE definition_id = $1 AND name = coalesce($2, name) ORDER BY name FOR UPDATE', [
    definitionId,
    name,
  ]);
  const rows = await readSchedules(on, definitionId, name);
  const now = await databaseNow(on);
  for (const row of rows) {
    if (row.isPaused === isPaused) continue;
    const { state, entries } = isPaused ? { state: row.state, entries: [] } : resumed(cronOf(row), row.state, now);
    await saveSchedule(on, { ...row, isPaused, state, recent: recentWith(row, entries) });
  }
  return rows.length > 0;
}
