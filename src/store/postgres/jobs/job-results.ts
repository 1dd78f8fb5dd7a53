/**
 * Results of a job's commands, refused ones first, then by instance. Those that were refused after the first page was read stay where they
 * would have stood, so that no page shows one twice or leaves one out.
 */
import type { EpochMs, InstanceId, JobId } from '../../../core/ids.ts';
import { decodeCursor, encodeCursor, patterns } from '../../cursor.ts';
import type { Page } from '../../definition-store.ts';
import type { CommandResult } from '../../instance-store.ts';
import type { JobResult } from '../../jobs.ts';
import type { CommandRow } from '../commands.ts';
import { commandResultFields, resultOf } from '../commands.ts';
import { translating } from '../connection/errors.ts';
import type { Pool } from '../connection/pools.ts';
import { databaseNow, instant } from '../sql/times.ts';

type Row = CommandRow & { readonly commandId: JobResult['commandId']; readonly instanceId: InstanceId };

/** 0: refused before the time of the first page. 1: all others. */
type Rank = 0 | 1;

const list = 'job-results';
const positions = [patterns.integer, /^[01]$/, patterns.uuid] as const;
const NO_ID = '00000000-0000-0000-0000-000000000000';

export async function jobResults(
  pool: Pool,
  jobId: JobId,
  status: CommandResult['status'] | null,
  limit: number,
  cursor: string | null,
): Promise<Page<JobResult>> {
  return await translating(async () => {
    const [at, rank, id] = cursor === null ? [null, '0', NO_ID] : decodeCursor(list, cursor, positions);
    const asOf = at === null || at === undefined ? await databaseNow(pool) : Number(at);
    const found: { readonly rank: Rank; readonly row: Row }[] = [];
    for (const part of [0, 1] as const) {
      if (part < Number(rank) || found.length > limit) continue;
      const after = part === Number(rank) ? (id ?? NO_ID) : NO_ID;
      const rows = await ofRank(pool, { jobId, status, rank: part, asOf, after, limit: limit + 1 - found.length });
      found.push(...rows.map((row) => ({ rank: part, row })));
    }
    const kept = found.slice(0, limit);
    const last = kept.at(-1);
    return {
      items: kept.map(({ row }) => ({ commandId: row.commandId, instanceId: row.instanceId, result: resultOf(row) })),
      nextCursor: found.length > limit && last !== undefined ? encodeCursor(list, [asOf, last.rank, last.row.instanceId]) : null,
    };
  });
}

type Wanted = {
  readonly jobId: JobId;
  readonly status: CommandResult['status'] | null;
  readonly rank: Rank;
  readonly asOf: EpochMs;
  readonly after: string;
  readonly limit: number;
};

async function ofRank(pool: Pool, { jobId, status, rank, asOf, after, limit }: Wanted): Promise<readonly Row[]> {
  const statuses = status === null ? ['refused', ...(rank === 0 ? [] : ['pending', 'applied'])] : [status];
  const { rows } = await pool.query<Row>({
    name: `job-results-${rank}`,
    text: `SELECT picked.* FROM unnest($2::text[]) AS s (status) CROSS JOIN LATERAL (
        SELECT c.id AS "commandId", c.instance_id AS "instanceId", ${commandResultFields('c')} FROM command c
        WHERE c.job_id = $1 AND c.status = s.status AND c.instance_id > $3
          AND ${rank === 0 ? '' : 'NOT '}(c.status = 'refused' AND c.result_at < ${instant('$4')})
        ORDER BY c.instance_id LIMIT $5) AS picked
      ORDER BY picked."instanceId" LIMIT $5`,
    values: [jobId, statuses, after, asOf, limit],
  });
  return rows;
}
