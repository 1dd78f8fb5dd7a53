/** Scopes of items and rounds: those that the step changed, and those that are no longer needed. */

import { scopeText } from '../../../stored/state.ts';
import type { TransitionRows } from '../../../stored/transition-rows.ts';
import { Columns } from '../../sql/columns.ts';
import { part } from './part.ts';

const changedColumns = new Columns<TransitionRows['changedScopes'][number]>((of) => [
  of('instance_id', 'uuid', ({ instanceId }) => instanceId),
  of('path', 'text', ({ path }) => path),
  of('state', 'json', ({ scope }) => scopeText(scope)),
]);
const deletedColumns = new Columns<TransitionRows['deletedScopes'][number]>((of) => [
  of('instance_id', 'uuid', ({ instanceId }) => instanceId),
  of('path', 'text', ({ path }) => path),
]);

export const writeScopes = part(
  'changed_scopes',
  changedColumns,
  (rows) => rows.changedScopes,
  (first, winners) => `INSERT INTO scope (instance_id, path, state) SELECT c.instance_id, c.path, c.state
    FROM ${changedColumns.unnest('c', first)} JOIN ${winners} w ON w.id = c.instance_id
    ON CONFLICT (instance_id, path) DO UPDATE SET state = excluded.state`,
);

export const deleteScopes = part(
  'deleted_scopes',
  deletedColumns,
  (rows) => rows.deletedScopes,
  (first, winners) => `DELETE FROM scope s USING ${deletedColumns.unnest('d', first)} JOIN ${winners} w ON w.id = d.instance_id
    WHERE s.instance_id = d.instance_id AND s.path = d.path`,
);
