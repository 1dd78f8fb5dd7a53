/** Creates a job: what is there by then is its selection. A repeat with the same idempotency key finds the first one. */
import type { InstanceId, JobId } from '../../../core/ids.ts';
import { begunJob } from '../../../core/jobs/job.ts';
import type { JobCreation, JobRequest } from '../../jobs.ts';
import { inTransaction, type Pool, type Queryable } from '../connection/pools.ts';
import { storableText } from '../sql/storable-text.ts';
import { databaseNow, instant } from '../sql/times.ts';
import { readJob } from './job-rows.ts';
import { countSelected } from './selection.ts';

export type JobKey = { readonly key: string; readonly bodyHash: string };

export async function createJob(pool: Pool, request: JobRequest, idempotency: JobKey | null): Promise<JobCreation> {
  return await inTransaction(pool, async (client) => {
    const isNew = await insertJob(client, request, idempotency);
    const found = isNew || idempotency === null ? { jobId: request.jobId, bodyHash: null } : await byKey(client, idempotency.key);
    const job = await readJob(client, found.jobId);
    if (job === null) throw new Error('Bug: a job was created that is not there');
    if (found.bodyHash !== null && found.bodyHash !== idempotency?.bodyHash) return { kind: 'keyReused' };
    return { kind: isNew ? 'created' : 'repeated', job };
  });
}

/** @returns false: the key was used, or the answer to this very call got lost. */
async function insertJob(on: Queryable, request: JobRequest, idempotency: JobKey | null): Promise<boolean> {
  const { jobId, operation, toVersion, filter, reason, by, rate, canary, maxFailures } = request;
  const { selected, isMore } = await countSelected(on, request);
  const { rows: highest } = await on.query<{ id: InstanceId }>('SELECT id FROM instance ORDER BY id DESC LIMIT 1');
  const highestId = highest[0]?.id ?? null;
  const begun = begunJob(request, highestId === null, await databaseNow(on));
  const { rowCount } = await on.query({
    name: 'create-job',
    text: `INSERT INTO job (id, operation, filter, reason, created_by, rate, canary, max_failures, selected, selected_more, status, highest_id,
        all_sent, paced_from, failure_limit, next_at, idempotency_key, body_hash, to_version)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, ${instant('$14')}, $15, ${instant('$16')}, $17, $18, $19) ON CONFLICT DO NOTHING`,
    values: [
      ...[
        jobId,
        operation,
        JSON.stringify(filter),
        reason === null ? null : storableText(reason),
        storableText(by),
        rate,
        canary,
        maxFailures,
      ],
      ...[selected, isMore, begun.status, highestId, begun.isAllSent, begun.pacedFrom, begun.failureLimit, begun.nextAt],
      ...[idempotency?.key ?? null, idempotency?.bodyHash ?? null, toVersion],
    ],
  });
  return rowCount === 1;
}

async function byKey(on: Queryable, key: string): Promise<{ readonly jobId: JobId; readonly bodyHash: string }> {
  const { rows } = await on.query<{ jobId: JobId; bodyHash: string }>({
    name: 'job-by-key',
    text: 'SELECT id AS "jobId", body_hash AS "bodyHash" FROM job WHERE idempotency_key = $1',
    values: [key],
  });
  if (rows[0] === undefined) throw new Error('Bug: an idempotency key was used by no job');
  return rows[0];
}
