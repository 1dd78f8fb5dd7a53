/**
 * Starts of one definition by earlier events, on which its trigger had failed. The key of each start keeps it from starting twice.
 * Waits are not offered the events again.
 */
import type { ExternalEvent } from '../../../core/external-event.ts';
import type { DefinitionId } from '../../../core/ids.ts';
import type { Correlated, EventStarter } from '../../instance-store.ts';
import { inTransaction, type Pool, type Queryable } from '../connection/pools.ts';
import { lockKeys } from '../events/key-locks.ts';
import type { ApplyOptions } from '../instances/apply.ts';
import { insertMessages } from '../outbox/messages.ts';
import { keysOfStarts, planStarts, writeStarts } from './event-starts.ts';

type Replay = { readonly definitionId: DefinitionId; readonly events: readonly ExternalEvent[]; readonly starter: EventStarter };

export async function startByEvents(
  pool: Pool,
  options: ApplyOptions,
  { definitionId, events, starter }: Replay,
): Promise<Pick<Correlated, 'started' | 'failed'>> {
  return await inTransaction(pool, async (client) => {
    const plan = await planStarts(client, events, starter, definitionId);
    await lockKeys(client, [...plan.starts.map(({ event }) => event), ...keysOfStarts(plan.starts)]);
    const rowIds = new Map<ExternalEvent, string>();
    for (const { event } of plan.starts) {
      const rowId = await bufferedRowOf(client, event);
      if (rowId !== undefined) rowIds.set(event, rowId);
    }
    const { started, failed } = await writeStarts(client, options, plan.starts, (event) => rowIds.get(event));
    const failures = [...plan.failed, ...failed];
    await insertMessages(
      client,
      failures.map((each) => starter.deadLetter(each)),
    );
    return { started: started.length, failed: failures };
  });
}

/** The row of the event, if it is in the buffer and a wait could still take it. */
async function bufferedRowOf(on: Queryable, { type, key, source, id }: ExternalEvent): Promise<string | undefined> {
  const { rows } = await on.query<{ row_id: string }>({
    name: 'buffered-event',
    text: 'SELECT row_id FROM event_buffer WHERE available AND type = $1 AND key = $2 AND source = $3 AND id = $4',
    values: [type, key, source, id],
  });
  return rows[0]?.row_id;
}
