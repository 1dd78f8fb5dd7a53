/** Bulk jobs on Postgres. */
import type { JobId } from '../../../core/ids.ts';
import { acted, type JobAction, type JobStatus } from '../../../core/jobs/job.ts';
import { decodeCursor, pageOf, patterns } from '../../cursor.ts';
import type { Page } from '../../definition-store.ts';
import type { CountedJob, JobStore } from '../../jobs.ts';
import { translating } from '../connection/errors.ts';
import { inTransaction, type Pool } from '../connection/pools.ts';
import { Filter } from '../sql/filter.ts';
import { createJob } from './create-job.ts';
import { advanceJob } from './job-page.ts';
import { jobResults } from './job-results.ts';
import { type CountedRow, countedJob, countedJobs, nowOf, readJob, saveProgress } from './job-rows.ts';
import { countSelected, idsOf, sampleOf } from './selection.ts';

export function createJobStore(pool: Pool): JobStore {
  return {
    create: (request, idempotency) => createJob(pool, request, idempotency),
    preview: (selecting, limit) =>
      translating(async () => ({ ...(await countSelected(pool, selecting)), sample: await sampleOf(pool, selecting, limit) })),
    next: (selecting, after, limit) => translating(() => idsOf(pool, selecting, limit, { after })),
    list: (status, limit, cursor) => listJobs(pool, status, limit, cursor),
    get: (jobId) => translating(() => readJob(pool, jobId)),
    results: (jobId, status, limit, cursor) => jobResults(pool, jobId, status, limit, cursor),
    act: (jobId, action, by) => act(pool, jobId, action, by),
    advance: (commandsOf) => advanceJob(pool, commandsOf),
  };
}

async function listJobs(pool: Pool, status: JobStatus | null, limit: number, cursor: string | null): Promise<Page<CountedJob>> {
  const name = 'jobs';
  const where = new Filter();
  where.add((value) => `j.status = ${value}`, status ?? undefined);
  if (cursor !== null) where.add((value) => `j.id < ${value}`, decodeCursor(name, cursor, [patterns.uuid])[0]);
  const { rows } = await translating(() =>
    pool.query<CountedRow>(`${countedJobs} ${where.sql} ORDER BY j.id DESC LIMIT ${where.parameter(limit + 1)}`, where.values),
  );
  return pageOf(rows, limit, name, ({ jobId }) => [jobId], countedJob);
}

async function act(pool: Pool, jobId: JobId, action: JobAction, by: string): ReturnType<JobStore['act']> {
  return await inTransaction(pool, async (client) => {
    // Waits for a page that is being sent.
    await client.query({ name: 'lock-job', text: 'SELECT FROM job WHERE id = $1 FOR UPDATE', values: [jobId] });
    const job = await readJob(client, jobId);
    if (job === null) return null;
    const progress = acted(job, action, { by, refused: job.refused, now: await nowOf(client) });
    if (progress === null) return { job, acted: false };
    await saveProgress(client, jobId, progress, job.cursor);
    return { job: { ...job, ...progress }, acted: true };
  });
}
