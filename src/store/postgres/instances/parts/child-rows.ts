/** The books: children that were asked for or told something else, and those whose end was heard. */

import { ASK_MS_MIN } from '../../../books.ts';
import type { TransitionRows } from '../../../stored/transition-rows.ts';
import { Columns } from '../../sql/columns.ts';
import { part } from './part.ts';

const bookedColumns = new Columns<TransitionRows['bookedChildren'][number]>((of) => [
  of('parent_id', 'uuid', ({ instanceId }) => instanceId),
  of('child_id', 'uuid', ({ book }) => book.childId),
  of('partition', 'int4', ({ partition }) => partition),
  of('path', 'text', ({ path }) => path),
  of('attempt', 'int4', ({ book }) => book.attempt),
  of('definition_id', 'text', ({ book }) => book.definitionId),
  of('definition_version', 'int4', ({ book }) => book.version),
  of('depth', 'int4', ({ request }) => request.depth),
  of('detached', 'bool', ({ book }) => book.detached),
  of('wish', 'text', ({ book }) => book.wish),
  of('number', 'int4', ({ book }) => book.number),
  of('is_said', 'bool', ({ message }) => message !== null),
]);
const struckColumns = new Columns<TransitionRows['struckChildren'][number]>((of) => [
  of('parent_id', 'uuid', ({ instanceId }) => instanceId),
  of('child_id', 'uuid', ({ childId }) => childId),
]);

export const bookChildren = part(
  'booked_children',
  bookedColumns,
  (rows) => rows.bookedChildren,
  // What was not said with the step is due at once, as if its message had been lost.
  (first, winners) => `INSERT INTO child (parent_id, child_id, partition, parent_kind, path, attempt, definition_id, definition_version,
      depth, detached, wish, number, ask_at, asked)
    SELECT b.parent_id, b.child_id, b.partition, 'instance', b.path, b.attempt, b.definition_id, b.definition_version,
      b.depth, b.detached, b.wish, b.number,
      CASE WHEN b.is_said THEN now() + ${ASK_MS_MIN}::float8 * interval '1 millisecond' ELSE now() END, CASE WHEN b.is_said THEN 0 ELSE -1 END
    FROM ${bookedColumns.unnest('b', first)} JOIN ${winners} w ON w.id = b.parent_id
    ON CONFLICT (parent_id, child_id) DO UPDATE SET wish = excluded.wish, number = excluded.number, ask_at = excluded.ask_at, asked = excluded.asked`,
);

export const strikeChildren = part(
  'struck_children',
  struckColumns,
  (rows) => rows.struckChildren,
  (first, winners) => `DELETE FROM child c USING ${struckColumns.unnest('s', first)} JOIN ${winners} w ON w.id = s.parent_id
    WHERE c.parent_id = s.parent_id AND c.child_id = s.child_id`,
);
