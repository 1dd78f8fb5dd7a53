/** Writes the triggers of the newest version of a definition: the types of its events, and its schedules. */
import { invariant } from '../../../core/assert.ts';
import { parseCron } from '../../../core/cron.ts';
import { deployed } from '../../../core/triggers/schedule.ts';
import type { DeployedSchedule } from '../../schedules.ts';
import type { DeployedTriggers } from '../../triggers.ts';
import { inTransaction, type Pool, type Queryable } from '../connection/pools.ts';
import { databaseNow } from '../sql/times.ts';
import { readSchedules, saveSchedule } from './schedule-rows.ts';

export async function deployTriggers(pool: Pool, triggers: DeployedTriggers): Promise<void> {
  const { definitionId, version, eventTypes } = triggers;
  await inTransaction(pool, async (client) => {
    const { rows } = await client.query<{ paused: boolean }>({
      name: 'deploy-triggers',
      // A definition without triggers has a row too: otherwise triggers of an older version could be written after it. The row
      // also locks the schedules of the definition.
      text: `INSERT INTO definition_triggers AS t (definition_id, version, event_types) VALUES ($1, $2, $3)
        ON CONFLICT (definition_id) DO UPDATE SET version = EXCLUDED.version, event_types = EXCLUDED.event_types
        WHERE t.version < EXCLUDED.version RETURNING t.paused`,
      values: [definitionId, version, eventTypes],
    });
    const [row] = rows;
    if (row !== undefined) await deploySchedules(client, triggers, row.paused);
  });
}

async function deploySchedules(on: Queryable, { definitionId, version, schedules }: DeployedTriggers, isPaused: boolean): Promise<void> {
  await on.query('SELECT FROM schedule WHERE definition_id = $1 ORDER BY name FOR UPDATE', [definitionId]);
  const before = new Map((await readSchedules(on, definitionId, null)).map((row) => [row.name, row]));
  const now = await databaseNow(on);
  for (const schedule of schedules) {
    const old = before.get(schedule.name);
    const state = deployed(cronOf(schedule), old?.state ?? null, now);
    await saveSchedule(on, { isPaused, recent: [], ...old, ...schedule, definitionId, version, state });
    before.delete(schedule.name);
  }
  await on.query('DELETE FROM schedule WHERE definition_id = $1 AND name = ANY ($2::text[])', [definitionId, [...before.keys()]]);
}

export function cronOf({ cron, timeZone }: Pick<DeployedSchedule, 'cron' | 'timeZone'>) {
  const parsed = parseCron(cron, timeZone);
  invariant(parsed.ok, 'the cron expression was read at the deploy');
  return parsed.value;
}
