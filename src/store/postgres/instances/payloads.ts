/** Payloads, read from the history rows of the batches that brought them. */
import type { InstanceId } from '../../../core/ids.ts';
import type { Json } from '../../../core/json.ts';
import { type Payloads, readPayloadsInto, type StoredPayloads } from '../../stored/payloads.ts';
import { translating } from '../connection/errors.ts';
import type { Queryable } from '../connection/pools.ts';
import { int4Array, uuidArray } from '../sql/binary-array.ts';

const statement = {
  name: 'payloads',
  // A history row is found by its last entry: the first row whose last entry is not before the one that is wanted.
  text: `SELECT h.instance_id AS "instanceId", h.payloads FROM (
      SELECT DISTINCT k.instance_id, found.last_seq FROM unnest($1::uuid[], $2::int4[]) AS k (instance_id, seq)
      CROSS JOIN LATERAL (SELECT b.last_seq FROM history b WHERE b.instance_id = k.instance_id AND b.last_seq >= k.seq
        ORDER BY b.last_seq LIMIT 1) AS found) AS batch
    JOIN history h ON h.instance_id = batch.instance_id AND h.last_seq = batch.last_seq WHERE h.payloads IS NOT NULL`,
};

type Row = { readonly instanceId: InstanceId; readonly payloads: StoredPayloads };

/**
 * Payloads that are null were never stored, and are missing from the answer.
 * @param found those that are known already; the others are added.
 */
export async function readPayloads(
  on: Queryable,
  wanted: readonly { readonly instanceId: InstanceId; readonly seqs: readonly number[] }[],
  found = new Map<InstanceId, Map<number, Json>>(),
): Promise<ReadonlyMap<InstanceId, Payloads>> {
  const pairs = wanted.flatMap(({ instanceId, seqs }) => seqs.map((seq) => ({ instanceId, seq })));
  if (pairs.length === 0) return found;
  const ids = uuidArray(pairs.map(({ instanceId }) => instanceId));
  const { rows } = await translating(() => on.query<Row>({ ...statement, values: [ids, int4Array(pairs.map(({ seq }) => seq))] }));
  for (const { instanceId, payloads } of rows) {
    let known = found.get(instanceId);
    if (known === undefined) {
      known = new Map();
      found.set(instanceId, known);
    }
    readPayloadsInto(known, payloads);
  }
  return found;
}

export const noPayloads: Payloads = new Map();
