/**
 * The next page of a job that is due, in one transaction under the lock of its row, which others pass over: commands for the next ids
 * behind its cursor, their messages, and the cursor. Whatever process dies, a page was sent whole or not at all.
 */
import type { EpochMs, JobId } from '../../../core/ids.ts';
import { afterPage, pausedByItself, settled, turnOf, waiting } from '../../../core/jobs/job.ts';
import type { NewCommand } from '../../instance-store.ts';
import type { CommandsOf, Job, JobStep } from '../../jobs.ts';
import { inTransaction, type Pool, type Queryable } from '../connection/pools.ts';
import { Columns } from '../sql/columns.ts';
import { storableText } from '../sql/storable-text.ts';
import { epochMs } from '../sql/times.ts';
import { countRefused, jobFields, nowOf, saveProgress } from './job-rows.ts';
import { nextInstances } from './selection.ts';

const take = {
  name: 'take-job',
  text: `SELECT ${jobFields} FROM job j WHERE j.next_at <= now() ORDER BY j.next_at LIMIT 1 FOR UPDATE SKIP LOCKED`,
};

const next = {
  name: 'next-job',
  text: `SELECT ${epochMs('now()')} AS now, (SELECT ${epochMs('min(next_at)')} FROM job WHERE next_at > now()) AS "nextDueAt"`,
};

const commandColumns = new Columns<NewCommand>((of) => [
  of('id', 'uuid', ({ commandId }) => commandId),
  of('instance_id', 'uuid', ({ instanceId }) => instanceId),
  of('partition', 'int4', ({ partition }) => partition),
  of('type', 'text', ({ type }) => type),
  of('payload', 'json', ({ payload }) => (payload === null ? null : JSON.stringify(payload))),
  of('issued_by', 'text', ({ by }) => storableText(by)),
  of('topic', 'text', ({ message }) => message.topic),
  of('key', 'text', ({ message }) => message.key),
  of('message_type', 'text', ({ message }) => message.messageType),
  of('message', 'bytea', ({ message }) => message.payload),
]);

const send = {
  name: 'send-page-of-job',
  text: `WITH given AS MATERIALIZED (SELECT * FROM ${commandColumns.unnest('given', 2)}),
    c AS (INSERT INTO command (id, instance_id, partition, type, payload, issued_by, job_id)
      SELECT id, instance_id, partition, type, payload, issued_by, $1 FROM given ORDER BY ordinal
      ON CONFLICT DO NOTHING RETURNING id),
    sent AS (INSERT INTO outbox (topic, key, message_type, partition, payload)
      SELECT known.topic, g.key, g.message_type, g.partition, g.message FROM given g JOIN c ON c.id = g.id
      LEFT JOIN outbox_topic known ON known.topic = g.topic ORDER BY g.ordinal)
    SELECT count(*)::float8 AS sent FROM c`,
};

export async function advanceJob(pool: Pool, commandsOf: CommandsOf): Promise<JobStep> {
  return await inTransaction(pool, async (client) => {
    const { rows: due } = await client.query<Job>(take);
    const [job] = due;
    const advanced = job === undefined ? null : await advance(client, job, commandsOf);
    const { rows } = await client.query<{ now: EpochMs; nextDueAt: EpochMs | null }>(next);
    return { advanced, now: rows[0]?.now ?? 0, nextDueAt: rows[0]?.nextDueAt ?? null };
  });
}

async function advance(on: Queryable, job: Job, commandsOf: CommandsOf): Promise<NonNullable<JobStep['advanced']>> {
  const now = await nowOf(on);
  const refused = job.failureLimit === null ? 0 : await countRefused(on, job.jobId, job.failureLimit + 1);
  const turn = turnOf(job, refused, now);
  switch (turn.kind) {
    case 'send': {
      // One more than are sent tells whether this is the last page.
      const found = await nextInstances(on, job, turn.limit + 1);
      const page = found.slice(0, turn.limit);
      const sent = page.length === 0 ? 0 : await sendCommands(on, job.jobId, commandsOf(job, page, now));
      const progress = afterPage(job, sent, found.length <= turn.limit, now);
      const cursor = page.at(-1) ?? job.cursor;
      await saveProgress(on, job.jobId, progress, cursor);
      return { job: { ...job, ...progress, cursor }, sent };
    }
    case 'pause':
      return await save(on, job, pausedByItself(job, turn.why, now));
    case 'wait':
      return await save(on, job, waiting(job, turn.until));
    case 'settle': {
      const isPending = await hasPending(on, job.jobId);
      if (!isPending) await keepCounts(on, job.jobId);
      return await save(on, job, settled(job, isPending, now));
    }
  }
}

async function save(on: Queryable, job: Job, progress: ReturnType<typeof waiting>): Promise<NonNullable<JobStep['advanced']>> {
  await saveProgress(on, job.jobId, progress, job.cursor);
  return { job: { ...job, ...progress }, sent: 0 };
}

async function sendCommands(on: Queryable, jobId: JobId, commands: readonly NewCommand[]): Promise<number> {
  const { rows } = await on.query<{ sent: number }>({ ...send, values: [jobId, ...commandColumns.encode(commands)] });
  return rows[0]?.sent ?? 0;
}

async function hasPending(on: Queryable, jobId: JobId): Promise<boolean> {
  const { rows } = await on.query<{ pending: boolean }>({
    name: 'job-has-pending',
    text: `SELECT EXISTS (SELECT FROM command WHERE job_id = $1 AND status = 'pending') AS pending`,
    values: [jobId],
  });
  return rows[0]?.pending === true;
}

/** From now on the results do not change. */
async function keepCounts(on: Queryable, jobId: JobId): Promise<void> {
  await on.query({
    name: 'keep-counts-of-job',
    text: `UPDATE job j SET applied = c.applied, refused = c.refused FROM (
        SELECT count(*) FILTER (WHERE status = 'applied') AS applied, count(*) FILTER (WHERE status = 'refused') AS refused
        FROM command WHERE job_id = $1) AS c WHERE j.id = $1`,
    values: [jobId],
  });
}
