/** Rows of `job`, read and written under their locks, and the results of a job's commands, counted. */
import type { EpochMs, InstanceId, JobId } from '../../../core/ids.ts';
import type { JobProgress } from '../../../core/jobs/job.ts';
import type { CountedJob, Job, JobCounts } from '../../jobs.ts';
import type { Queryable } from '../connection/pools.ts';
import { epochMs, instant } from '../sql/times.ts';

/** Columns of one job `j` that make a `Job`. */
export const jobFields = `j.id AS "jobId", j.operation, j.to_version AS "toVersion", j.filter, j.reason, j.created_by AS by, ${epochMs('j.created_at')} AS "createdAt",
  j.rate, j.canary, j.max_failures AS "maxFailures", j.selected, j.selected_more AS "isMore", j.status, j.pause, j.cursor,
  j.highest_id AS "highestId", j.sent, j.all_sent AS "isAllSent", (extract(epoch FROM j.paced_from) * 1000)::float8 AS "pacedFrom",
  j.failure_limit AS "failureLimit", ${epochMs('j.next_at')} AS "nextAt", ${epochMs('j.finished_at')} AS "finishedAt"`;

/** The results are counted until the row has them. */
export const countedJobs = `SELECT ${jobFields}, coalesce(j.applied, c.applied) AS applied, coalesce(j.refused, c.refused) AS refused
  FROM job j LEFT JOIN LATERAL (
    SELECT count(*) FILTER (WHERE c.status = 'applied')::int4 AS applied, count(*) FILTER (WHERE c.status = 'refused')::int4 AS refused
    FROM command c WHERE c.job_id = j.id AND j.applied IS NULL) AS c ON true`;

export type CountedRow = Job & Pick<JobCounts, 'applied' | 'refused'>;

export function countedJob(row: CountedRow): CountedJob {
  return { ...row, pending: row.sent - row.applied - row.refused };
}

export async function readJob(on: Queryable, jobId: JobId): Promise<CountedJob | null> {
  const { rows } = await on.query<CountedRow>({ name: 'job', text: `${countedJobs} WHERE j.id = $1`, values: [jobId] });
  return rows[0] === undefined ? null : countedJob(rows[0]);
}

/** @param cursor of the last instance whose turn has come. */
export async function saveProgress(on: Queryable, jobId: JobId, progress: JobProgress, cursor: InstanceId | null): Promise<void> {
  const { status, pause, sent, isAllSent, pacedFrom, failureLimit, nextAt, finishedAt } = progress;
  await on.query({
    name: 'save-job',
    text: `UPDATE job SET status = $2, pause = $3, sent = $4, all_sent = $5, paced_from = ${instant('$6')}, failure_limit = $7,
        next_at = ${instant('$8')}, finished_at = ${instant('$9')}, cursor = $10 WHERE id = $1`,
    values: [
      ...[jobId, status, pause === null ? null : JSON.stringify(pause), sent, isAllSent, pacedFrom, failureLimit, nextAt, finishedAt],
      cursor,
    ],
  });
}

/** @param most counting stops here. */
export async function countRefused(on: Queryable, jobId: JobId, most: number): Promise<number> {
  const { rows } = await on.query<{ count: number }>({
    name: 'count-refused-of-job',
    text: `SELECT count(*)::float8 AS count FROM (SELECT FROM command WHERE job_id = $1 AND status = 'refused' LIMIT $2) AS refused`,
    values: [jobId, most],
  });
  return rows[0]?.count ?? 0;
}

export async function nowOf(on: Queryable): Promise<EpochMs> {
  // Of this moment: a transaction that waited for the lock of the row began long before.
  const { rows } = await on.query<{ now: EpochMs }>({ name: 'clock', text: `SELECT ${epochMs('clock_timestamp()')} AS now` });
  return rows[0]?.now ?? 0;
}
