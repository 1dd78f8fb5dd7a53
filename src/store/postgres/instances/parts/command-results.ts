/** Results of commands. */

import type { TransitionRows } from '../../../stored/transition-rows.ts';
import { Columns } from '../../sql/columns.ts';
import { part } from './part.ts';

const resultColumns = new Columns<TransitionRows['results'][number]>((of) => [
  of('instance_id', 'uuid', ({ instanceId }) => instanceId),
  of('partition', 'int4', ({ partition }) => partition),
  of('id', 'uuid', ({ commandId }) => commandId),
  of('status', 'text', ({ type }) => (type === 'commandApplied' ? 'applied' : 'refused')),
  of('code', 'text', (result) => (result.type === 'commandRefused' ? result.code : null)),
  of('reason', 'text', (result) => (result.type === 'commandRefused' ? result.reason : null)),
]);

export const writeCommandResults = part(
  'command_results',
  resultColumns,
  (rows) => rows.results,
  // Postgres sends a commit to Debezium before other sessions see it (docs/decisions/0011): an update would miss a command
  // whose transaction is just ending, an insert waits for it. The result of a command whose row was deleted stays for a day.
  (first, winners) => `INSERT INTO command AS t (id, instance_id, partition, type, issued_by, status, code, reason, result_at)
    SELECT DISTINCT ON (r.id) r.id, r.instance_id, r.partition, 'unrecorded', '', r.status, r.code, r.reason, now()
    FROM ${resultColumns.unnest('r', first)} JOIN ${winners} w ON w.id = r.instance_id
    ORDER BY r.id, r.ordinal
    ON CONFLICT (id) DO UPDATE SET status = excluded.status, code = excluded.code, reason = excluded.reason, result_at = excluded.result_at
    WHERE t.status = 'pending'`,
);
