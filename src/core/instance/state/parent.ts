/** Who a child was asked for by, what that parent wants of it, and what it keeps of it in its books. */
import type { DefinitionId, InstanceId, ScopePath, TaskPath } from '../../ids.ts';
import type { Json } from '../../json.ts';

/** Who asked for a child, and for what. */
export type Parent =
  | { readonly kind: 'instance'; readonly instanceId: InstanceId; readonly path: TaskPath; readonly attempt: number }
  /** A schedule is the parent of its runs. */
  | { readonly kind: 'schedule'; readonly scheduleId: InstanceId; readonly run: number };

/** What a parent wants of a child. A cancel is final. */
export type Wish = 'run' | 'pause' | 'cancel';

export type ChildOf = {
  readonly parent: Parent;
  /** How many instances stand above this one. */
  readonly depth: number;
  readonly detached: boolean;
  /** Of the parent's last wish that was applied. */
  readonly number: number;
};

/**
 * A row of the books: a child that was asked for and whose end was not heard. It stands among the scopes, under the path of
 * its task and `#child`, and is loaded like one; it stays when its task, its item or its instance ends.
 */
export type BookedChild = {
  readonly path: ScopePath;
  readonly status: 'child';
  readonly childId: InstanceId;
  /** Of the task that asked for it. */
  readonly attempt: number;
  readonly definitionId: DefinitionId;
  /** null: the latest. */
  readonly version: number | null;
  readonly detached: boolean;
  readonly wish: Wish;
  readonly number: number;
  readonly input: Json;
  /** History entry that holds the input. */
  readonly inputSeq: number;
};
