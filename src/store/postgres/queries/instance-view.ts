/** One instance in one snapshot: as people are shown it, and whole; and the instance that an idempotency key has started. */
import type { InstanceId } from '../../../core/ids.ts';
import type { Json } from '../../../core/json.ts';
import type { EarlierStart, FoundInstance, InstanceRow, InstanceView, PendingCommand } from '../../instance-queries.ts';
import { pendingMax, valueBytesMax } from '../../page-limits.ts';
import { readScope, readState } from '../../stored/short-form.ts';
import { INPUT_SEQ, itemSeqsOf, restoreState } from '../../stored/state.ts';
import { translating } from '../connection/errors.ts';
import type { Pool } from '../connection/pools.ts';
import { restoreInstances, type StateRow, stateFields } from '../instances/load.ts';
import { int4Array, uuidArray } from '../sql/binary-array.ts';
import { newMark, withoutEscapes } from '../sql/escapes.ts';
import { epochMs } from '../sql/times.ts';
import { readBoundedPayloads, valueAt } from './bounded-payloads.ts';
import { rowFields } from './instance-list.ts';

type ViewRow = StateRow & InstanceRow & { pending: readonly PendingCommand[] | null };

async function readView(pool: Pool, instanceId: InstanceId): Promise<ViewRow | null> {
  const { rows } = await translating(() =>
    pool.query<ViewRow>({
      name: 'get-instance',
      text: `SELECT ${stateFields}, ${rowFields}, (
          SELECT json_agg(json_build_object('commandId', c.id, 'type', c.type, 'path', c.path, 'by', c.issued_by, 'at', ${epochMs('c.issued_at')})
            ORDER BY c.issued_at, c.id)
          FROM (SELECT * FROM command p WHERE p.instance_id = i.id AND p.status = 'pending'
            ORDER BY p.issued_at, p.id LIMIT ${pendingMax}) AS c) AS pending
        FROM instance i WHERE i.id = $1`,
      values: [instanceId],
    }),
  );
  return rows[0] ?? null;
}

function viewOf(found: ViewRow, state: InstanceView['state']): InstanceView {
  const { instanceId, definitionId, definitionVersion, businessKey, status, createdAt, updatedAt, version, pending } = found;
  const row = { instanceId, definitionId, definitionVersion, businessKey, status, createdAt, updatedAt };
  return { row, version, state, pending: pending ?? [] };
}

/** Of the payloads, only what an instance shows: its own, and how many items its loops have. */
export async function getInstance(pool: Pool, instanceId: InstanceId): Promise<InstanceView | null> {
  const found = await readView(pool, instanceId);
  if (found === null) return null;
  const { outputSeq } = found;
  const state = readState(found.state);
  const scopes = (found.scopes ?? []).map(readScope);
  const own = outputSeq === null ? [INPUT_SEQ] : [INPUT_SEQ, outputSeq];
  const bounds = { eachBytesMax: valueBytesMax, totalBytesMax: valueBytesMax, first: own.length };
  const loops = [state.root, ...scopes.map(({ scope }) => scope)].flatMap(itemSeqsOf);
  const [read, counts] = await Promise.all([
    readBoundedPayloads(pool, instanceId, [...new Set(own)], bounds),
    countItems(pool, instanceId, loops),
  ]);
  const payloads = new Map<number, Json>(counts.map(({ seq, items }) => [seq, new Array<null>(items).fill(null)]));
  for (const seq of own) payloads.set(seq, valueAt(read, seq, valueBytesMax) ?? null);
  return viewOf(found, restoreState(instanceId, state, outputSeq, payloads, scopes));
}

export async function getWholeInstance(pool: Pool, instanceId: InstanceId): Promise<InstanceView | null> {
  const found = await readView(pool, instanceId);
  if (found === null) return null;
  const whole = (await restoreInstances(pool, [found])).get(instanceId);
  return whole === undefined ? null : viewOf(found, whole.state);
}

async function countItems(pool: Pool, instanceId: InstanceId, seqs: readonly number[]) {
  if (seqs.length === 0) return [];
  const { rows } = await translating(() =>
    pool.query<{ seq: number; items: number }>({
      name: 'count-items',
      text: `SELECT k.seq, json_array_length(found.items) AS items FROM unnest($2::int4[]) AS k (seq)
        CROSS JOIN LATERAL (SELECT (${withoutEscapes('h.payloads', '$3')}) -> k.seq::text AS items FROM history h WHERE h.instance_id = $1 AND h.last_seq >= k.seq
          ORDER BY h.last_seq LIMIT 1) AS found WHERE json_typeof(found.items) = 'array'`,
      values: [instanceId, int4Array(seqs), newMark()],
    }),
  );
  return rows;
}

export async function findInstance(pool: Pool, instanceId: InstanceId): Promise<FoundInstance | null> {
  const { rows } = await translating(() =>
    pool.query<InstanceRow & { seq: number }>({
      name: 'find-instance',
      // The state has it too, but may hold what Postgres cannot take apart (sql/escapes.ts).
      text: `SELECT ${rowFields}, (SELECT max(h.last_seq) FROM history h WHERE h.instance_id = i.id) AS seq FROM instance i WHERE i.id = $1`,
      values: [instanceId],
    }),
  );
  const [found] = rows;
  if (found === undefined) return null;
  const { seq, ...row } = found;
  return { row, seq };
}

export async function versionsOf(pool: Pool, instanceIds: readonly InstanceId[]): Promise<ReadonlyMap<InstanceId, number>> {
  const { rows } = await translating(() =>
    pool.query<{ id: InstanceId; version: number }>({
      name: 'versions-of-instances',
      text: 'SELECT i.id, i.version FROM unnest($1::uuid[]) AS w (id) JOIN instance i ON i.id = w.id',
      values: [uuidArray(instanceIds)],
    }),
  );
  return new Map(rows.map(({ id, version }) => [id, version]));
}

export async function startByKey(pool: Pool, definitionId: string, key: string): Promise<EarlierStart | null> {
  const { rows } = await translating(() =>
    pool.query<EarlierStart>({
      name: 'start-by-key',
      text: `SELECT instance_id AS "instanceId", definition_version AS "definitionVersion", body_hash AS "bodyHash"
        FROM idempotency WHERE definition_id = $1 AND key = $2`,
      values: [definitionId, key],
    }),
  );
  return rows[0] ?? null;
}
