/** Which definitions' triggers may be for an event. */
import type { DefinitionId } from '../../../core/ids.ts';
import type { TriggerSet } from '../../triggers.ts';
import type { Queryable } from '../connection/pools.ts';

export type EventTriggerSet = TriggerSet & { readonly eventTypes: readonly string[] };

/**
 * Definitions whose newest version starts by one of these types. One statement: who asked for the newest versions first,
 * and for their triggers afterwards, could find neither of two.
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
