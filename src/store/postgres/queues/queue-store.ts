/** Queues on Postgres: those whose topics the outbox knows, and their pauses. The row of the topic is locked, so that changes come one after the other. */
import { httpQueue, type QueueState } from '../../../core/queues.ts';
import type { EncodeQueueState, QueuePause, QueueRow, QueueStore } from '../../queues.ts';
import { translating } from '../connection/errors.ts';
import { inTransaction, type Pool, type Queryable } from '../connection/pools.ts';
import { insertMessages } from '../outbox/messages.ts';
import { databaseNow, epochMs } from '../sql/times.ts';

/** @param tasksTopic of `http` nodes; those of other queues are called after it. */
export function createQueueStore(pool: Pool, tasksTopic: string): QueueStore {
  const topicOf = (queue: string): string => (queue === httpQueue ? tasksTopic : `${tasksTopic}.${queue}`);
  return {
    list: () => translating(() => listQueues(pool, tasksTopic)),
    pause: (queue, by, reason, encode) =>
      change(pool, topicOf(queue), encode, async (client) => {
        await client.query(
          'INSERT INTO queue_pause (queue, paused_by, reason) VALUES ($1, $2, $3) ON CONFLICT (queue) WHERE resumed_at IS NULL DO NOTHING',
          [queue, by, reason],
        );
        const pause = await pauseOf(client, queue);
        if (pause === null) throw new Error('a queue that was just paused is paused');
        return { queue, isPaused: true, ...pause };
      }),
    resume: (queue, by, encode) =>
      change(pool, topicOf(queue), encode, async (client) => {
        await client.query(
          'UPDATE queue_pause SET resumed_at = clock_timestamp(), resumed_by = $2 WHERE queue = $1 AND resumed_at IS NULL',
          [queue, by],
        );
        await client.query({ ...lookAgain, values: [queue, httpQueue] });
        return { queue, isPaused: false, by, at: await databaseNow(client), reason: null };
      }),
  };
}

async function change(
  pool: Pool,
  topic: string,
  encode: EncodeQueueState,
  work: (client: Queryable) => Promise<QueueState>,
): Promise<QueueRow | null> {
  return await inTransaction(pool, async (client) => {
    const { rowCount } = await client.query('SELECT FROM outbox_topic WHERE topic = $1 FOR UPDATE', [topic]);
    if (rowCount === 0) return null;
    const state = await work(client);
    await insertMessages(client, [encode(state)]);
    const { queue, isPaused, by, at, reason } = state;
    return { queue, pause: isPaused ? { by, at, reason } : null };
  });
}

async function pauseOf(on: Queryable, queue: string): Promise<QueuePause | null> {
  const { rows } = await on.query<QueuePause>(
    `SELECT paused_by AS by, ${epochMs('paused_at')} AS at, reason FROM queue_pause WHERE queue = $1 AND resumed_at IS NULL`,
    [queue],
  );
  return rows[0] ?? null;
}

async function listQueues(pool: Pool, tasksTopic: string): Promise<readonly QueueRow[]> {
  const { rows } = await pool.query<{ queue: string; by: string | null; at: number | null; reason: string | null }>(
    `SELECT known.queue, q.paused_by AS by, ${epochMs('q.paused_at')} AS at, q.reason
      FROM (SELECT CASE WHEN topic = $1::text THEN $2::text ELSE substr(topic, length($1::text) + 2) END AS queue
        FROM outbox_topic WHERE topic = $1::text OR starts_with(topic, $1::text || '.')) known
      LEFT JOIN queue_pause q ON q.queue = known.queue AND q.resumed_at IS NULL
      ORDER BY known.queue COLLATE "C"`,
    [tasksTopic, httpQueue],
  );
  return rows.map(({ queue, by, at, reason }) => ({ queue, pause: by === null || at === null ? null : { by, at, reason } }));
}

/** Timers that were put off are looked at now. One that is being taken at this moment is looked at when the time is over for which it is put off. */
const lookAgain = {
  name: 'look-at-timers-of-queue',
  text: `UPDATE timer t SET due_at = now() FROM (
      SELECT o.instance_id, o.timer_id FROM timer o JOIN task k ON k.instance_id = o.instance_id AND k.path = o.path
      WHERE o.original_due_at IS NOT NULL AND o.due_at > now() AND coalesce(k.queue, $2) = $1 FOR UPDATE OF o SKIP LOCKED) AS put_off
    WHERE t.instance_id = put_off.instance_id AND t.timer_id = put_off.timer_id`,
};
