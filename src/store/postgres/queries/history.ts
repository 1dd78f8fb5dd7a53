/** Reads history, with payloads. Payloads of older entries are read by a second statement. */
import type { InstanceId } from '../../../core/ids.ts';
import type { HistoryEntry } from '../../../core/instance/step.ts';
import type { Json } from '../../../core/json.ts';
import { restoreHistory, type StoredEntry, seqsOfHistory } from '../../stored/history.ts';
import { readPayloadsInto } from '../../stored/payloads.ts';
import { translating } from '../connection/errors.ts';
import type { Pool } from '../connection/pools.ts';
import { readPayloads } from '../instances/payloads.ts';

type Row = { readonly entries: readonly StoredEntry[]; readonly payloads: { readonly [seq: string]: Json } | null };

const statement = {
  name: 'history',
  // A row has at least one entry, so as many rows as entries are wanted are enough.
  text: 'SELECT entries, payloads FROM history WHERE instance_id = $1 AND last_seq > $2 ORDER BY last_seq LIMIT $3',
};

const ALL = 2_147_483_647;

export async function history(pool: Pool, instanceId: InstanceId, afterSeq: number, limit: number): Promise<readonly HistoryEntry[]> {
  const { rows } = await translating(() => pool.query<Row>({ ...statement, values: [instanceId, afterSeq, limit] }));
  const [first] = rows;
  if (first === undefined) return [];
  const entries = rows
    .flatMap((row) => row.entries)
    .filter(({ seq }) => seq > afterSeq)
    .slice(0, limit);
  const payloads = new Map<number, Json>();
  for (const row of rows) readPayloadsInto(payloads, row.payloads);
  const begin = first.entries[0]?.seq ?? 0;
  const older = seqsOfHistory(entries).filter((seq) => seq < begin);
  for (const [seq, payload] of (await readPayloads(pool, [{ instanceId, seqs: older }])).get(instanceId) ?? []) payloads.set(seq, payload);
  return restoreHistory(entries, payloads);
}

export async function fullHistory(pool: Pool, instanceId: InstanceId): Promise<readonly HistoryEntry[]> {
  return await history(pool, instanceId, 0, ALL);
}
