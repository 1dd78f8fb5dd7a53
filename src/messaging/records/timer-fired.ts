/** The record TimerFired: a timer came due, from the orchestrator that took it to the instance's own. */
import type { DueTimer } from '../../core/due-timer.ts';
import type { TimerFired } from '../../core/instance/decide/notification.ts';
import type { TimerKind } from '../../core/instance/state/state.ts';
import type { InvalidMessage } from '../dead-letter-codes.ts';
import type * as records from '../generated/records.ts';
import { invalid, taskIdAt } from './invalid.ts';

export function toTimerRecord({ instanceId, timerId, kind, path, attempt, dueAt }: DueTimer): records.TimerFired {
  return { instanceId, timerId, kind, taskId: taskIdAt(instanceId, path), attempt, dueAt };
}

export function readTimerRecord({ timerId, kind, dueAt }: records.TimerFired): TimerFired | InvalidMessage {
  // A kind that is unknown here belongs to no timer of the instance, so the core drops it as stale.
  return timerId === '' ? invalid('a timer without an id') : { type: 'TimerFired', timerId, kind: kind as TimerKind, dueAt };
}
