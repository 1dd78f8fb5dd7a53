/** Work of an instance that may have to be undone. See `follow-ups/undo.ts`. */
import type { Basis, CommandId, EpochMs, NodeId, TaskPath } from '../../ids.ts';
import type { Json, JsonObject } from '../../json.ts';
import type { PayloadSeq, StoredTaskPayload, TaskError } from './task-work.ts';

type UndoEntryCommon = {
  /** Of the node's task. */
  readonly path: TaskPath;
  readonly nodeId: NodeId;
  readonly attempt: number;
  readonly basis: Basis;
  /**
   * The names that the compensation sees, as they were when the node ended; null: there is no compensation, and the entry is only
   * awaited.
   */
  readonly names: JsonObject | null;
  /** History entry that has the names. */
  readonly namesSeq: number;
};
/** The node was cancelled, or its instance is ending, while a worker has its task and may still complete it. */
export type AwaitedWork = UndoEntryCommon & {
  readonly status: 'awaited';
  readonly type: 'http' | 'task';
  readonly payload: StoredTaskPayload;
  readonly openedAt: EpochMs;
  readonly dispatchedAt: EpochMs;
};
/** The node was cancelled while its child runs, and the child may still complete. The books await its end. */
export type AwaitedChild = UndoEntryCommon & {
  readonly status: 'awaitedChild';
  readonly input: Json;
  readonly inputSeq: number;
  readonly openedAt: EpochMs;
};
/** The task completed. */
export type DoneWork = UndoEntryCommon & {
  readonly status: 'done';
  /** History entry of the completion; entries are undone in reverse order. */
  readonly seq: number;
  readonly input: Json;
  /** null: the node takes none. */
  readonly inputSeq: number | null;
  readonly output: Json;
  readonly outputSeq: PayloadSeq;
};
/** `planned` exists within a decision only: the next event ends the task. */
export type UndoEntry = AwaitedWork | AwaitedChild | DoneWork | (UndoEntryCommon & { readonly status: 'planned' });

export type Undo = {
  /** Entries of all scopes that are `awaited`, and that are `done`. */
  readonly awaited: number;
  readonly done: number;
  /** Entries that are `awaitedChild`. Absent: there never were any. */
  readonly awaitedChildren?: number;
  /** How the instance ends after its compensations; null while it runs. */
  readonly goal: EndGoal | null;
  /** The entry whose compensation runs, as a task of the instance's own scope. */
  readonly current: DoneWork | null;
};

export type EndGoal =
  | { readonly status: 'failed'; readonly error: TaskError; readonly nodeId: NodeId | null }
  | { readonly status: 'cancelled'; readonly by: string; readonly commandId: CommandId | null; readonly reason: string | null };

/** Of a scope. No entries are no member. */
export function setEntries(scope: { undo?: readonly UndoEntry[] }, entries: readonly UndoEntry[]): void {
  if (entries.length === 0) delete scope.undo;
  else scope.undo = entries;
}

/** How many entries have that status. */
export function countOf(entries: readonly UndoEntry[], status: UndoEntry['status']): number {
  return entries.reduce((count, entry) => count + Number(entry.status === status), 0);
}
