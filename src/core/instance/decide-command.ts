/** Control commands and what people did to their tasks. Each command is applied once; a refused one is answered with the reason. */
import { assertNever } from '../assert.ts';
import type { CommandId, TaskPath } from '../ids.ts';
import { own } from '../record.ts';
import { cancelOpenTasks, completeInstance, leaveEnded, predecessorFor } from './advance.ts';
import type { Predecessor } from './basis.ts';
import type { CommandIssued, RaisedBy } from './notification.ts';
import { openNode } from './open.ts';
import type { Rejection } from './rejection.ts';
import { retryUnapplied } from './retry-unapplied.ts';
import type { Run } from './run.ts';
import { type ClosedTask, type HumanTask, type Incident, type InstanceState, isOpen } from './state.ts';

export function decideCommand(run: Run, issued: CommandIssued): Rejection | null {
  const { command, commandId, by } = issued;
  if (run.state.commands.includes(commandId)) return { code: 'MR_COMMAND_REPEATED', reason: 'The command was taken before.' };
  const refused = apply(run, issued);
  // A redispatch names its attempt, so that a repeat cannot fit by chance; it comes by itself and needs no record.
  if (refused !== null && command.type !== 'redispatch')
    run.emit({ type: 'CommandRefused', by, commandId, command: command.type, ...refused });
  return refused;
}

function apply(run: Run, issued: CommandIssued): Rejection | null {
  const { command, commandId, by } = issued;
  switch (command.type) {
    case 'cancel':
      cancelOpenTasks(run);
      run.emit({ type: 'InstanceCancelled', by, commandId, reason: command.reason });
      return null;
    case 'pause':
      if (run.state.paused !== null) return { code: 'MR_ALREADY_PAUSED', reason: 'The instance is paused already.' };
      run.emit({ type: 'InstancePaused', by, commandId });
      return null;
    case 'resume':
      if (run.state.paused === null) return { code: 'MR_NOT_PAUSED', reason: 'The instance is not paused.' };
      run.emit({ type: 'InstanceResumed', by, commandId });
      leaveEnded(run);
      return null;
    case 'retry':
      return retryIncidents(run, issued, command.path, command.raisedBy ?? null);
    case 'completeTask':
      return withOpenHumanTask(run, command, ({ path, nodeId, attempt, basis }) =>
        run.emit({ type: 'TaskCompleted', path, nodeId, attempt, basis, kind: 'human', output: command.output, by, commandId }),
      );
    case 'failTask':
      return withOpenHumanTask(run, command, ({ path, nodeId, attempt, basis }) =>
        run.emit({
          type: 'TaskFailed',
          path,
          nodeId,
          attempt,
          basis,
          kind: 'human',
          status: 'failed',
          error: command.error,
          by,
          commandId,
        }),
      );
    case 'redispatch': {
      const task = run.task(command.path);
      if (task?.status !== 'scheduled' || task.attempt !== command.attempt) {
        return { code: 'MR_OUTCOME_STALE', reason: `Attempt ${command.attempt} of ${command.path} is not the one that is open.` };
      }
      if (run.state.paused !== null) return { code: 'MR_PAUSED', reason: 'The instance is paused: nothing new starts.' };
      run.emit({ type: 'TaskRedispatched', path: command.path, attempt: command.attempt, commandId });
      return null;
    }
    default:
      return assertNever(command);
  }
}

function withOpenHumanTask(
  run: Run,
  { path, attempt }: { readonly path: TaskPath; readonly attempt: number },
  close: (task: HumanTask) => void,
): Rejection | null {
  const task = run.task(path);
  if (task === undefined) return { code: 'MR_TASK_UNKNOWN', reason: `The instance has no task ${path}.` };
  if (task.type !== 'human' || task.status !== 'open')
    return { code: 'MR_TASK_NOT_OPEN', reason: `The task ${path} is not open for a person.` };
  if (task.attempt !== attempt)
    return { code: 'MR_TASK_NOT_OPEN', reason: `Attempt ${attempt} of the task ${path} is over; attempt ${task.attempt} is open.` };
  close(task);
  run.later({ leave: path });
  return null;
}

function retryIncidents(run: Run, { commandId, by }: CommandIssued, path: TaskPath | null, named: RaisedBy | null): Rejection | null {
  if (run.state.paused !== null) return { code: 'MR_PAUSED', reason: 'The instance is paused: resume it first.' };
  const paths = path === null ? Object.keys(run.state.incidents) : [path];
  const incidents = paths.flatMap((at) => {
    const incident = own(run.state.incidents, at);
    const raisedBy = attemptUnderIncident(run.state, at);
    return incident === undefined || (named !== null && own(named, at) !== (raisedBy ?? 0)) ? [] : [{ at, incident, raisedBy }];
  });
  if (incidents.length === 0) {
    return {
      code: 'MR_NO_INCIDENT',
      reason: `${path === null ? 'The instance' : `The task ${path}`} is under no incident${named === null ? '' : ' that the command names'}.`,
    };
  }
  for (const { at, incident, raisedBy } of incidents) {
    // A timer that was missed may have ended the instance just now.
    if (run.state.phase !== 'running') break;
    run.emit({ type: 'IncidentResolved', path: at === '' ? null : (at as TaskPath), attempt: raisedBy, by, commandId });
    goOn(run, incident, at as TaskPath, commandId);
  }
  return null;
}

/** @param at key of an incident. @returns null for the instance's output, which no attempt makes. */
export function attemptUnderIncident(state: InstanceState, at: string): number | null {
  return at === '' ? null : (own(state.tasks, at)?.attempt ?? null);
}

function goOn(run: Run, incident: Incident, path: TaskPath, commandId: CommandId): void {
  if (incident.phase === 'output') {
    completeInstance(run);
    return;
  }
  const task = run.task(path);
  if (incident.phase === 'message' && (task === undefined || isOpen(task))) {
    retryUnapplied(run, task === undefined ? null : path, commandId);
    return;
  }
  if (task === undefined || isOpen(task)) return;
  if (incident.phase === 'exit') {
    run.later({ leave: path });
    return;
  }
  const predecessor: Predecessor =
    incident.phase === 'open' || incident.phase === 'message' ? predecessorFor(run, task.nodeId) : { kind: 'task', task };
  reopen(run, task, predecessor);
}

/** The attempt number counts on and the budget is fresh. The same work keeps its basis, and with it its idempotency key. */
function reopen(run: Run, task: ClosedTask, predecessor: Predecessor): void {
  const { path, nodeId, attempt, basis } = task;
  const kept = 'payload' in task ? task.payload : null;
  if (kept !== null && (task.type === 'http' || task.type === 'task')) {
    const { inputSeq, ...payload } = kept;
    run.emit({ type: 'TaskScheduled', path, nodeId, attempt: attempt + 1, basis, kind: task.type, payload, inputFrom: inputSeq });
    return;
  }
  openNode(run, run.node(nodeId), predecessor, attempt + 1);
}
