/** A timer came due. Rejected when it was disarmed, stopped by a pause, or armed anew meanwhile. */
import { assertNever, invariant } from '../assert.ts';
import { own } from '../record.ts';
import { failInstance } from './advance.ts';
import { failAttempt } from './decide-outcome.ts';
import type { TimerFired } from './notification.ts';
import type { Rejection } from './rejection.ts';
import type { Run } from './run.ts';
import type { TaskState, Timer } from './state.ts';

export function decideTimer(run: Run, fired: TimerFired): Rejection | null {
  const timer = own(run.state.timers, fired.timerId);
  if (timer?.state !== 'armed' || timer.dueAt !== fired.dueAt) {
    return { code: 'MR_TIMER_STALE', reason: `The timer ${fired.timerId} is not armed for that time.` };
  }
  if (timer.path === null) {
    failInstance(run, { code: 'TIMEOUT', message: 'The instance reached its timeout.' }, null);
    return null;
  }
  const task = run.task(timer.path);
  invariant(task !== undefined, 'a timer of a task ends with its task');
  fire(run, timer, task);
  return null;
}

function fire(run: Run, timer: Timer, task: TaskState): void {
  const { path, nodeId, attempt, basis } = task;
  switch (timer.kind) {
    case 'retry':
      run.emit({ type: 'AttemptStarted', path, attempt: attempt + 1 });
      return;
    case 'wait':
      run.emit({ type: 'TaskCompleted', path, nodeId, attempt, basis, kind: task.type, output: null, by: null, commandId: null });
      run.later({ leave: path });
      return;
    case 'timeout':
      run.emit({
        type: 'TaskFailed',
        path,
        nodeId,
        attempt,
        basis,
        kind: task.type,
        status: 'timedOut',
        error: timeoutError(task),
        by: null,
        commandId: null,
      });
      run.later({ leave: path });
      return;
    case 'queueTimeout':
      invariant(task.status === 'scheduled', 'a queue timeout ends with its attempt');
      failAttempt(run, task, 'timedOut', { code: 'TIMEOUT', message: 'No outcome came within the queue timeout.' }, true, null);
      return;
    case 'reminder':
      run.emit({ type: 'HumanTaskReminded', path });
      return;
    case 'escalation':
      invariant(task.type === 'human' && task.status === 'open' && task.escalateTo !== null, 'an escalation ends with its task');
      run.emit({ type: 'HumanTaskEscalated', path, assignees: task.escalateTo });
      return;
    case 'instanceTimeout':
      invariant(false, 'the timeout of an instance has no path');
      return;
    default:
      assertNever(timer.kind);
  }
}

function timeoutError(task: TaskState): { readonly code: string; readonly message: string } {
  return {
    code: 'TIMEOUT',
    message: task.type === 'human' ? 'Nobody completed the task within its timeout.' : 'No fitting event came within the timeout.',
  };
}
