/** Triggers of definitions, in memory. */
import type { DefinitionId } from '../../core/ids.ts';
import type { TriggersRow } from '../schedules.ts';
import type { DeployedTriggers, TriggerSet, TriggerSwitch } from '../triggers.ts';
import { deploySchedules, schedulesOf, switchSchedules } from './schedules.ts';
import type { MemoryTables } from './tables.ts';

export function deployTriggers(tables: MemoryTables, deployed: DeployedTriggers): void {
  const { definitionId, version, eventTypes } = deployed;
  const before = tables.triggers.get(definitionId);
  if (before !== undefined && before.version >= version) return;
  const kept = before ?? { isPaused: false, pausedNames: new Set<string>() };
  tables.triggers.set(definitionId, { ...kept, definitionId, version, eventTypes });
  deploySchedules(tables, deployed, kept.isPaused);
}

export function switchTriggers(tables: MemoryTables, { definitionId, name, isPaused }: TriggerSwitch): boolean {
  const before = tables.triggers.get(definitionId);
  if (before === undefined) return false;
  const isSchedule = switchSchedules(tables, definitionId, name, isPaused);
  if (name === null) tables.triggers.set(definitionId, { ...before, isPaused, pausedNames: isPaused ? before.pausedNames : new Set() });
  else if (!isSchedule) {
    const others = [...before.pausedNames].filter((other) => other !== name);
    tables.triggers.set(definitionId, { ...before, pausedNames: new Set(isPaused ? [...others, name] : others) });
  }
  return true;
}

export function triggersRows(tables: MemoryTables, only: DefinitionId | null): TriggersRow[] {
  return [...tables.triggers.values()].flatMap(({ definitionId, version, isPaused, pausedNames, eventTypes }) => {
    const schedules = schedulesOf(tables, definitionId);
    if ((only !== null && only !== definitionId) || eventTypes.length + schedules.length === 0) return [];
    return [{ definitionId, version, isPaused, pausedNames: [...pausedNames], schedules }];
  });
}

/** Those that one of these types may start. */
export function triggerSetsOf({ triggers }: MemoryTables, types: ReadonlySet<string>, only: DefinitionId | null): TriggerSet[] {
  const candidates = [...triggers.values()].filter(
    ({ definitionId, isPaused, eventTypes }) =>
      !isPaused && (only === null || definitionId === only) && eventTypes.some((type) => types.has(type)),
  );
  return candidates.map(({ definitionId, version, pausedNames }) => ({ definitionId, version, paused: [...pausedNames] }));
}
