/** Payloads of one instance, read as far as they fit: those that are too large are not sent by the database, only measured. */
import type { InstanceId } from '../../../core/ids.ts';
import type { PayloadSeq } from '../../../core/instance/state/state.ts';
import type { Json } from '../../../core/json.ts';
import { payloadAt, seqsIn } from '../../stored/payloads.ts';
import { translating } from '../connection/errors.ts';
import type { Pool } from '../connection/pools.ts';
import { int4Array } from '../sql/binary-array.ts';
import { bytesWithEscapes, newMark, parseMarked, withoutEscapes } from '../sql/escapes.ts';

/** `payload` is absent where it did not fit. */
type Found = { readonly bytes: number; readonly payload?: Json };

/** By the number of their entry. A payload that is null is not stored, and not found. */
export type BoundedPayloads = ReadonlyMap<number, Found>;

export type PayloadBounds = {
  /** Of one payload. */
  readonly eachBytesMax: number;
  /** Of all together, in their order, those that `first` counts beside it. */
  readonly totalBytesMax: number;
  readonly first: number;
};

const statement = {
  name: 'bounded-payloads',
  // A history row is found by its last entry, and taken apart once however many of its payloads are wanted.
  text: `WITH wanted AS (SELECT k.seq, k.ord FROM unnest($2::int4[]) WITH ORDINALITY AS k (seq, ord)),
      batch AS (SELECT DISTINCT found.last_seq FROM wanted CROSS JOIN LATERAL (SELECT b.last_seq FROM history b
        WHERE b.instance_id = $1 AND b.last_seq >= wanted.seq ORDER BY b.last_seq LIMIT 1) AS found),
      measured AS (SELECT w.seq, w.ord, p.value, ${bytesWithEscapes('p.value', '$6')} AS bytes FROM batch
        JOIN history h ON h.instance_id = $1 AND h.last_seq = batch.last_seq
        CROSS JOIN LATERAL json_each(${withoutEscapes('h.payloads', '$6')}) AS p
        JOIN wanted w ON w.seq = p.key::int4 WHERE h.payloads IS NOT NULL),
      summed AS (SELECT seq, ord, value, bytes, sum(bytes) FILTER (WHERE bytes <= $3) OVER (ORDER BY ord) AS total FROM measured)
    SELECT seq, bytes, CASE WHEN bytes <= $3 AND (ord <= $5 OR total <= $4) THEN value::text END AS found FROM summed`,
};

/** @param seqs each once, those that matter most first. */
export async function readBoundedPayloads(
  pool: Pool,
  instanceId: InstanceId,
  seqs: readonly number[],
  { eachBytesMax, totalBytesMax, first }: PayloadBounds,
): Promise<BoundedPayloads> {
  if (seqs.length === 0) return new Map();
  const mark = newMark();
  const values = [instanceId, int4Array(seqs), eachBytesMax, totalBytesMax, first, mark];
  const { rows } = await translating(() => pool.query<{ seq: number; bytes: number; found: string | null }>({ ...statement, values }));
  return new Map(rows.map(({ seq, bytes, found }) => [seq, found === null ? { bytes } : { bytes, payload: parseMarked(found, mark) }]));
}

/** Bytes of a value that is made of payloads. */
export function bytesOf(payloads: BoundedPayloads, seq: PayloadSeq | null): number {
  return seqsIn(seq).reduce((sum, each) => sum + (payloads.get(each)?.bytes ?? 0), 0);
}

/** undefined: it is larger than that, or a part of it was not read. */
export function valueAt(payloads: BoundedPayloads, seq: PayloadSeq | null, bytesMax: number): Json | undefined {
  if (bytesOf(payloads, seq) > bytesMax) return undefined;
  const parts = new Map<number, Json>();
  for (const each of seqsIn(seq)) {
    const found = payloads.get(each);
    if (found === undefined) continue;
    if (found.payload === undefined) return undefined;
    parts.set(each, found.payload);
  }
  return payloadAt(parts, seq);
}
