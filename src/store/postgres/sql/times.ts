/** Instants in SQL. The domain counts milliseconds since 1970, which a double holds exactly. */
import type { EpochMs } from '../../../core/ids.ts';
import type { Queryable } from '../connection/pools.ts';

/** An instant as milliseconds; `expression` is a timestamptz or NULL. */
export const epochMs = (expression: string): string => `floor(extract(epoch FROM ${expression}) * 1000)::float8`;

/** The instant that a parameter of milliseconds means, whatever its type would have been inferred as. */
export const instant = (parameter: string): string => `to_timestamp(${parameter}::float8 / 1000)`;

export async function databaseNow(on: Queryable): Promise<EpochMs> {
  const { rows } = await on.query<{ now: number }>({ name: 'now', text: `SELECT ${epochMs('now()')} AS now` });
  return rows[0]?.now ?? 0;
}
