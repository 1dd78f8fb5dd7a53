/**
 * Instances that a job is for. For each status in which its operation can have an effect the ids are walked in order, so that those that
 * have ended are not read over, however many they are.
 */
import type { EpochMs, InstanceId } from '../../../core/ids.ts';
import { jobStatusesOf } from '../../../core/jobs/job.ts';
import type { InstanceRow } from '../../instance-queries.ts';
import { JOB_CLOCK_MS, type Job, type JobRequest, type JobSelection, selectedMax } from '../../jobs.ts';
import type { Queryable } from '../connection/pools.ts';
import { addConditions, rowFields } from '../queries/instance-list.ts';
import { Filter } from '../sql/filter.ts';
import { instant } from '../sql/times.ts';

type Selecting = Pick<JobRequest, 'operation' | 'toVersion' | 'filter'>;

type Bounds = { readonly after: InstanceId | null; readonly upTo?: InstanceId; readonly createdAt?: EpochMs };

/** @returns a SELECT of these fields of at most so many instances of each status, in the order of their ids. */
function selectEach({ operation, toVersion, filter }: Selecting, fields: string, limit: number, bounds: Bounds | null) {
  const where = new Filter();
  const statuses = where.parameter(jobStatusesOf(operation, filter.status));
  where.always('i.status = s.status');
  addConditions(where, filter);
  where.add((value) => `i.definition_version <> ${value}`, toVersion ?? undefined);
  if (bounds !== null) {
    where.add((value) => `i.id > ${value}`, bounds.after ?? undefined);
    where.add((value) => `i.id <= ${value}`, bounds.upTo);
    where.add((value) => `i.created_at <= ${instant(value)}`, bounds.createdAt === undefined ? undefined : bounds.createdAt + JOB_CLOCK_MS);
  }
  const most = where.parameter(limit);
  const text = `SELECT picked.* FROM unnest(${statuses}::text[]) AS s (status)
    CROSS JOIN LATERAL (SELECT ${fields} FROM instance i ${where.sql} ORDER BY i.id LIMIT ${most}) AS picked`;
  return { text, values: where.values, most };
}

/** The next ones behind the job's cursor. */
export async function nextInstances(on: Queryable, job: Job, limit: number): Promise<readonly InstanceId[]> {
  const { cursor, highestId, createdAt } = job;
  if (highestId === null) return [];
  return await idsOf(on, job, limit, { after: cursor, upTo: highestId, createdAt });
}

export async function idsOf(on: Queryable, selecting: Selecting, limit: number, bounds: Bounds): Promise<readonly InstanceId[]> {
  const { text, values, most } = selectEach(selecting, 'i.id', limit, bounds);
  const { rows } = await on.query<{ id: InstanceId }>(`${text} ORDER BY picked.id LIMIT ${most}`, values);
  return rows.map(({ id }) => id);
}

export async function countSelected(on: Queryable, selecting: Selecting): Promise<JobSelection> {
  const { text, values } = selectEach(selecting, 'i.id', selectedMax + 1, null);
  const { rows } = await on.query<{ count: number }>(`SELECT count(*)::float8 AS count FROM (${text}) AS selected`, values);
  const count = rows[0]?.count ?? 0;
  return { selected: Math.min(count, selectedMax), isMore: count > selectedMax };
}

export async function sampleOf(on: Queryable, selecting: Selecting, limit: number): Promise<readonly InstanceRow[]> {
  const { text, values, most } = selectEach(selecting, rowFields, limit, null);
  const { rows } = await on.query<InstanceRow>(`${text} ORDER BY picked."instanceId" LIMIT ${most}`, values);
  return rows;
}
