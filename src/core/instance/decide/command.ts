/** Control commands and what people did to their tasks. Each command is applied once; a refused one is answered with the reason. */
import { assertNever } from '../../assert.ts';
import type { TaskPath } from '../../ids.ts';
import { actOnTask } from '../../nodes/human/answers.ts';
import { refusalOfSize } from '../../nodes/human/votes.ts';
import { migrate, refusalOfMigration } from '../migration/migrate.ts';
import { allBooks, bookAt, openScopes } from '../state/scopes.ts';
import { accepted, type NewEvent, rejected, type Verdict, type View } from '../view.ts';
import { hasChildToRetry, incidentsToRetry, refusalOf } from './command-preconditions.ts';
import { correct, refusalOfVars } from './corrections.ts';
import { endInstance } from './ending.ts';
import type { CommandIssued } from './notification.ts';
import type { Rejection } from './rejection.ts';
import { refusalOfJoins, rerun } from './rerun.ts';

export function decideCommand(view: View, issued: CommandIssued): Verdict {
  const { command, commandId, by } = issued;
  if (view.state.commands.includes(commandId)) return rejected('MR_COMMAND_REPEATED', 'The command was handled before.');
  const rejection = refusalOf(view.state, command, by) ?? refusalIn(view, command, by);
  if (rejection === null) return accepted(...apply(view, issued));
  // A redispatch names its attempt, so that a repeat cannot fit by chance; it comes by itself and needs no record.
  if (command.type === 'redispatch') return { events: [], rejection };
  return { events: [{ type: 'CommandRefused', by, commandId, command: command.type, ...rejection }], rejection };
}

/** What the state alone does not say. */
function refusalIn(view: View, command: CommandIssued['command'], by: string): Rejection | null {
  switch (command.type) {
    case 'setVars':
      return refusalOfVars(view.definition, command);
    case 'rerunNode':
      return refusalOfJoins(view, command);
    case 'migrate':
      return refusalOfMigration(view, command);
    default:
      return refusalOfSize(view, command, by);
  }
}

function apply(view: View, issued: CommandIssued): readonly NewEvent[] {
  const { command, commandId, by } = issued;
  switch (command.type) {
    case 'cancel':
      return endInstance(view, { status: 'cancelled', by, commandId, reason: command.reason });
    case 'pause':
    case 'resume':
      // Both change the timers of every scope. All scopes are asked for here, so that none is missing when the event is applied.
      openScopes(view.state);
      return [{ type: command.type === 'pause' ? 'InstancePaused' : 'InstanceResumed', by, commandId }];
    case 'retry':
      return [...resolved(view, issued, command), ...passedOn(view, issued, command)];
    case 'completeTask':
    case 'voteTask':
    case 'failTask':
    case 'delegateTask':
    case 'commentTask':
      return actOnTask(view, command, { by, commandId });
    case 'setVars':
    case 'completeNode':
    case 'skipNode':
      return correct(view, command, { by, commandId });
    case 'rerunNode':
      return rerun(view, command, { by, commandId });
    case 'migrate':
      return migrate(view, command, { by, commandId });
    case 'redispatch':
      return [{ type: 'TaskRedispatched', path: command.path, attempt: command.attempt, commandId }];
    default:
      return assertNever(command);
  }
}

type Retry = CommandIssued['command'] & { readonly type: 'retry' };

function resolved(view: View, { by, commandId }: CommandIssued, command: Retry): readonly NewEvent[] {
  return incidentsToRetry(view.state, command.path, command.raisedBy ?? null).map(({ at, scope, incident, raisedBy }) => {
    const place = at === '' ? { path: null } : { path: at as TaskPath, ...(at === scope ? { scope } : {}) };
    return { type: 'IncidentResolved', ...place, attempt: raisedBy, phase: incident.phase, by, commandId };
  });
}

/** It goes down to the children that still run. All of the books are asked for here, so that none is missing when they are told. */
function passedOn({ state }: View, { by, commandId }: CommandIssued, { path }: Retry): readonly NewEvent[] {
  if (!hasChildToRetry(state, path)) return [];
  if (path === null) allBooks(state);
  else bookAt(state, path);
  return [{ type: 'RetryPassedOn', path, by, commandId }];
}
