/** The timers of automated tasks: the next attempt, and the time an attempt may take from its dispatch on. */
import { invariant } from '../../../assert.ts';
import type { OpenTask, TimerKind } from '../../../instance/state/state.ts';
import type { NewEvent, View } from '../../../instance/view.ts';
import { startAttempt, timeOutInQueue } from './attempts.ts';

export function fireAutomated(view: View, task: OpenTask, _node: unknown, timer: TimerKind): readonly NewEvent[] {
  if (timer === 'retry') return [startAttempt(task)];
  invariant(timer === 'queueTimeout', `an automated task has no timer "${timer}"`);
  return [timeOutInQueue(view, task)];
}
