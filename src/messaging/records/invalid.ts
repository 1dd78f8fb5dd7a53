/** Shared by readers of records: an invalid message, and a task id that must belong to the record's instance. */
import { type InstanceId, parseTaskId, type TaskPath, taskIdOf } from '../../core/ids.ts';
import type { InvalidMessage } from '../dead-letter-codes.ts';

export function invalid(reason: string): InvalidMessage {
  return { code: 'MR_MESSAGE_INVALID', reason };
}

/** @returns null when the task belongs to another instance, or the id is not valid. */
export function pathIn(taskId: string, instanceId: InstanceId): TaskPath | null {
  const id = parseTaskId(taskId);
  return id?.instanceId === instanceId ? id.path : null;
}

export function taskIdAt(instanceId: InstanceId, path: TaskPath | null): string | null {
  return path === null ? null : taskIdOf(instanceId, path);
}
