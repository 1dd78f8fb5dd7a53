/** Event types that deployed versions name. They only grow: an old version may run on for years. */
import { translating } from '../connection/errors.ts';
import type { Pool } from '../connection/pools.ts';
import { storableText } from '../sql/storable-text.ts';

export async function registerEventTypes(pool: Pool, types: readonly string[]): Promise<void> {
  if (types.length === 0) return;
  await translating(() =>
    pool.query('INSERT INTO event_type SELECT unnest($1::text[]) ON CONFLICT DO NOTHING', [[...new Set(types.map(storableText))].sort()]),
  );
}

export async function eventTypes(pool: Pool): Promise<ReadonlySet<string>> {
  const { rows } = await translating(() => pool.query<{ type: string }>({ name: 'event-types', text: 'SELECT type FROM event_type' }));
  return new Set(rows.map(({ type }) => type));
}
