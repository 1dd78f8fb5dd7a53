/** Pages that end where they hold enough bytes, at one item at the earliest. Larger ones never leave the database. */
import { encodeCursor } from '../../cursor.ts';
import type { Page } from '../../definition-store.ts';
import { pageBytesMax } from '../../page-limits.ts';

/** `rows`: how many there were within the limit of the statement. */
export type BoundedRow<Item> = { readonly item: Item; readonly rows: number };

/**
 * @param rows a SELECT of one more row than the page may have.
 * @param order by its columns, the same as its own.
 */
export function boundedPage(rows: string, order: string): string {
  return `SELECT item, rows FROM (
      SELECT row_to_json(found) AS item, row_number() OVER ordered AS n, count(*) OVER ()::int4 AS rows,
        sum(octet_length(row_to_json(found)::text)) OVER ordered AS bytes
      FROM (${rows}) AS found WINDOW ordered AS (ORDER BY ${order})) AS page
    WHERE n = 1 OR bytes <= ${pageBytesMax} ORDER BY n`;
}

export function pageOfBounded<Row, Item>(
  rows: readonly BoundedRow<Row>[],
  limit: number,
  list: string,
  positionOf: (row: Row) => readonly (string | number)[],
  itemOf: (row: Row) => Item,
): Page<Item> {
  const kept = rows.slice(0, limit);
  const last = kept.at(-1);
  return {
    items: kept.map(({ item }) => itemOf(item)),
    nextCursor: last !== undefined && kept.length < last.rows ? encodeCursor(list, positionOf(last.item)) : null,
  };
}
