/**
 * What the row of a human task keeps for ever: its title, who it was assigned to, when it was due and who completed it. The
 * state forgets this when the task ends, so it is taken from the events. Pure; every store writes it alike.
 */

import type { EpochMs, TaskPath } from '../core/ids.ts';
import type { InstanceEvent, TaskCompleted, TaskFailed } from '../core/instance/history/events.ts';
import type { Assignees, Comment, Delegation, HumanTask, InstanceState, Vote } from '../core/instance/state/state.ts';
import type { HistoryEntry } from '../core/instance/step.ts';
import { heldTask } from './stored/task-images.ts';

export type HumanRecord = {
  readonly title: string;
  readonly assignees: Assignees;
  readonly dueAt: EpochMs | null;
  /** Who completed or failed it; null while it is open, and when it ended by itself. */
  readonly completedBy: string | null;
  /** When that person did. */
  readonly endedAt?: EpochMs;
  /** The outcome that was chosen. Absent: none. */
  readonly outcome?: string;
  /** The three that follow: oldest first; absent: none. A vote's output is in the output of its task. */
  readonly votes?: readonly Omit<Vote, 'seq' | 'output'>[];
  readonly comments?: readonly Comment[];
  readonly delegations?: readonly Delegation[];
};

export function votersOf({ votes = [] }: Pick<HumanTask, 'votes'>): readonly string[] {
  return votes.map(({ by }) => by);
}

/** @returns the records of all human tasks that the entries change, as they are afterwards. */
export function humanRecords(history: readonly HistoryEntry[], before: InstanceState | null): ReadonlyMap<TaskPath, HumanRecord> {
  const records = new Map<TaskPath, HumanRecord>();
  const over = new Set<TaskPath>();
  for (const { event } of history) {
    if (!('path' in event) || event.path === null) continue;
    if (event.type === 'HumanTaskOpened') over.delete(event.path);
    // A person may complete the node once more as a correction: who ended the task stays.
    else if (over.has(event.path)) continue;
    if (ends(event)) over.add(event.path);
    const record = changedBy(event, records.get(event.path) ?? openRecord(before, event.path));
    if (record !== null) records.set(event.path, record);
  }
  return records;
}

function ends({ type }: InstanceEvent): boolean {
  return type === 'TaskCompleted' || type === 'TaskFailed' || type === 'TaskCancelled' || type === 'NodeSkipped';
}

/** null: the event does not change the record. */
function changedBy(event: InstanceEvent, record: HumanRecord | null): HumanRecord | null {
  switch (event.type) {
    case 'HumanTaskOpened': {
      const { title, assignees, dueAt } = event;
      return { title, assignees, dueAt, completedBy: null };
    }
    case 'HumanTaskEscalated':
      return record === null ? null : { ...record, assignees: event.assignees };
    case 'HumanTaskVoted': {
      const { by, at, outcome, comment } = event;
      return record === null ? null : { ...record, votes: [...(record.votes ?? []), { by, at, outcome, comment }] };
    }
    case 'HumanTaskDelegated': {
      const { by, at, to, comment, assignees } = event;
      return record === null ? null : { ...record, assignees, delegations: [...(record.delegations ?? []), { by, at, to, comment }] };
    }
    case 'HumanTaskCommented':
      return record === null ? null : withComment(record, event.by, event.at, event.text);
    case 'TaskCompleted':
      return record === null || event.kind !== 'human' ? null : completed(record, event);
    case 'TaskFailed':
      return record === null || event.kind !== 'human' ? null : { ...record, completedBy: event.by, ...endedAt(event) };
    default:
      return null;
  }
}

function completed(record: HumanRecord, event: TaskCompleted): HumanRecord {
  const { by, at, outcome, comment } = event;
  const said = by === null || comment === undefined ? record : withComment(record, by, at, comment);
  return { ...said, completedBy: by, ...endedAt(event), ...(outcome === undefined ? {} : { outcome }) };
}

function endedAt({ endedBy, at }: TaskCompleted | TaskFailed): Pick<HumanRecord, 'endedAt'> {
  return endedBy === undefined ? {} : { endedAt: at };
}

function withComment(record: HumanRecord, by: string, at: EpochMs, text: string): HumanRecord {
  return { ...record, comments: [...(record.comments ?? []), { by, at, text }] };
}

function openRecord(before: InstanceState | null, path: TaskPath): HumanRecord | null {
  const task = before === null ? undefined : heldTask(before, path);
  if (task?.type !== 'human' || task.status !== 'open') return null;
  const { title, assignees, dueAt, votes, comments, delegations } = task;
  return {
    ...{ title, assignees, dueAt, completedBy: null },
    ...(votes === undefined ? {} : { votes: votes.map(({ seq: _, output: __, ...vote }) => vote) }),
    ...(comments === undefined ? {} : { comments }),
    ...(delegations === undefined ? {} : { delegations }),
  };
}
