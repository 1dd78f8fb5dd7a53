/** How an instance goes on when a person resolves the incident of a notification that could not be applied (`unapplied.ts`). */
import type { CommandId, TaskPath } from '../ids.ts';
import { decideTimer } from './decide-timer.ts';
import type { Run } from './run.ts';

/**
 * Applies the timers that came due meanwhile, whose rows are gone. Where there was none, an open task is sent again under the
 * same attempt and basis: its worker gives the same outcome once more, or makes another one.
 * @param path null: the instance's own timeout.
 */
export function retryUnapplied(run: Run, path: TaskPath | null, commandId: CommandId): void {
  const due = Object.entries(run.state.timers).filter(
    ([, timer]) => timer.path === path && timer.state === 'armed' && timer.dueAt <= run.now,
  );
  for (const [timerId, timer] of due) {
    // One that an earlier one of them disarmed is refused as stale, which is right.
    if (timer.state === 'armed' && run.state.phase === 'running')
      decideTimer(run, { type: 'TimerFired', timerId, kind: timer.kind, dueAt: timer.dueAt });
  }
  if (due.length > 0 || path === null) return;
  const task = run.task(path);
  if (task?.status === 'scheduled') run.emit({ type: 'TaskRedispatched', path, attempt: task.attempt, commandId });
}
