/**
 * Timers that are due: taken, deleted and turned into messages in one transaction, by the database's clock. Rows that
 * another process is taking are passed over, so any number of processes may ask. The queueTimeout of a task whose queue is or was
 * paused is put off by what the pauses lasted.
 */

import { invariant } from '../../core/assert.ts';
import type { DueTimer } from '../../core/due-timer.ts';
import type { EpochMs } from '../../core/ids.ts';
import type { OutboxMessage } from '../../core/outbox-message.ts';
import { httpQueue } from '../../core/queues.ts';
import { type FiredTimers, timeoutHeldMsMax } from '../instance-store.ts';
import { putOffMs } from '../queues.ts';
import { translating } from './connection/errors.ts';
import { inTransaction, type Pool } from './connection/pools.ts';
import { insertMessages } from './outbox/messages.ts';
import { epochMs, instant } from './sql/times.ts';

/** A timeout of a wait whose event may have come, and is not correlated yet. */
function isHeld(eventsReadUntil: string): string {
  return `t.kind = 'timeout' AND t.due_at > greatest(${instant(eventsReadUntil)}, now() - interval '${timeoutHeldMsMax} milliseconds')
      AND EXISTS (SELECT FROM wait w WHERE w.instance_id = t.instance_id AND w.path = t.path)`;
}

const originally = 'coalesce(t.original_due_at, t.due_at)';
/** A redispatch moves the one, and the end of an instance's own pause the other. */
const since = 'least(k.dispatched_at, t.armed_at)';
const later = `${originally} + sum(coalesce(q.resumed_at, now()) - greatest(q.paused_at, ${since}))`;

/** To when a timer is put off, since its queue is paused, or was; NULL: it fires now. */
const putOff = `(SELECT CASE WHEN bool_or(q.resumed_at IS NULL) THEN greatest(${later}, now() + interval '${putOffMs} milliseconds')
      WHEN ${later} > now() THEN ${later} END
    FROM task k JOIN queue_pause q ON q.queue = coalesce(k.queue, '${httpQueue}') AND (q.resumed_at IS NULL OR q.resumed_at > ${since})
    WHERE t.kind = 'queueTimeout' AND k.instance_id = t.instance_id AND k.path = t.path)`;

const take = {
  name: 'take-due-timers',
  text: `WITH due AS (
      SELECT t.instance_id, t.timer_id, t.partition, t.kind, t.path, t.attempt, ${originally} AS originally, ${putOff} AS put_off
      FROM timer t WHERE t.due_at <= now() AND NOT (${isHeld('$2')}) ORDER BY t.due_at LIMIT $1 FOR UPDATE OF t SKIP LOCKED),
    gone AS (DELETE FROM timer t USING due WHERE t.instance_id = due.instance_id AND t.timer_id = due.timer_id AND due.put_off IS NULL),
    later AS (UPDATE timer t SET due_at = due.put_off, original_due_at = due.originally FROM due
      WHERE t.instance_id = due.instance_id AND t.timer_id = due.timer_id AND due.put_off IS NOT NULL)
    SELECT instance_id AS "instanceId", partition, timer_id AS "timerId", kind, path, attempt, ${epochMs('originally')} AS "dueAt",
      ${epochMs('put_off')} AS "putOffTo" FROM due`,
};

const look = {
  name: 'look-for-timers',
  // Due timers that another process is taking are left out of what comes next: that process fires them.
  text: `SELECT ${epochMs('now()')} AS now,
      EXISTS (SELECT FROM timer t WHERE t.due_at <= now() AND NOT (${isHeld('$1')})) AS "isAnyDue",
      (SELECT ${epochMs('t.due_at')} FROM timer t WHERE t.due_at > now() ORDER BY t.due_at LIMIT 1) AS "nextDueAt",
      EXISTS (SELECT FROM timer t WHERE t.due_at <= now() AND ${isHeld('$1')}) AS held`,
};

/** `putOffTo` null: it fires now. */
type Taken = DueTimer & { readonly putOffTo: EpochMs | null };

export async function fireTimers(
  pool: Pool,
  limit: number,
  encode: (timer: DueTimer) => OutboxMessage,
  eventsReadUntil: EpochMs,
): Promise<FiredTimers> {
  const { rows } = await translating(() =>
    pool.query<Omit<FiredTimers, 'fired'> & { isAnyDue: boolean }>({ ...look, values: [eventsReadUntil] }),
  );
  const [found] = rows;
  invariant(found !== undefined, 'the statement gives one row');
  const { isAnyDue, nextDueAt, ...seen } = found;
  if (!isAnyDue) return { fired: 0, nextDueAt, ...seen };
  return await inTransaction(pool, async (client) => {
    const { rows: taken } = await client.query<Taken>({ ...take, values: [limit, eventsReadUntil] });
    const due = taken.flatMap(({ putOffTo, ...timer }): DueTimer[] => (putOffTo === null ? [timer] : []));
    const inOrder = due.toSorted((a, b) => a.dueAt - b.dueAt);
    await insertMessages(client, inOrder.map(encode));
    // After a full page more are due, perhaps.
    const next = [nextDueAt, taken.length === limit ? seen.now : null, ...taken.map(({ putOffTo }) => putOffTo)].filter(
      (at) => at !== null,
    );
    return { fired: due.length, ...seen, nextDueAt: next.length === 0 ? null : Math.min(...next) };
  });
}
