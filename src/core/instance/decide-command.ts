/** Control commands and what people did to their tasks. Each command is applied once; a refused one is answered with the reason. */
import { assertNever, invariant } from '../assert.ts';
import type { CommandId, TaskPath } from '../ids.ts';
import { cancelOpenTasks, completeInstance, leaveEnded, predecessorFor } from './advance.ts';
import type { Predecessor } from './basis.ts';
import { incidentsToRetry, refusalOf } from './command-preconditions.ts';
import type { CommandIssued, RaisedBy } from './notification.ts';
import { openNode } from './open.ts';
import type { Rejection } from './rejection.ts';
import { retryUnapplied } from './retry-unapplied.ts';
import type { Run } from './run.ts';
import { type ClosedTask, type HumanTask, type Incident, isOpen } from './state.ts';

export function decideCommand(run: Run, issued: CommandIssued): Rejection | null {
  const { command, commandId, by } = issued;
  if (run.state.commands.includes(commandId)) return { code: 'MR_COMMAND_REPEATED', reason: 'The command was taken before.' };
  const refused = refusalOf(run.state, command);
  if (refused === null) apply(run, issued);
  // A redispatch names its attempt, so that a repeat cannot fit by chance; it comes by itself and needs no record.
  else if (command.type !== 'redispatch') run.emit({ type: 'CommandRefused', by, commandId, command: command.type, ...refused });
  return refused;
}

function apply(run: Run, issued: CommandIssued): void {
  const { command, commandId, by } = issued;
  switch (command.type) {
    case 'cancel':
      cancelOpenTasks(run);
      run.emit({ type: 'InstanceCancelled', by, commandId, reason: command.reason });
      return;
    case 'pause':
      run.emit({ type: 'InstancePaused', by, commandId });
      return;
    case 'resume':
      run.emit({ type: 'InstanceResumed', by, commandId });
      leaveEnded(run);
      return;
    case 'retry':
      retryIncidents(run, issued, command.path, command.raisedBy ?? null);
      return;
    case 'completeTask':
      closeHumanTask(run, command.path, ({ path, nodeId, attempt, basis }) =>
        run.emit({ type: 'TaskCompleted', path, nodeId, attempt, basis, kind: 'human', output: command.output, by, commandId }),
      );
      return;
    case 'failTask': {
      const { error } = command;
      closeHumanTask(run, command.path, ({ path, nodeId, attempt, basis }) =>
        run.emit({ type: 'TaskFailed', path, nodeId, attempt, basis, kind: 'human', status: 'failed', error, by, commandId }),
      );
      return;
    }
    case 'redispatch':
      run.emit({ type: 'TaskRedispatched', path: command.path, attempt: command.attempt, commandId });
      return;
    default:
      assertNever(command);
  }
}

function closeHumanTask(run: Run, path: TaskPath, close: (task: HumanTask) => void): void {
  const task = run.task(path);
  invariant(task?.type === 'human' && task.status === 'open', 'a precondition of the command');
  close(task);
  run.later({ leave: path });
}

function retryIncidents(run: Run, { commandId, by }: CommandIssued, path: TaskPath | null, named: RaisedBy | null): void {
  const incidents = incidentsToRetry(run.state, path, named);
  for (const { at, incident, raisedBy } of incidents) {
    // A timer that was missed may have ended the instance just now.
    if (run.state.phase !== 'running') break;
    run.emit({ type: 'IncidentResolved', path: at === '' ? null : (at as TaskPath), attempt: raisedBy, by, commandId });
    goOn(run, incident, at as TaskPath, commandId);
  }
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
