/** Reads history, with payloads. A page ends where it holds enough; `verify` reads the whole. */
import type { InstanceId } from '../../../core/ids.ts';
import type { HistoryEntry } from '../../../core/instance/step.ts';
import type { Json } from '../../../core/json.ts';
import type { HistoryPage } from '../../instance-queries.ts';
import { pageBytesMax, valueBytesMax } from '../../page-limits.ts';
import { payloadSeqOf, restoreEntry, restoreHistory, type StoredEntry, seqsOfHistory } from '../../stored/history.ts';
import { readPayloadsInto } from '../../stored/payloads.ts';
import { translating } from '../connection/errors.ts';
import type { Pool } from '../connection/pools.ts';
import { bytesOf, readBoundedPayloads, valueAt } from './bounded-payloads.ts';

type Row = { readonly entries: readonly StoredEntry[]; readonly bytes: number; readonly rows: number };

const pageStatement = {
  name: 'history',
  // A row has at least one entry, so as many rows as entries are wanted are enough.
  text: `SELECT entries, bytes, rows FROM (
      SELECT last_seq, entries, octet_length(entries::text) AS bytes, row_number() OVER oldest AS n, count(*) OVER ()::int4 AS rows,
        sum(octet_length(entries::text)) OVER oldest AS total
      FROM (SELECT last_seq, entries FROM history WHERE instance_id = $1 AND last_seq > $2 ORDER BY last_seq LIMIT $3) AS h
      WINDOW oldest AS (ORDER BY last_seq)) AS page
    WHERE n = 1 OR total <= $4 ORDER BY last_seq`,
};

export async function history(
  pool: Pool,
  instanceId: InstanceId,
  afterSeq: number,
  limit: number,
  bytesMax = pageBytesMax,
): Promise<HistoryPage> {
  const { rows } = await translating(() => pool.query<Row>({ ...pageStatement, values: [instanceId, afterSeq, limit + 1, bytesMax] }));
  const found = rows.flatMap((row) => row.entries).filter(({ seq }) => seq > afterSeq);
  const wanted = found.slice(0, limit);
  const [first] = wanted;
  if (first === undefined) return { entries: [], hasMore: false };
  const bounds = { eachBytesMax: valueBytesMax, totalBytesMax: bytesMax, first: new Set(seqsOfHistory([first])).size };
  const payloads = await readBoundedPayloads(pool, instanceId, [...new Set(seqsOfHistory(wanted))], bounds);
  const entries: HistoryPage['entries'][number][] = [];
  let bytes = rows.reduce((sum, row) => sum + row.bytes, 0);
  for (const entry of wanted) {
    const seq = payloadSeqOf(entry);
    const size = bytesOf(payloads, seq);
    if (entries.length > 0 && size <= valueBytesMax && bytes + size > bytesMax) break;
    const payload = valueAt(payloads, seq, valueBytesMax);
    if (payload !== undefined) bytes += size;
    entries.push(payload === undefined ? { ...restoreEntry(entry, null), omitted: true } : restoreEntry(entry, payload));
  }
  const isCut = rows.length < (rows[0]?.rows ?? 0);
  return { entries, hasMore: isCut || entries.length < found.length };
}

type WholeRow = { readonly entries: readonly StoredEntry[]; readonly payloads: { readonly [seq: string]: Json } | null };

const wholeStatement = {
  name: 'full-history',
  text: 'SELECT entries, payloads FROM history WHERE instance_id = $1 ORDER BY last_seq',
};

export async function fullHistory(pool: Pool, instanceId: InstanceId): Promise<readonly HistoryEntry[]> {
  const { rows } = await translating(() => pool.query<WholeRow>({ ...wholeStatement, values: [instanceId] }));
  const payloads = new Map<number, Json>();
  for (const row of rows) readPayloadsInto(payloads, row.payloads);
  return restoreHistory(
    rows.flatMap((row) => row.entries),
    payloads,
  );
}
