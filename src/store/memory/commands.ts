/** Commands of people, of which one completes or fails an attempt of a human task; and what became of them. */
import type { NewCommand } from '../instance-store.ts';
import { attemptKey, type MemoryTables, type OpenHumanTask, taskKey } from './tables.ts';

/** @returns also true for a command that is there already: its answer got lost. */
export function issueCommand(tables: MemoryTables, command: NewCommand): boolean {
  const { commandId, instanceId, type, path, attempt, by, message } = command;
  if (tables.commands.has(commandId)) return true;
  const decides = type === 'completeTask' || type === 'failTask';
  const open = decides && path !== null ? (tables.humanTasks.get(taskKey(instanceId, path)) ?? null) : null;
  if (decides && (open === null || open.attempt !== attempt || isDecided(tables, open))) return false;
  tables.outbox.check([message]);
  if (open !== null) tables.decisions.set(attemptKey(instanceId, open.path, open.attempt), commandId);
  const at = tables.now();
  tables.commands.set(commandId, { commandId, instanceId, type, path, attempt, by, at, result: { status: 'pending' } });
  tables.outbox.add([message], at);
  return true;
}

/** Somebody has completed or failed this attempt, and was not refused. */
export function isDecided({ commands, decisions }: MemoryTables, { instanceId, path, attempt }: OpenHumanTask): boolean {
  const decision = decisions.get(attemptKey(instanceId, path, attempt));
  const command = decision === undefined ? undefined : commands.get(decision);
  return command !== undefined && command.result.status !== 'refused';
}
