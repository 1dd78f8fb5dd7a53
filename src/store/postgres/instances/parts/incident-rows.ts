/** Open incidents: those that were raised, and those that are over. */

import type { TransitionRows } from '../../../stored/transition-rows.ts';
import { Columns } from '../../sql/columns.ts';
import { storableText } from '../../sql/storable-text.ts';
import { part } from './part.ts';

const raisedColumns = new Columns<TransitionRows['raisedIncidents'][number]>((of) => [
  of('instance_id', 'uuid', ({ instanceId }) => instanceId),
  of('path', 'text', ({ path }) => path),
  of('code', 'text', ({ code }) => storableText(code)),
]);
const closedColumns = new Columns<TransitionRows['closedIncidents'][number]>((of) => [
  of('instance_id', 'uuid', ({ instanceId }) => instanceId),
  of('path', 'text', ({ path }) => path),
]);

export const raiseIncidents = part(
  'raised_incidents',
  raisedColumns,
  (rows) => rows.raisedIncidents,
  (first, winners) => `INSERT INTO incident (instance_id, path, code) SELECT r.instance_id, r.path, r.code
    FROM ${raisedColumns.unnest('r', first)} JOIN ${winners} w ON w.id = r.instance_id
    ON CONFLICT (instance_id, path) DO UPDATE SET code = excluded.code`,
);

export const closeIncidents = part(
  'closed_incidents',
  closedColumns,
  (rows) => rows.closedIncidents,
  (first, winners) => `DELETE FROM incident n USING ${closedColumns.unnest('c', first)} JOIN ${winners} w ON w.id = c.instance_id
    WHERE n.instance_id = c.instance_id AND n.path = c.path`,
);
