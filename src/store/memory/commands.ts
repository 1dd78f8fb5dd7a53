/** Commands and their results. One command may complete or fail an attempt of a human task, and each person may vote on it once. */
import type { NewCommand } from '../instance-store.ts';
import { attemptKey, type MemoryTables, type OpenHumanTask, taskKey, voteKey } from './tables.ts';

/** @returns also true for a command that is there already: its answer got lost. */
export function issueCommand(tables: MemoryTables, command: NewCommand): boolean {
  const { commandId, instanceId, type, path, attempt, by, message } = command;
  if (tables.commands.has(commandId)) return true;
  const open = attempt !== null && path !== null ? (tables.humanTasks.get(taskKey(instanceId, path)) ?? null) : null;
  if (attempt !== null && open?.attempt !== attempt) return false;
  const place = open === null ? null : placeOf(open, type, by);
  if (place !== null && isTaken(tables, place)) return false;
  tables.outbox.check([message]);
  if (place !== null) tables.decisions.set(place, commandId);
  const at = tables.now();
  tables.commands.set(commandId, { commandId, instanceId, type, path, attempt, by, at, result: { status: 'pending' } });
  tables.outbox.add([message], at);
  return true;
}

/** The place that only one command may take; null: there may be any number. */
function placeOf({ instanceId, path, attempt }: OpenHumanTask, type: NewCommand['type'], by: string): string | null {
  if (type === 'completeTask' || type === 'failTask') return attemptKey(instanceId, path, attempt);
  return type === 'voteTask' ? voteKey(instanceId, path, attempt, by) : null;
}

/** By a command that was not refused. */
function isTaken({ commands, decisions }: MemoryTables, place: string): boolean {
  const decision = decisions.get(place);
  const command = decision === undefined ? undefined : commands.get(decision);
  return command !== undefined && command.result.status !== 'refused';
}

/** Somebody has completed or failed this attempt, and was not refused. */
export function isDecided(tables: MemoryTables, { instanceId, path, attempt }: OpenHumanTask): boolean {
  return isTaken(tables, attemptKey(instanceId, path, attempt));
}

/** Whether this person has voted, also if the vote is not applied yet. */
export function hasVoted(tables: MemoryTables, { instanceId, path, attempt, voters }: OpenHumanTask, person: string): boolean {
  return voters.includes(person) || isTaken(tables, voteKey(instanceId, path, attempt, person));
}
