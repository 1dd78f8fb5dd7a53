/**
 * What the row of a human task keeps for ever: its title, who it was assigned to, when it was due and who completed it. The
 * state forgets this when the task ends, so it is taken from the events. Pure; every store writes it alike.
 */

import type { EpochMs, TaskPath } from '../core/ids.ts';
import type { InstanceEvent } from '../core/instance/history/events.ts';
import type { Assignees, InstanceState } from '../core/instance/state/state.ts';
import type { HistoryEntry } from '../core/instance/step.ts';
import { heldTask } from './stored/task-images.ts';

export type HumanRecord = {
  readonly title: string;
  readonly assignees: Assignees;
  readonly dueAt: EpochMs | null;
  /** Who completed or failed it; null while it is open, and when it ended by itself. */
  readonly completedBy: string | null;
};

/** @returns the records of all human tasks that the entries change, as they are afterwards. */
export function humanRecords(history: readonly HistoryEntry[], before: InstanceState | null): ReadonlyMap<TaskPath, HumanRecord> {
  const records = new Map<TaskPath, HumanRecord>();
  for (const { event } of history) {
    if (!('path' in event) || event.path === null) continue;
    const record = changedBy(event, records.get(event.path) ?? openRecord(before, event.path));
    if (record !== null) records.set(event.path, record);
  }
  return records;
}

/** null: the event changes nothing of it. */
function changedBy(event: InstanceEvent, record: HumanRecord | null): HumanRecord | null {
  switch (event.type) {
    case 'HumanTaskOpened': {
      const { title, assignees, dueAt } = event;
      return { title, assignees, dueAt, completedBy: null };
    }
    case 'HumanTaskEscalated':
      return record === null ? null : { ...record, assignees: event.assignees };
    case 'TaskCompleted':
    case 'TaskFailed':
      return record === null || event.kind !== 'human' ? null : { ...record, completedBy: event.by };
    default:
      return null;
  }
}

function openRecord(before: InstanceState | null, path: TaskPath): HumanRecord | null {
  const task = before === null ? undefined : heldTask(before, path);
  if (task?.type !== 'human' || task.status !== 'open') return null;
  const { title, assignees, dueAt } = task;
  return { title, assignees, dueAt, completedBy: null };
}
