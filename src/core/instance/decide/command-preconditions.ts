/**
 * Why a command cannot have an effect on an instance in this state. The rules are checked twice: by the API when the command
 * arrives, to refuse it at once, and when it is applied, on the state of that moment.
 */
import { assertNever } from '../../assert.ts';
import type { ScopePath, TaskPath } from '../../ids.ts';
import { refusalOfPerson } from '../../nodes/human/refusals.ts';
import { own } from '../../record.ts';
import { areBooksEmpty } from '../children/books.ts';
import { addressOf } from '../children/messages.ts';
import { standingOf } from '../migration/standing.ts';
import { openScopes, scopeAt, scopePathOf, sentTaskAt, taskAt } from '../state/scopes.ts';
import { type Incident, type InstanceState, isPaused, opensTasks } from '../state/state.ts';
import { refusalOfCorrection } from './corrections.ts';
import type { CommandIssued, RaisedBy } from './notification.ts';
import type { Rejection } from './rejection.ts';
import { refusalOfRerun } from './rerun.ts';

type Command = CommandIssued['command'];

/**
 * @param by who gives the command.
 * @returns null for a command that can be applied to this running instance.
 */
export function refusalOf(state: InstanceState, command: Command, by: string): Rejection | null {
  switch (command.type) {
    case 'cancel':
      return state.phase === 'running' ? null : { code: 'MR_ENDING', reason: `The instance is being ended already: it is ${state.phase}.` };
    case 'pause':
      return state.paused === null ? null : { code: 'MR_ALREADY_PAUSED', reason: 'The instance is paused already.' };
    case 'resume':
      return refusalOfResume(state);
    case 'retry':
      return refusalOfRetry(state, command);
    case 'completeTask':
    case 'voteTask':
    case 'failTask':
    case 'delegateTask':
    case 'commentTask':
      return refusalOfPerson(state, command, by);
    case 'setVars':
    case 'completeNode':
    case 'skipNode':
      return refusalOfCorrection(state, command);
    case 'rerunNode':
      return refusalOfRerun(state, command);
    case 'migrate':
      return standingOf(state, command.version);
    case 'redispatch': {
      if (sentTaskAt(state, command.path, command.attempt) === undefined)
        return { code: 'MR_OUTCOME_STALE', reason: `Attempt ${command.attempt} of ${command.path} is not the one that is open.` };
      return isPaused(state) ? { code: 'MR_PAUSED', reason: 'The instance is paused: nothing new starts.' } : null;
    }
    default:
      return assertNever(command);
  }
}

/** Who resumes lifts his own pause. */
function refusalOfResume({ paused, pausedByParent = null, parent }: InstanceState): Rejection | null {
  if (paused !== null) return null;
  if (pausedByParent === null || parent === undefined) return { code: 'MR_NOT_PAUSED', reason: 'The instance is not paused.' };
  const reason = `The instance is paused with its parent, ${addressOf(parent.parent)}: resume that.`;
  return { code: 'MR_NOT_PAUSED', reason };
}

/** A child under incident is open, not failed, so a retry goes down to it. @param path of its task; null: any. */
export function hasChildToRetry(state: InstanceState, path: TaskPath | null): boolean {
  if (!opensTasks(state)) return false;
  if (path === null) return !areBooksEmpty(state);
  const task = taskAt(state, path);
  return task?.type === 'workflow' && task.status === 'open' && task.childId !== null;
}

function refusalOfRetry(state: InstanceState, { path, raisedBy = null }: Command & { readonly type: 'retry' }): Rejection | null {
  if (isPaused(state)) return { code: 'MR_PAUSED', reason: 'The instance is paused: resume it first.' };
  if (path !== null && taskAt(state, path) === undefined && scopeAt(state, path as string as ScopePath) === undefined)
    return { code: 'MR_TASK_UNKNOWN', reason: `The instance has no task ${path}.` };
  if (incidentsToRetry(state, path, raisedBy).length > 0 || hasChildToRetry(state, path)) return null;
  const subject = path === null ? 'The instance' : `The task ${path}`;
  return { code: 'MR_NO_INCIDENT', reason: `${subject} is under no incident${raisedBy === null ? '' : ' that the command names'}.` };
}

export type IncidentToRetry = {
  readonly at: string;
  /** The scope that holds it. */
  readonly scope: ScopePath;
  readonly incident: Incident;
  readonly raisedBy: number | null;
};

/**
 * @param path of one task, or of an item or round whose output failed; null: all incidents of the instance.
 * @param named only these incidents, with the attempts that raised them; null: all that there are.
 */
export function incidentsToRetry(state: InstanceState, path: TaskPath | null, named: RaisedBy | null): readonly IncidentToRetry[] {
  const all = path === null ? allIncidents(state) : incidentsAt(state, path);
  return all.filter(({ at, raisedBy }) => named === null || own(named, at) === (raisedBy ?? 0));
}

function allIncidents(state: InstanceState): readonly IncidentToRetry[] {
  return openScopes(state).flatMap(({ path: scope, incidents }) =>
    Object.entries(incidents).map(([at, incident]) => ({ at, scope, incident, raisedBy: attemptUnderIncident(state, at) })),
  );
}

function incidentsAt(state: InstanceState, path: TaskPath): readonly IncidentToRetry[] {
  return [scopePathOf(path), path as string as ScopePath].flatMap((scope) => {
    const found = scopeAt(state, scope);
    const incident = found?.status === 'open' ? own(found.incidents, path) : undefined;
    return incident === undefined ? [] : [{ at: path, scope, incident, raisedBy: attemptUnderIncident(state, path) }];
  });
}

/** @param at key of an incident. @returns null for the output of the instance, an item or a round, which no attempt makes. */
export function attemptUnderIncident(state: InstanceState, at: string): number | null {
  return at === '' ? null : (taskAt(state, at as TaskPath)?.attempt ?? null);
}

/**
 * The incidents that the sender of a retry can see, which the retry names, so that a late one does not resolve those raised since;
 * null: there are none.
 */
export function namedIncidents(state: InstanceState, path: TaskPath | null): RaisedBy | null {
  const seen = path === null ? allIncidents(state).map(({ at }) => at) : [path];
  const named = seen.map((at) => [at, attemptUnderIncident(state, at) ?? 0] as const);
  return named.length === 0 ? null : Object.fromEntries(named);
}
