/** Searching instances, newest first. */
import { firstIdAt, type InstanceId } from '../../../core/ids.ts';
import { decodeCursor, pageOf, patterns } from '../../cursor.ts';
import type { Page } from '../../definition-store.ts';
import type { InstanceFilter, InstanceRow } from '../../instance-queries.ts';
import { translating } from '../connection/errors.ts';
import type { Pool } from '../connection/pools.ts';
import { Filter } from '../sql/filter.ts';
import { storableText } from '../sql/storable-text.ts';
import { epochMs, instant } from '../sql/times.ts';

const DAY_MS = 86_400_000;

/** Columns of one instance `i` that make an `InstanceRow`. */
export const rowFields = `i.id AS "instanceId", i.definition_id AS "definitionId", i.definition_version AS "definitionVersion",
  i.business_key AS "businessKey", i.status, ${epochMs('i.created_at')} AS "createdAt", ${epochMs('i.updated_at')} AS "updatedAt"`;

/** Ids begin with the time at which they were made, so their order is that of the starts. */
export async function listInstances(pool: Pool, filter: InstanceFilter, limit: number, cursor: string | null): Promise<Page<InstanceRow>> {
  const name = 'instances';
  const where = new Filter();
  if (cursor !== null) where.add((value) => `i.id < ${value}`, decodeCursor(name, cursor, [patterns.uuid])[0]);
  where.add((value) => `i.status = ${value}`, filter.status);
  if (filter.incidentCode !== undefined && filter.status === undefined) where.always(mayHaveIncidents);
  addConditions(where, filter);
  const { rows } = await translating(() =>
    pool.query<InstanceRow>(
      `SELECT ${rowFields} FROM instance i ${where.sql} ORDER BY i.id DESC LIMIT ${where.parameter(limit + 1)}`,
      where.values,
    ),
  );
  return pageOf(
    rows,
    limit,
    name,
    ({ instanceId }) => [instanceId],
    (row) => row,
  );
}

/** Few instances retry as a rule: the search begins at their timers then, by an index of these alone, and not at all instances. */
const isRetrying = `EXISTS (SELECT FROM timer t WHERE t.instance_id = i.id AND t.kind = 'retry')`;

/** By an index that a step changes only when it raises or ends an incident. */
function hasIncident(code: string): string {
  return `i.id IN (SELECT n.instance_id FROM incident n WHERE n.code = ${code})`;
}

/** A row may be left of an instance that a process of an older version moved on. */
const mayHaveIncidents = `i.status IN ('incident', 'paused')`;

/** All of the filter but the status. */
export function addConditions(where: Filter, filter: Omit<InstanceFilter, 'status'>): void {
  where.add((value) => `i.definition_id = ${value}`, filter.definition);
  where.add((value) => `i.definition_version = ${value}`, filter.version);
  where.add((value) => `i.business_key = ${value}`, filter.businessKey === undefined ? undefined : storableText(filter.businessKey));
  where.add((value) => `i.parent_id = ${value}`, filter.parent);
  if (filter.retrying !== undefined) where.always(filter.retrying ? isRetrying : `NOT ${isRetrying}`);
  where.add(hasIncident, filter.incidentCode === undefined ? undefined : storableText(filter.incidentCode));
  where.add((value) => `i.created_at >= ${instant(value)}`, filter.startedFrom);
  where.add((value) => `i.created_at < ${instant(value)}`, filter.startedTo);
  // Narrows the range of ids. They come from another clock than `started_at`, which may be wrong by a day.
  where.add((value) => `i.id >= ${value}`, filter.startedFrom === undefined ? undefined : firstIdAt(filter.startedFrom - DAY_MS));
  where.add((value) => `i.id < ${value}`, filter.startedTo === undefined ? undefined : firstIdAt(filter.startedTo + DAY_MS));
}

export async function runningByVersion(pool: Pool, definitionId: string) {
  const { rows } = await translating(() =>
    pool.query<{ version: number; running: number }>(
      `SELECT definition_version AS version, count(*)::float8 AS running FROM instance
        WHERE status IN ('running', 'paused', 'incident', 'ending', 'undoing') AND definition_id = $1 GROUP BY definition_version ORDER BY definition_version DESC`,
      [definitionId],
    ),
  );
  return rows;
}

export async function instanceIds(pool: Pool, after: InstanceId | null, limit: number): Promise<readonly InstanceId[]> {
  const { rows } = await translating(() =>
    pool.query<{ id: InstanceId }>({
      name: 'instance-ids',
      text: `SELECT id FROM instance WHERE id > coalesce($1::uuid, '00000000-0000-0000-0000-000000000000') ORDER BY id LIMIT $2`,
      values: [after, limit],
    }),
  );
  return rows.map(({ id }) => id);
}
