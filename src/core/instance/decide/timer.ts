/** A timer came due. Rejected when it was disarmed, stopped by a pause, or armed anew meanwhile. */
import { invariant } from '../../assert.ts';
import { behaviourOf } from '../../nodes/registry.ts';
import { own } from '../../record.ts';
import { nodeOf, scopeAt, scopeOfTimer } from '../state/scopes.ts';
import { isOpen } from '../state/state.ts';
import { accepted, rejected, type Verdict, type View } from '../view.ts';
import { endInstance } from './ending.ts';
import type { TimerFired } from './notification.ts';

export function decideTimer(view: View, { timerId, dueAt }: TimerFired): Verdict {
  const scope = scopeAt(view.state, scopeOfTimer(timerId));
  const timer = scope?.status === 'open' ? own(scope.timers, timerId) : undefined;
  if (timer?.state !== 'armed' || timer.dueAt !== dueAt)
    return rejected('MR_TIMER_STALE', `The timer ${timerId} is not armed for that time.`);
  if (timer.kind === 'step') return accepted({ type: 'StepContinued' });
  if (timer.path === null) {
    const error = { code: 'TIMEOUT', message: 'The instance reached its timeout.' };
    return accepted(...endInstance(view, { status: 'failed', error, nodeId: null }));
  }
  const task = scope?.status === 'open' ? own(scope.tasks, timer.path) : undefined;
  invariant(task !== undefined && isOpen(task), 'a timer of a task ends with its task');
  const { fire } = behaviourOf(task.type);
  invariant(fire !== undefined, `a node of the type ${task.type} has timers`);
  return accepted(...fire(view, task as never, nodeOf(view.definition, task.nodeId) as never, timer.kind));
}
