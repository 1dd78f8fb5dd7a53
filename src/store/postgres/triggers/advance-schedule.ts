/**
 * A schedule that has something to do: its time has come, or its run has ended. One at a time, under the lock of its row, which
 * others pass over. Whether the run has ended is read in a statement of its own, after the lock is held: a statement that waited
 * for the lock would see older data.
 */
import { MillraceError } from '../../../core/error.ts';
import type { EpochMs } from '../../../core/ids.ts';
import type { AdvancedSchedule, DecideSchedule, ScheduleRunner, ScheduleStep } from '../../instance-store.ts';
import { recentWith, type ScheduleName, type ScheduleRow } from '../../schedules.ts';
import { translating } from '../connection/errors.ts';
import { inTransaction, type Pool, type Queryable } from '../connection/pools.ts';
import { lockKeys } from '../events/key-locks.ts';
import type { ApplyOptions } from '../instances/apply.ts';
import { startWithin } from '../instances/start.ts';
import { epochMs } from '../sql/times.ts';
import { keysOfStart } from './event-starts.ts';
import { readSchedules, saveSchedule } from './schedule-rows.ts';

const take = {
  name: 'take-schedule',
  text: `SELECT s.definition_id AS "definitionId", s.name FROM schedule s
    WHERE ((NOT s.paused AND (s.next_at <= now() OR (s.running_id IS NULL AND s.queued <> '{}')))
        OR (s.running_id IS NOT NULL AND NOT EXISTS (SELECT FROM instance i WHERE i.id = s.running_id AND i.ended_at IS NULL)))
      AND NOT EXISTS (SELECT FROM unnest($1::text[], $2::text[]) AS x (definition_id, name)
        WHERE x.definition_id = s.definition_id AND x.name = s.name)
    ORDER BY s.next_at NULLS LAST LIMIT 1 FOR UPDATE OF s SKIP LOCKED`,
};

export async function advanceSchedule(
  pool: Pool,
  options: ApplyOptions,
  runner: ScheduleRunner,
  except: readonly ScheduleName[] = [],
): Promise<ScheduleStep> {
  return await inTransaction(pool, async (client) => {
    const values = [except.map(({ definitionId }) => definitionId), except.map(({ name }) => name)];
    const { rows } = await client.query<ScheduleName>({ ...take, values });
    const [taken] = rows;
    const [row] = taken === undefined ? [] : await readSchedules(client, taken.definitionId, taken.name);
    if (row === undefined) return { advanced: null, ...(await nextDue(client)) };
    const decide = await runner.prepare(row);
    const { state, entries } = await decideAndStart(client, options, decide, row);
    await saveSchedule(client, { ...row, state, recent: recentWith(row, entries) });
    return { advanced: { row, entries }, ...(await nextDue(client)) };
  });
}

async function nextDue(on: Queryable): Promise<Pick<ScheduleStep, 'nextDueAt' | 'now'>> {
  const { rows } = await on.query<{ now: EpochMs; nextDueAt: EpochMs | null }>({
    name: 'next-schedule',
    text: `SELECT ${epochMs('now()')} AS now, (SELECT ${epochMs('min(s.next_at)')} FROM schedule s WHERE NOT s.paused AND s.next_at > now()) AS "nextDueAt"`,
  });
  return { now: rows[0]?.now ?? 0, nextDueAt: rows[0]?.nextDueAt ?? null };
}

/** Decides again after each start that the database refuses: its time counts as failed, and the next one is tried. */
async function decideAndStart(
  on: Queryable,
  options: ApplyOptions,
  decide: DecideSchedule,
  { state: { running } }: ScheduleRow,
): Promise<AdvancedSchedule> {
  const { now, hasEnded } = await lookAt(on, running?.instanceId ?? null);
  const refused = new Map<EpochMs, string>();
  for (;;) {
    const decided = decide({ now, hasEnded, refused });
    if (decided.starts.length === 0) return decided;
    await on.query('SAVEPOINT runs');
    const failure = await startRuns(on, options, decided.starts);
    if (failure === null) {
      await on.query('RELEASE SAVEPOINT runs');
      return decided;
    }
    await on.query('ROLLBACK TO SAVEPOINT runs');
    refused.set(failure.time, failure.reason);
  }
}

async function lookAt(on: Queryable, runningId: string | null): Promise<{ readonly now: EpochMs; readonly hasEnded: boolean }> {
  const { rows } = await on.query<{ now: EpochMs; isOpen: boolean }>({
    name: 'look-at-run',
    text: `SELECT ${epochMs('now()')} AS now, EXISTS (SELECT FROM instance WHERE id = $1 AND ended_at IS NULL) AS "isOpen"`,
    values: [runningId],
  });
  return { now: rows[0]?.now ?? 0, hasEnded: runningId !== null && rows[0]?.isOpen !== true };
}

type Failure = { readonly time: EpochMs; readonly reason: string };

async function startRuns(on: Queryable, options: ApplyOptions, starts: AdvancedSchedule['starts']): Promise<Failure | null> {
  for (const { time, start } of starts) {
    try {
      await lockKeys(on, keysOfStart(start));
      const inserted = await translating(() => startWithin(on, options, [start], async () => undefined));
      if (!inserted.has(start.transition.instanceId)) return { time, reason: 'an instance was started for this time before' };
    } catch (error) {
      if (!(error instanceof MillraceError) || error.retryable) throw error;
      return { time, reason: `${error.code}: ${error.message}` };
    }
  }
  return null;
}
