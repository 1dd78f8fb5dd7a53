/** What has to happen before an open task goes on, as people are shown it. Each type of node says it of its own tasks. */
import type { EpochMs } from '../../ids.ts';
import type { TaskError } from '../../instance/state/state.ts';

/** Instants are RFC 3339 strings. */
export type WaitingFor =
  | { kind: 'worker'; queue: string | null }
  | { kind: 'retry'; until: string; lastError: TaskError | null }
  | {
      kind: 'person';
      assignees: { users: string[]; roles: string[] };
      title: string;
      dueAt: string | null;
      votes?: number;
      atLeast?: number;
    }
  | { kind: 'time'; until: string }
  | { kind: 'event'; events: { type: string; key: string }[]; received: number; count: number }
  /** `instanceId` is null while an earlier child of the task is still ending. */
  | { kind: 'child'; definition: { id: string; version: number | null }; instanceId: string | null }
  | { kind: 'items'; total: number; running: number; waiting: number; failed: number }
  | { kind: 'round'; round: number; running: boolean };

export function instant(at: EpochMs): string {
  return new Date(at).toISOString();
}
