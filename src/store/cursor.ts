/**
 * Opaque cursors of keyset pages: where the last page ended, as the values of the list's order. A cursor names its list, so that a
 * cursor of another list is refused instead of being misread.
 */
import { MillraceError } from '../core/error.ts';
import type { Page } from './definition-store.ts';

type Value = string | number;

export function encodeCursor(list: string, values: readonly Value[]): string {
  return Buffer.from(JSON.stringify([list, ...values])).toString('base64url');
}

/**
 * @param patterns of the values, in their order.
 * @throws MillraceError `MR_CURSOR_INVALID`, not retryable.
 */
export function decodeCursor(list: string, cursor: string, patterns: readonly RegExp[]): string[] {
  const parts = parse(cursor);
  const values = parts.slice(1).map(String);
  const fits =
    parts[0] === list && values.length === patterns.length && patterns.every((pattern, index) => pattern.test(values[index] ?? ''));
  if (!fits) throw new MillraceError('MR_CURSOR_INVALID', 'The cursor does not belong to this list.', { retryable: false });
  return values;
}

function parse(cursor: string): readonly unknown[] {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    return Array.isArray(parsed) ? parsed : [];
  } catch {
    // An invalid cursor has no values, so `decodeCursor` refuses it.
    return [];
  }
}

/** @param rows one more than the page holds, if there are more. */
export function pageOf<Row, Item>(
  rows: readonly Row[],
  limit: number,
  list: string,
  positionOf: (row: Row) => readonly Value[],
  itemOf: (row: Row) => Item,
): Page<Item> {
  const kept = rows.slice(0, limit);
  const last = kept.at(-1);
  return {
    items: kept.map(itemOf),
    nextCursor: rows.length > limit && last !== undefined ? encodeCursor(list, positionOf(last)) : null,
  };
}

export const patterns = {
  uuid: /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/,
  integer: /^-?[0-9]{1,18}$/,
  name: /^[\s\S]{1,2000}$/,
} as const;
