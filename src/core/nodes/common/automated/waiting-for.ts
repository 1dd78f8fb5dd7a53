/** What an automated task waits for: a worker, or the time of its next attempt. */
import type { TaskOf } from '../behaviour.ts';
import { instant, type WaitingFor } from '../waiting-for.ts';

export function waitingForWorker(task: TaskOf<'http' | 'task'>): WaitingFor {
  if (task.status === 'retrying') return { kind: 'retry', until: instant(task.retryAt), lastError: task.lastError };
  return { kind: 'worker', queue: task.payload.queue };
}
