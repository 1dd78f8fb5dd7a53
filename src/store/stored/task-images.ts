/** What the rows of tasks hold after a step beside the state: of every task that the step's events touched. Pure. */
import type { TaskPath } from '../../core/ids.ts';
import type { HistoryEntry } from '../../core/instance/step.ts';

/** What was sent to a queue, last. */
export type Scheduling = { readonly inputSeq: number; readonly queue: string | null; readonly timeoutMs: number };

/** @returns by path; null: the step has sent nothing for this task, and its row keeps what it has. */
export function taskImages(history: readonly HistoryEntry[]): ReadonlyMap<TaskPath, Scheduling | null> {
  const images = new Map<TaskPath, Scheduling | null>();
  for (const { seq, event } of history) {
    if (!('path' in event) || event.path === null) continue;
    if (event.type === 'TaskScheduled') {
      const { queue, timeoutMs } = event.payload;
      images.set(event.path, { inputSeq: event.inputFrom ?? seq, queue, timeoutMs });
    } else if (!images.has(event.path)) images.set(event.path, null);
  }
  return images;
}

/** The entry that brought the instance's output; null: none of these did. */
export function outputSeqOf(history: readonly HistoryEntry[]): number | null {
  return history.findLast(({ event }) => event.type === 'InstanceCompleted')?.seq ?? null;
}
