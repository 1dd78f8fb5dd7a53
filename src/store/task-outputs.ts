/**
 * Outputs of tasks that are too large for a record: the port. A worker gives one to the API before the outcome that names it, and the
 * orchestrator reads it when it applies that outcome. A row never changes.
 */
import type { Basis, InstanceId, TaskPath } from '../core/ids.ts';

export type TaskOutputKey = {
  readonly instanceId: InstanceId;
  readonly path: TaskPath;
  readonly attempt: number;
  readonly basis: Basis;
  /** Of the output as JSON: an attempt that runs twice may give two. */
  readonly sha256: string;
};

/** `unknown`: there is no such task. `notOpen`: this attempt is not with a worker. `full`: it has given `outputsOfAttemptMax` others. */
export type GivenOutput = 'kept' | 'unknown' | 'notOpen' | 'full';

/** An attempt runs again when its worker was lost, and each run may give another output. */
export const outputsOfAttemptMax = 16;

export interface TaskOutputs {
  /** Keeps the output of an open attempt; one that is there already stays. @param output JSON. */
  keepOutput(partition: number, key: TaskOutputKey, output: string): Promise<GivenOutput>;
  /** By `outputKeyText`; those that are not there are missing. */
  keptOutputs(partition: number, keys: readonly TaskOutputKey[]): Promise<ReadonlyMap<string, string>>;
  /** Those that were applied. What is left, since a process died or its attempt was over, goes by maintenance. */
  removeOutputs(partition: number, keys: readonly TaskOutputKey[]): Promise<void>;
}

export function outputKeyText({ instanceId, path, attempt, basis, sha256 }: TaskOutputKey): string {
  return `${instanceId} ${path} ${attempt} ${basis} ${sha256}`;
}
