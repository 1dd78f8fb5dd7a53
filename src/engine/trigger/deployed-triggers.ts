/** The triggers of a deployed version, as they are written to the instance database. */
import { scheduleTriggers, triggerEventTypes } from '../../core/definition/index.ts';
import type { Definition } from '../../core/definition/types.ts';
import type { DeployedTriggers } from '../../store/triggers.ts';

export function deployedTriggers(definition: Definition, version: number): DeployedTriggers {
  const schedules = scheduleTriggers(definition).map(({ name, expression: cron, timeZone, overlap, catchUp }) => {
    return { name, cron, timeZone, overlap, catchUp };
  });
  return { definitionId: definition.id, version, eventTypes: triggerEventTypes(definition), schedules };
}
