/** Control commands and what people did to their tasks. Each command is applied once; a refused one is answered with the reason. */
import { assertNever } from '../../assert.ts';
import type { TaskPath } from '../../ids.ts';
import { actOnTask } from '../../nodes/human/answers.ts';
import { refusalOfSize } from '../../nodes/human/votes.ts';
import { openScopes } from '../state/scopes.ts';
import { accepted, type NewEvent, rejected, type Verdict, type View } from '../view.ts';
import { incidentsToRetry, refusalOf } from './command-preconditions.ts';
import { correct, refusalOfVars } from './corrections.ts';
import { endInstance } from './ending.ts';
import type { CommandIssued } from './notification.ts';

export function decideCommand(view: View, issued: CommandIssued): Verdict {
  const { command, commandId, by } = issued;
  if (view.state.commands.includes(commandId)) return rejected('MR_COMMAND_REPEATED', 'The command was handled before.');
  const rejection =
    refusalOf(view.state, command, by) ??
    refusalOfSize(view, command, by) ??
    (command.type === 'setVars' ? refusalOfVars(view.definition, command) : null);
  if (rejection === null) return accepted(...apply(view, issued));
  // A redispatch names its attempt, so that a repeat cannot fit by chance; it comes by itself and needs no record.
  if (command.type === 'redispatch') return { events: [], rejection };
  return { events: [{ type: 'CommandRefused', by, commandId, command: command.type, ...rejection }], rejection };
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
      return incidentsToRetry(view.state, command.path, command.raisedBy ?? null).map(({ at, scope, incident, raisedBy }) => {
        const place = at === '' ? { path: null } : { path: at as TaskPath, ...(at === scope ? { scope } : {}) };
        return { type: 'IncidentResolved', ...place, attempt: raisedBy, phase: incident.phase, by, commandId };
      });
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
    case 'redispatch':
      return [{ type: 'TaskRedispatched', path: command.path, attempt: command.attempt, commandId }];
    default:
      return assertNever(command);
  }
}
