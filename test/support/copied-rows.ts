/** Rows made of one that the engine wrote, for tests that need many: thousands of starts would take longer than the test. */
import type { Pool } from '../../src/store/postgres/index.ts';

/**
 * Copies the row of `table t` that `where` finds, once for each row of `from`, with other values in some columns.
 * @param own SQL by column, which may name columns of `from`.
 */
export async function copyRows(
  pool: Pool,
  table: string,
  { where, from, own }: { readonly where: string; readonly from: string; readonly own: Readonly<Record<string, string>> },
): Promise<void> {
  const { rows } = await pool.query<{ name: string }>(
    `SELECT attname AS name FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''`,
    [table],
  );
  const names = rows.map(({ name }) => name);
  const values = names.map((name) => own[name] ?? `t.${name}`);
  await pool.query(`INSERT INTO ${table} (${names.join(', ')}) SELECT ${values.join(', ')} FROM ${table} t, ${from} WHERE ${where}`);
}
