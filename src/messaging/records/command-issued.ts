/** The record CommandIssued: a command to a running instance, from the API (or the engine itself) to the orchestrator. */
import { type EpochMs, type InstanceId, parseCommandId, parseInstanceId, type TaskPath } from '../../core/ids.ts';
import type { CommandIssued, RaisedBy } from '../../core/instance/decide/notification.ts';
import type { TaskError } from '../../core/instance/state/state.ts';
import { isJsonObject, type Json } from '../../core/json.ts';
import { parseJsonStrict } from '../../core/strict-json.ts';
import type { InvalidMessage } from '../dead-letter-codes.ts';
import type * as records from '../generated/records.ts';
import { invalid, pathIn, taskIdAt } from './invalid.ts';

export function toCommandRecord(instanceId: InstanceId, issued: CommandIssued, at: EpochMs): records.CommandIssued {
  const { commandId, by, command, passedOnBy = null } = issued;
  const taskId = taskIdAt(instanceId, 'path' in command ? command.path : null);
  const addressed = { commandId, instanceId, type: command.type, taskId, attempt: attemptOf(command) };
  return { ...addressed, payload: payloadOf(command), ...wordsOf(command), by, at, passedOnBy };
}

function attemptOf(command: CommandIssued['command']): number | null {
  if ('attempt' in command) return command.attempt;
  return command.type === 'retry' && command.path !== null ? (command.raisedBy?.[command.path] ?? null) : null;
}

/** Outcome and comment of a person's command. */
function wordsOf(command: CommandIssued['command']): Pick<records.CommandIssued, 'outcome' | 'comment' | 'delegateTo'> {
  const nothing = { outcome: null, comment: null, delegateTo: null };
  switch (command.type) {
    case 'completeTask':
    case 'voteTask':
      return { ...nothing, outcome: command.outcome ?? null, comment: command.comment ?? null };
    case 'delegateTask':
      return { ...nothing, comment: command.comment, delegateTo: command.to };
    case 'commentTask':
      return { ...nothing, comment: command.text };
    default:
      return nothing;
  }
}

function payloadOf(command: CommandIssued['command']): string | null {
  switch (command.type) {
    case 'completeTask':
    case 'voteTask':
      return JSON.stringify(command.output);
    case 'failTask':
      return JSON.stringify(command.error);
    case 'cancel':
      return command.reason === null ? null : JSON.stringify(command.reason);
    case 'retry':
      return command.path !== null || (command.raisedBy ?? null) === null ? null : JSON.stringify(command.raisedBy);
    case 'setVars':
      return JSON.stringify({ vars: command.vars, reason: command.reason });
    case 'completeNode':
      return JSON.stringify({ output: command.output, reason: command.reason });
    case 'skipNode':
    case 'rerunNode':
      return JSON.stringify({ reason: command.reason });
    case 'migrate':
      return JSON.stringify({ version: command.version, reason: command.reason });
    case 'pause':
    case 'resume':
    case 'redispatch':
    case 'delegateTask':
    case 'commentTask':
      return null;
  }
}

export function readCommandRecord(value: records.CommandIssued, instanceId: InstanceId): CommandIssued | InvalidMessage {
  const commandId = parseCommandId(value.commandId);
  if (commandId === undefined) return invalid('the commandId is not a UUID');
  const path = value.taskId === null ? null : pathIn(value.taskId, instanceId);
  if (value.taskId !== null && path === null) return invalid('taskId and instanceId do not belong together');
  const payload = value.payload === null ? null : parseJsonStrict(value.payload);
  if (payload?.ok === false) return invalid(`the payload cannot be read: ${payload.reason}`);
  const command = commandOf(value, path, payload?.value ?? null);
  if ('code' in command) return command;
  const passedOnBy = value.passedOnBy === null ? undefined : parseInstanceId(value.passedOnBy);
  if (value.passedOnBy !== null && passedOnBy === undefined) return invalid('passedOnBy is not the id of an instance');
  return { type: 'CommandIssued', commandId, by: value.by, command, ...(passedOnBy === undefined ? {} : { passedOnBy }) };
}

function commandOf(
  { type, attempt, outcome, comment, delegateTo }: records.CommandIssued,
  path: TaskPath | null,
  payload: Json,
): CommandIssued['command'] | InvalidMessage {
  switch (type) {
    case 'cancel':
      return { type, reason: typeof payload === 'string' ? payload : null };
    case 'pause':
    case 'resume':
      return { type };
    case 'retry':
      if (path !== null) return { type, path, raisedBy: attempt === null ? null : { [path]: attempt } };
      return { type, path, raisedBy: raisedByOf(payload) };
    case 'completeTask':
    case 'voteTask': {
      if (path === null || attempt === null) return invalid('a completion without a task or an attempt');
      const answer = { type, path, attempt, output: payload } as const;
      return { ...answer, ...(outcome === null ? {} : { outcome }), ...(comment === null ? {} : { comment }) };
    }
    case 'delegateTask':
      return path === null || attempt === null || delegateTo === null
        ? invalid('a delegation without a task, an attempt or a person')
        : { type, path, attempt, to: delegateTo, comment };
    case 'commentTask':
      return path === null || attempt === null || comment === null
        ? invalid('a comment without a task, an attempt or its text')
        : { type, path, attempt, text: comment };
    case 'failTask': {
      const error = taskErrorOf(payload);
      return path === null || attempt === null || error === null
        ? invalid('a failure without a task, an attempt or an error')
        : { type, path, attempt, error };
    }
    case 'setVars':
    case 'completeNode':
    case 'skipNode':
    case 'rerunNode':
      return correctionOf(type, path, attempt, payload);
    case 'migrate': {
      const version = isJsonObject(payload) ? payload.version : null;
      if (typeof version !== 'number' || !Number.isInteger(version)) return invalid('a migration without a version');
      return { type, version, reason: reasonIn(payload) };
    }
    case 'redispatch':
      return path === null || attempt === null ? invalid('a dispatch without a task or an attempt') : { type, path, attempt };
    default:
      return invalid('this version does not know the command');
  }
}

function correctionOf(
  type: 'setVars' | 'completeNode' | 'skipNode' | 'rerunNode',
  path: TaskPath | null,
  attempt: number | null,
  payload: Json,
): CommandIssued['command'] | InvalidMessage {
  if (!isJsonObject(payload)) return invalid('a correction without its payload');
  const { vars, output = null } = payload;
  const reason = reasonIn(payload);
  if (type === 'setVars') return isJsonObject(vars) ? { type, vars, reason } : invalid('a change of variables without variables');
  if (path === null || attempt === null) return invalid('a correction without a task or an attempt');
  return type === 'completeNode' ? { type, path, attempt, output, reason } : { type, path, attempt, reason };
}

function reasonIn(payload: Json): string | null {
  return isJsonObject(payload) && typeof payload.reason === 'string' ? payload.reason : null;
}

function raisedByOf(payload: Json): RaisedBy | null {
  if (!isJsonObject(payload)) return null;
  return Object.fromEntries(Object.entries(payload).filter((entry): entry is [string, number] => typeof entry[1] === 'number'));
}

function taskErrorOf(payload: Json): TaskError | null {
  if (!isJsonObject(payload)) return null;
  const { code, message } = payload;
  return typeof code === 'string' && typeof message === 'string' ? { code, message } : null;
}
