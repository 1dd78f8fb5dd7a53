/** Keyset pages of rows in memory. */
import { decodeCursor, pageOf } from '../cursor.ts';
import type { Page } from '../definition-store.ts';

type Value = string | number;

export type List<Row> = {
  readonly name: string;
  readonly patterns: readonly RegExp[];
  /** Where a row stands: numbers and strings, compared in their order. */
  readonly position: (row: Row) => readonly Value[];
  readonly order: 'ascending' | 'descending';
};

export function page<Row, Item>(
  { name, patterns, position, order }: List<Row>,
  rows: readonly Row[],
  limit: number,
  cursor: string | null,
  itemOf: (row: Row) => Item,
): Page<Item> {
  const direction = order === 'ascending' ? 1 : -1;
  const after = cursor === null ? null : decodeCursor(name, cursor, patterns);
  const left = rows
    .filter((row) => after === null || compare(position(row), after) * direction > 0)
    .sort((a, b) => compare(position(a), position(b)) * direction);
  return pageOf(left.slice(0, limit + 1), limit, name, position, itemOf);
}

function compare(a: readonly Value[], b: readonly Value[]): number {
  for (const [index, value] of a.entries()) {
    const other = b[index] ?? '';
    const order = typeof value === 'number' ? value - Number(other) : value < String(other) ? -1 : value > String(other) ? 1 : 0;
    if (order !== 0) return order;
  }
  return 0;
}
