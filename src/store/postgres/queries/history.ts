/** Reads history, with payloads. A page ends where it holds enough; `verify` reads the whole. */
import type { InstanceId } from '../../../core/ids.ts';
import type { HistoryEntry } from '../../../core/instance/step.ts';
import type { Json } from '../../../core/json.ts';
import type { HistoryOptions, HistoryPage } from '../../instance-queries.ts';
import { pageBytesMax, valueBytesMax } from '../../page-limits.ts';
import { payloadSeqOf, restoreEntry, restoreHistory, type StoredEntry, seqsOfHistory } from '../../stored/history.ts';
import { readPayloadsInto } from '../../stored/payloads.ts';
import { lazyEntries, longEntries, type WrittenEntry } from '../../stored/short-history.ts';
import { translating } from '../connection/errors.ts';
import type { Pool } from '../connection/pools.ts';
import { bytesOf, readBoundedPayloads, valueAt } from './bounded-payloads.ts';

type Order = NonNullable<HistoryOptions['order']>;
/** `rows`: how many there were within the limit of the statement. */
type Row = { readonly entries: readonly WrittenEntry[]; readonly rows: number };

/** Behind the last entry of any history. */
const SEQ_END = 2_147_483_647;

// Rows follow each other without gaps, and are found by their last entry.
const bounds: { readonly [Each in Order]: string } = {
  asc: 'last_seq > $2::int4',
  desc: `first_seq < $2::int4 AND last_seq <= coalesce((SELECT b.last_seq FROM history b WHERE b.instance_id = $1 AND b.last_seq >= $2::int4 - 1
        ORDER BY b.last_seq LIMIT 1), $2::int4)`,
};

function pageStatement(order: Order) {
  return {
    name: `history-${order}`,
    // A row has at least one entry, so as many rows as entries are wanted are enough. With types a row may have none after all: its text is
    // searched, which reads rows that are large or have \u0000 in them without taking them apart.
    text: `SELECT entries, rows FROM (
      SELECT last_seq, entries, row_number() OVER in_order AS n, count(*) OVER ()::int4 AS rows,
        sum(octet_length(entries::text)) OVER in_order AS total
      FROM (SELECT last_seq, entries FROM history WHERE instance_id = $1 AND ${bounds[order]}
        AND ($5::text[] IS NULL OR entries::text LIKE ANY ($5)) ORDER BY last_seq ${order} LIMIT $3) AS h
      WINDOW in_order AS (ORDER BY last_seq ${order})) AS page
    WHERE n = 1 OR total <= $4 ORDER BY last_seq ${order}`,
  };
}

const pages: { readonly [Each in Order]: ReturnType<typeof pageStatement> } = { asc: pageStatement('asc'), desc: pageStatement('desc') };

export async function history(
  pool: Pool,
  instanceId: InstanceId,
  from: number | null,
  limit: number,
  options: HistoryOptions = {},
): Promise<HistoryPage> {
  const { bytesMax = pageBytesMax } = options;
  const { found, isMore } = await storedEntries(pool, instanceId, from, limit, { ...options, bytesMax });
  const wanted = found.slice(0, limit);
  const [first] = wanted;
  if (first === undefined) return { entries: [], hasMore: false };
  const payloadBounds = { eachBytesMax: valueBytesMax, totalBytesMax: bytesMax, first: new Set(seqsOfHistory([first])).size };
  const payloads = await readBoundedPayloads(pool, instanceId, [...new Set(seqsOfHistory(wanted))], payloadBounds);
  const entries: HistoryPage['entries'][number][] = [];
  let bytes = 0;
  for (const entry of wanted) {
    const seq = payloadSeqOf(entry);
    const size = bytesOf(payloads, seq);
    const payload = valueAt(payloads, seq, valueBytesMax);
    const isTooLarge = size > valueBytesMax;
    bytes += bytesOfEntry(entry) + (isTooLarge ? 0 : size);
    // What was not read since parts of an earlier one took the room begins the next page.
    if (entries.length > 0 && (bytes > bytesMax || (payload === undefined && !isTooLarge))) break;
    entries.push(payload === undefined ? { ...restoreEntry(entry, null), omitted: true } : restoreEntry(entry, payload));
  }
  return { entries, hasMore: isMore || entries.length < found.length };
}

/** More than `limit`, unless no more are there or these hold enough. */
async function storedEntries(
  pool: Pool,
  instanceId: InstanceId,
  from: number | null,
  limit: number,
  { types, order = 'asc', bytesMax }: HistoryOptions & { readonly bytesMax: number },
): Promise<{ readonly found: readonly StoredEntry[]; readonly isMore: boolean }> {
  const texts = types?.map((type) => `%"type":"${type}"%`) ?? null;
  const found: StoredEntry[] = [];
  let position = from ?? (order === 'asc' ? 0 : SEQ_END);
  for (let bytes = 0; ; ) {
    const values = [instanceId, position, limit + 1, bytesMax, texts];
    const { rows } = await translating(() => pool.query<Row>({ ...pages[order], values }));
    const read = rows.flatMap(({ entries }) => (order === 'asc' ? lazyEntries(entries) : lazyEntries(entries).toReversed()));
    for (const { seq, type, long } of read) {
      const isBehind = order === 'asc' ? seq > position : seq < position;
      if (!isBehind || (types !== undefined && !types.some((wanted) => wanted === type))) continue;
      if (found.length > limit || bytes > bytesMax) return { found, isMore: true };
      const entry = long();
      found.push(entry);
      bytes += bytesOfEntry(entry);
    }
    const there = rows[0]?.rows ?? 0;
    const isMore = rows.length < there || there > limit;
    if (!isMore || found.length > limit || bytes > bytesMax) return { found, isMore };
    position = read.at(-1)?.seq ?? position;
  }
}

function bytesOfEntry(entry: StoredEntry): number {
  return Buffer.byteLength(JSON.stringify(entry));
}

type WholeRow = { readonly entries: readonly WrittenEntry[]; readonly payloads: { readonly [seq: string]: Json } | null };

const wholeStatement = {
  name: 'full-history',
  text: 'SELECT entries, payloads FROM history WHERE instance_id = $1 ORDER BY last_seq',
};

export async function fullHistory(pool: Pool, instanceId: InstanceId): Promise<readonly HistoryEntry[]> {
  const { rows } = await translating(() => pool.query<WholeRow>({ ...wholeStatement, values: [instanceId] }));
  const payloads = new Map<number, Json>();
  for (const row of rows) readPayloadsInto(payloads, row.payloads);
  return restoreHistory(
    rows.flatMap((row) => longEntries(row.entries)),
    payloads,
  );
}
