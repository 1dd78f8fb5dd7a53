/** Finds the definitions whose triggers an event may start. */
import type { DefinitionId } from '../../../core/ids.ts';
import type { TriggerSet } from '../../triggers.ts';
import type { Queryable } from '../connection/pools.ts';

export type EventTriggerSet = TriggerSet & { readonly eventTypes: readonly string[] };

/**
 * Definitions whose newest version starts by one of these types. One statement: if the newest versions were read first and their
 * triggers afterwards, a deploy in between could hide both.
 */
export async function triggerSetsOf(
  on: Queryable,
  types: readonly string[],
  definitionId: DefinitionId | null,
): Promise<EventTriggerSet[]> {
  const { rows } = await on.query<EventTriggerSet>({
    name: 'trigger-sets',
    text: `SELECT definition_id AS "definitionId", version, event_types AS "eventTypes", paused_names AS paused FROM definition_triggers
      WHERE NOT paused AND event_types && $1::text[] AND definition_id = coalesce($2, definition_id) ORDER BY definition_id`,
    values: [types, definitionId],
  });
  return rows;
}
