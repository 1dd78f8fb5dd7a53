/** Waits for events and their subscriptions: opened and closed. The locks of the keys of opened ones are held. */

import type { TransitionRows } from '../../../stored/transition-rows.ts';
import { Columns } from '../../sql/columns.ts';
import { part, partWithoutParameters } from './part.ts';

const openedColumns = new Columns<TransitionRows['openedWaits'][number]>((of) => [
  of('instance_id', 'uuid', ({ instanceId }) => instanceId),
  of('path', 'text', ({ path }) => path),
  of('partition', 'int4', ({ partition }) => partition),
  of('attempt', 'int4', ({ attempt }) => attempt),
  of('remaining', 'int4', ({ count }) => count),
]);
const subscriptionColumns = new Columns<TransitionRows['openedSubscriptions'][number]>((of) => [
  of('instance_id', 'uuid', ({ instanceId }) => instanceId),
  of('path', 'text', ({ path }) => path),
  of('wait_index', 'int4', ({ wait }) => wait),
  of('type', 'text', ({ event }) => event),
  of('key', 'text', ({ key }) => key),
  of('condition', 'json', ({ where }) => (where === null ? null : JSON.stringify(where))),
]);
const closedColumns = new Columns<TransitionRows['closedWaits'][number]>((of) => [
  of('instance_id', 'uuid', ({ instanceId }) => instanceId),
  of('path', 'text', ({ path }) => path),
  of('is_reopened', 'bool', ({ isReopened }) => isReopened),
]);

export const openWaits = part(
  'opened_waits',
  openedColumns,
  (rows) => rows.openedWaits,
  (first, winners) => `INSERT INTO wait (instance_id, path, partition, attempt, remaining)
    SELECT o.instance_id, o.path, o.partition, o.attempt, o.remaining
    FROM ${openedColumns.unnest('o', first)} JOIN ${winners} w ON w.id = o.instance_id
    ON CONFLICT (instance_id, path) DO UPDATE SET attempt = excluded.attempt, remaining = excluded.remaining`,
);

export const openSubscriptions = part(
  'opened_subscriptions',
  subscriptionColumns,
  (rows) => rows.openedSubscriptions,
  (first, winners) => `INSERT INTO subscription (instance_id, path, wait_index, type, key, condition)
    SELECT s.instance_id, s.path, s.wait_index, s.type, s.key, s.condition
    FROM ${subscriptionColumns.unnest('s', first)} JOIN ${winners} w ON w.id = s.instance_id ORDER BY s.ordinal`,
);

/** Locked in the order in which a match locks them, so that the two do not deadlock. */
export const lockClosedWaits = part(
  'closed_waits',
  closedColumns,
  (rows) => rows.closedWaits,
  (first, winners) => `SELECT t.instance_id, t.path, c.is_reopened
    FROM ${closedColumns.unnest('c', first)} JOIN ${winners} w ON w.id = c.instance_id
    JOIN wait t ON t.instance_id = c.instance_id AND t.path = c.path ORDER BY t.instance_id, t.path FOR UPDATE OF t`,
);

export const deleteClosedSubscriptions = partWithoutParameters(
  'deleted_subscriptions',
  'DELETE FROM subscription s USING closed_waits c WHERE s.instance_id = c.instance_id AND s.path = c.path',
);

export const deleteClosedWaits = partWithoutParameters(
  'deleted_waits',
  'DELETE FROM wait t USING closed_waits c WHERE t.instance_id = c.instance_id AND t.path = c.path AND NOT c.is_reopened',
);
