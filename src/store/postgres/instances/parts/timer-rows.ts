/** Timers: armed and disarmed. */

import type { TransitionRows } from '../../../stored/transition-rows.ts';
import { Columns } from '../../sql/columns.ts';
import { part } from './part.ts';

const armedColumns = new Columns<TransitionRows['armed'][number]>((of) => [
  of('instance_id', 'uuid', ({ instanceId }) => instanceId),
  of('timer_id', 'text', ({ timerId }) => timerId),
  of('partition', 'int4', ({ partition }) => partition),
  of('kind', 'text', ({ kind }) => kind),
  of('path', 'text', ({ path }) => path),
  of('attempt', 'int4', ({ attempt }) => attempt),
  of('due_at', 'timestamptz', ({ dueAt }) => dueAt),
]);
const disarmedColumns = new Columns<TransitionRows['disarmed'][number]>((of) => [
  of('instance_id', 'uuid', ({ instanceId }) => instanceId),
  of('timer_id', 'text', ({ timerId }) => timerId),
]);
export const armTimers = part(
  'armed_timers',
  armedColumns,
  (rows) => rows.armed,
  (first, winners) => `INSERT INTO timer (instance_id, timer_id, partition, kind, path, attempt, due_at)
    SELECT a.instance_id, a.timer_id, a.partition, a.kind, a.path, a.attempt, a.due_at
    FROM ${armedColumns.unnest('a', first)} JOIN ${winners} w ON w.id = a.instance_id
    ON CONFLICT (instance_id, timer_id) DO UPDATE
      SET attempt = excluded.attempt, due_at = excluded.due_at, armed_at = excluded.armed_at, original_due_at = NULL`,
);

export const disarmTimers = part(
  'disarmed_timers',
  disarmedColumns,
  (rows) => rows.disarmed,
  (first, winners) => `DELETE FROM timer t USING ${disarmedColumns.unnest('d', first)} JOIN ${winners} w ON w.id = d.instance_id
    WHERE t.instance_id = d.instance_id AND t.timer_id = d.timer_id`,
);
