/** Dead letters, copied from their topic into the table that people read: each once, by its partition and offset. */

import { decodeCursor, pageOf, patterns } from '../cursor.ts';
import type { Page } from '../definition-store.ts';
import type { DeadLetterRow, ListedDeadLetter } from '../instance-queries.ts';
import type { NewDeadLetter } from '../instance-store.ts';
import { listedBytesMax } from '../page-limits.ts';
import { translating } from './connection/errors.ts';
import type { Pool } from './connection/pools.ts';
import { Columns } from './sql/columns.ts';
import { epochMs } from './sql/times.ts';

type Header = { readonly key: string; readonly value: string };

const columns = new Columns<NewDeadLetter>((of) => [
  of('dead_letter_partition', 'int4', ({ partition }) => partition),
  of('dead_letter_offset', 'int8', ({ offset }) => BigInt(offset)),
  of('code', 'text', ({ code }) => code),
  of('reason', 'text', ({ reason }) => reason),
  of('original_topic', 'text', ({ original }) => original.topic),
  of('original_partition', 'int4', ({ original }) => original.partition),
  of('original_offset', 'int8', ({ original }) => BigInt(original.offset)),
  of('key', 'bytea', ({ original }) => original.key),
  of('value', 'bytea', ({ original }) => original.value),
  of('headers', 'json', ({ original }) => headersText(original)),
  of('instance_id', 'text', ({ instanceId }) => instanceId),
  of('dead_lettered_at', 'timestamptz', ({ at }) => at),
  of('omitted', 'text', ({ omitted }) => omitted),
]);

const save = {
  name: 'save-dead-letters',
  text: `INSERT INTO dead_letter (dead_letter_partition, dead_letter_offset, code, reason, original_topic, original_partition, original_offset,
      key, value, headers, instance_id, dead_lettered_at, omitted)
    SELECT dead_letter_partition, dead_letter_offset, code, reason, original_topic, original_partition, original_offset,
      key, value, headers, instance_id, dead_lettered_at, omitted
    FROM ${columns.unnest('l', 1)} ORDER BY dead_letter_partition, dead_letter_offset ON CONFLICT (dead_letter_partition, dead_letter_offset) DO NOTHING`,
};

function headersText({ headers }: NewDeadLetter['original']): string {
  return JSON.stringify(headers.map(({ key, value }): Header => ({ key, value: value.toString('base64') })));
}

export async function saveDeadLetters(pool: Pool, deadLetters: readonly NewDeadLetter[]): Promise<void> {
  if (deadLetters.length === 0) return;
  await translating(() => pool.query({ ...save, values: columns.encode(deadLetters) }));
}

const plainFields = `id, code, reason, original_topic AS topic, original_partition AS partition, original_offset AS "offset",
  instance_id AS "instanceId", ${epochMs('dead_lettered_at')} AS at, status, omitted`;
const fields = `${plainFields}, key, value, headers`;
// Cut by the database, so that a page of large dead letters stays small.
const listedFields = `${plainFields}, substring(key FROM 1 FOR ${listedBytesMax}) AS key, substring(value FROM 1 FOR ${listedBytesMax}) AS value,
  coalesce(octet_length(value), 0) AS "valueBytes",
  CASE WHEN octet_length(headers::text) > ${2 * listedBytesMax} THEN '[]'::json ELSE headers END AS headers`;
type Stored<Letter> = Omit<Letter, 'headers'> & { readonly headers: readonly Header[] };

function headersOf(headers: readonly Header[]): DeadLetterRow['headers'] {
  return headers.map(({ key, value }) => ({ key, value: Buffer.from(value, 'base64') }));
}

const list = 'dead-letters';

export async function deadLetters(
  pool: Pool,
  status: DeadLetterRow['status'],
  limit: number,
  cursor: string | null,
): Promise<Page<ListedDeadLetter>> {
  const before = cursor === null ? null : (decodeCursor(list, cursor, [patterns.integer])[0] ?? null);
  const { rows } = await translating(() =>
    pool.query<Stored<ListedDeadLetter>>({
      name: 'dead-letters',
      text: `SELECT ${listedFields} FROM dead_letter WHERE status = $1 AND id < coalesce($2::bigint, 9223372036854775807) ORDER BY id DESC LIMIT $3`,
      values: [status, before, limit + 1],
    }),
  );
  return pageOf(
    rows,
    limit,
    list,
    ({ id }) => [id],
    (row) => ({ ...row, headers: headersOf(row.headers) }),
  );
}

export async function deadLetter(pool: Pool, id: string): Promise<DeadLetterRow | null> {
  const { rows } = await translating(() =>
    pool.query<Stored<DeadLetterRow>>({ name: 'dead-letter', text: `SELECT ${fields} FROM dead_letter WHERE id = $1`, values: [id] }),
  );
  const [row] = rows;
  return row === undefined ? null : { ...row, headers: headersOf(row.headers) };
}

export async function closeDeadLetter(pool: Pool, id: string, status: 'replayed' | 'discarded', by: string): Promise<boolean> {
  const { rowCount } = await translating(() =>
    pool.query({
      name: 'close-dead-letter',
      text: `UPDATE dead_letter SET status = $2, closed_by = $3, closed_at = now() WHERE id = $1 AND status = 'open'`,
      values: [id, status, by],
    }),
  );
  return (rowCount ?? 0) > 0;
}
