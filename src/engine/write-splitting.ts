/** Writes many things in one transaction, although the database may refuse one of them. */
import { isCausedByOneMessage } from './error-scope.ts';

export type Refused<Item> = { readonly item: Item; readonly error: unknown };

/**
 * When the database refuses a batch, it is halved, until each refused item is alone: two refused items of a thousand cost about
 * forty transactions. The order of the items is kept.
 * @param write one transaction; writes all of what it is given, or nothing.
 * @returns what the database refuses. Throws what no single item causes: the database is away.
 */
export async function writeSplitting<Item>(
  items: readonly Item[],
  write: (items: readonly Item[]) => Promise<void>,
): Promise<readonly Refused<Item>[]> {
  const [first] = items;
  if (first === undefined) return [];
  try {
    await write(items);
    return [];
  } catch (error) {
    if (!isCausedByOneMessage(error)) throw error;
    if (items.length === 1) return [{ item: first, error }];
    const middle = items.length >> 1;
    const before = await writeSplitting(items.slice(0, middle), write);
    return [...before, ...(await writeSplitting(items.slice(middle), write))];
  }
}
