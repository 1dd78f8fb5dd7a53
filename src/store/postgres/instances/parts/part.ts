/**
 * A part of the statements that `start` and `apply` share: a named CTE with parameters of its own, which writes only for the
 * instances that the CTE `winners` holds by their `id` (inserted, or first at the version check).
 */

import type { InParts } from '../../../../core/parts.ts';
import type { TransitionRows } from '../../../stored/transition-rows.ts';
import type { Columns } from '../../sql/columns.ts';

export type Part = {
  readonly name: string;
  /** @param first number of the part's first parameter. */
  readonly sql: (first: number, winners: string) => string;
  /** How many parameters it has. */
  readonly count: number;
  readonly values: (rows: TransitionRows) => InParts<Buffer[]>;
};

export function part<Row>(name: string, columns: Columns<Row>, pick: (rows: TransitionRows) => readonly Row[], sql: Part['sql']): Part {
  return { name, sql, count: columns.count, values: (rows) => columns.encodeInParts(pick(rows)) };
}

/** A part that works on the rows that another part returns. */
export function partWithoutParameters(name: string, sql: string): Part {
  return { name, sql: () => sql, count: 0, values: noValues };
}

/** `, name AS (…), other_name AS (…)`. @param first number of the first parameter. */
export function partsSql(parts: readonly Part[], first: number, winners: string): string {
  let next = first;
  let sql = '';
  for (const { name, sql: textOf, count } of parts) {
    sql += `,\n  ${name} AS (${textOf(next, winners)})`;
    next += count;
  }
  return sql;
}

export function* partsValues(parts: readonly Part[], rows: TransitionRows): InParts<Buffer[]> {
  const all: Buffer[] = [];
  for (const { values } of parts) all.push(...(yield* values(rows)));
  return all;
}

// biome-ignore lint/correctness/useYield: it has one part.
function* noValues(): InParts<Buffer[]> {
  return [];
}
