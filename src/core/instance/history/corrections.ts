/** What people change in a running instance, as its history holds it: variables, the ends of nodes, its version. */
import type { CommandId, EpochMs, NodeId, TaskPath } from '../../ids.ts';
import type { JsonObject } from '../../json.ts';

export type At = { readonly at: EpochMs };
export type Commanded = At & { readonly by: string; readonly commandId: CommandId };

/** A person changed variables. */
export type VarsChanged = Commanded & { readonly type: 'VarsChanged'; readonly vars: JsonObject; readonly reason: string | null };
/** A person completes or skips a node that is open or under an incident. The event that ends it follows. */
export type NodeCorrected = Commanded & {
  readonly type: 'NodeCorrected';
  readonly path: TaskPath;
  readonly nodeId: NodeId;
  readonly attempt: number;
  readonly action: 'complete' | 'skip';
  readonly reason: string | null;
};
/**
 * A node that had ended runs again: the event that opens it under its next attempt follows. The tasks of `reset` lie behind it. They
 * are taken back, and open again, or not, as its edges say then; those that had been opened were cancelled before.
 */
export type NodeRerun = Commanded & {
  readonly type: 'NodeRerun';
  readonly path: TaskPath;
  readonly nodeId: NodeId;
  /** The one that had ended. */
  readonly attempt: number;
  readonly reset: readonly TaskPath[];
  readonly reason: string | null;
};
/**
 * The instance goes on under another version of its definition. What is open stays as it was opened. `NodeSkipped` follows for each
 * new node that it has passed.
 */
export type InstanceMigrated = Commanded & {
  readonly type: 'InstanceMigrated';
  readonly fromVersion: number;
  readonly toVersion: number;
  /** First values of variables that the instance did not have. */
  readonly vars: JsonObject;
  readonly reason: string | null;
};
