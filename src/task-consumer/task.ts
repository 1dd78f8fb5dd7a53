/** A record of a task topic becomes a task with branded ids, or an invalid message. What cannot be read now (registry away) is thrown. */
import { type Codec, type Decoded, invalidMessageOf, type Undecodable } from '../messaging/codec.ts';
import type { InvalidMessage } from '../messaging/dead-letter-codes.ts';
import type { LogRecord } from '../messaging/log.ts';
import { readTaskRecord, type ScheduledTask } from '../messaging/records/task-scheduled.ts';

export type { ScheduledTask };

export type ReadTask = { readonly ok: true; readonly task: ScheduledTask } | { readonly ok: false; readonly invalid: InvalidMessage };

/** At once for a schema that is known; rejects with a retryable MillraceError when the registry must be asked and is away. */
export function readTask(record: LogRecord, codec: Codec, maxBytes: number): ReadTask | Promise<ReadTask> {
  const { key, value, unreadable } = record;
  if (unreadable !== undefined) return { ok: false, invalid: unreadable };
  if (value === null) return refused('MR_TOMBSTONE', 'a task record without a value');
  if (key === null || key.length === 0) return refused('MR_NO_KEY', 'a task record without a key');
  if (value.length > maxBytes) return refused('MR_TOO_LARGE', `${value.length} bytes, where ${maxBytes} are the limit`);
  const decoded = codec.decode(value, ['TaskScheduled']);
  return decoded instanceof Promise ? decoded.then((done) => toTask(done, key)) : toTask(decoded, key);
}

function toTask(decoded: Decoded<'TaskScheduled'> | Undecodable, key: Buffer): ReadTask {
  if (!decoded.ok) return { ok: false, invalid: invalidMessageOf(decoded) };
  const task = readTaskRecord(decoded.value, key);
  return 'code' in task ? { ok: false, invalid: task } : { ok: true, task };
}

function refused(code: InvalidMessage['code'], reason: string): ReadTask {
  return { ok: false, invalid: { code, reason } };
}

/** What the far side recognises a repeat by (protocol.md, "A step" 5). */
export function idempotencyKeyOf({ taskId, basis }: ScheduledTask): string {
  return `${taskId}:${basis}`;
}
