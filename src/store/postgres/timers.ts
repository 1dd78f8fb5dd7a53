/**
 * Timers that are due: taken, deleted and turned into messages in one transaction, by the database's clock. Rows that
 * another process is taking are passed over, so any number of processes may ask.
 */

import { invariant } from '../../core/assert.ts';
import type { DueTimer } from '../../core/due-timer.ts';
import type { EpochMs } from '../../core/ids.ts';
import type { OutboxMessage } from '../../core/outbox-message.ts';
import { type FiredTimers, timeoutHeldMsMax } from '../instance-store.ts';
import { inTransaction, type Pool } from './connection/pools.ts';
import { insertMessages } from './outbox/messages.ts';
import { epochMs, instant } from './sql/times.ts';

/** A timeout of a wait whose event may have come, and is not correlated yet. */
function isHeld(eventsReadUntil: string): string {
  return `t.kind = 'timeout' AND t.due_at > greatest(${instant(eventsReadUntil)}, now() - interval '${timeoutHeldMsMax} milliseconds')
      AND EXISTS (SELECT FROM wait w WHERE w.instance_id = t.instance_id AND w.path = t.path)`;
}

const take = {
  name: 'take-due-timers',
  text: `WITH due AS (SELECT instance_id, timer_id FROM timer t WHERE t.due_at <= now() AND NOT (${isHeld('$2')})
      ORDER BY t.due_at LIMIT $1 FOR UPDATE SKIP LOCKED)
    DELETE FROM timer t USING due WHERE t.instance_id = due.instance_id AND t.timer_id = due.timer_id
    RETURNING t.instance_id AS "instanceId", t.partition, t.timer_id AS "timerId", t.kind, t.path, t.attempt, ${epochMs('t.due_at')} AS "dueAt"`,
};

const next = {
  name: 'next-timer',
  // After a full page any timer counts. Otherwise due timers are being taken by other processes, and are left out.
  text: `SELECT ${epochMs('now()')} AS now,
      (SELECT ${epochMs('t.due_at')} FROM timer t WHERE ($1 AND NOT (${isHeld('$2')})) OR t.due_at > now() ORDER BY t.due_at LIMIT 1) AS "nextDueAt",
      EXISTS (SELECT FROM timer t WHERE t.due_at <= now() AND ${isHeld('$2')}) AS held`,
};

export async function fireTimers(
  pool: Pool,
  limit: number,
  encode: (timer: DueTimer) => OutboxMessage,
  eventsReadUntil: EpochMs,
): Promise<FiredTimers> {
  return await inTransaction(pool, async (client) => {
    const { rows: due } = await client.query<DueTimer>({ ...take, values: [limit, eventsReadUntil] });
    const inOrder = due.toSorted((a, b) => a.dueAt - b.dueAt);
    await insertMessages(client, inOrder.map(encode));
    const { rows } = await client.query<Omit<FiredTimers, 'fired'>>({ ...next, values: [due.length === limit, eventsReadUntil] });
    const [left] = rows;
    invariant(left !== undefined, 'the statement gives one row');
    return { fired: due.length, ...left };
  });
}
