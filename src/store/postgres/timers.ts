/**
 * Timers that are due: taken, deleted and turned into messages in one transaction, by the database's clock. Rows that
 * another process is taking are passed over, so any number of processes may ask.
 */

import type { DueTimer } from '../../core/due-timer.ts';
import type { EpochMs } from '../../core/ids.ts';
import type { OutboxMessage } from '../../core/outbox-message.ts';
import { inTransaction, type Pool } from './connection/pools.ts';
import { insertMessages } from './outbox/messages.ts';
import { epochMs } from './sql/times.ts';

const take = {
  name: 'take-due-timers',
  text: `WITH due AS (SELECT instance_id, timer_id FROM timer WHERE due_at <= now() ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED)
    DELETE FROM timer t USING due WHERE t.instance_id = due.instance_id AND t.timer_id = due.timer_id
    RETURNING t.instance_id AS "instanceId", t.partition, t.timer_id AS "timerId", t.kind, t.path, t.attempt, ${epochMs('t.due_at')} AS "dueAt"`,
};

const next = {
  name: 'next-timer',
  // After a full page any timer counts; else those that are due are being taken by others.
  text: `SELECT ${epochMs('now()')} AS now,
      (SELECT ${epochMs('t.due_at')} FROM timer t WHERE $1 OR t.due_at > now() ORDER BY t.due_at LIMIT 1) AS "nextDueAt"`,
};

export type Fired = { readonly fired: number; readonly nextDueAt: EpochMs | null; readonly now: EpochMs };

export async function fireTimers(pool: Pool, limit: number, encode: (timer: DueTimer) => OutboxMessage): Promise<Fired> {
  return await inTransaction(pool, async (client) => {
    const { rows: due } = await client.query<DueTimer>({ ...take, values: [limit] });
    const inOrder = due.toSorted((a, b) => a.dueAt - b.dueAt);
    await insertMessages(client, inOrder.map(encode));
    const { rows } = await client.query<{ now: number; nextDueAt: number | null }>({ ...next, values: [due.length === limit] });
    const [left] = rows;
    return { fired: due.length, nextDueAt: left?.nextDueAt ?? null, now: left?.now ?? 0 };
  });
}
