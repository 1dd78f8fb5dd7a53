/**
 * Parses a record of a task topic into a task with branded ids, or says why it is invalid. Throws while it cannot tell, since the
 * registry is unavailable.
 */
import { type Codec, type Decoded, invalidMessageOf, type Undecodable } from '../messaging/codec.ts';
import type { InvalidMessage } from '../messaging/dead-letter-codes.ts';
import type { LogRecord } from '../messaging/log.ts';
import { readTaskRecord, type ScheduledTask } from '../messaging/records/task-scheduled.ts';

export type { ScheduledTask };

export type ReadTask = { readonly ok: true; readonly task: ScheduledTask } | { readonly ok: false; readonly invalid: InvalidMessage };

/** Answers at once if the schema is known; rejects with a retryable MillraceError if the registry is needed and unavailable. */
export function readTask(record: LogRecord, codec: Codec, maxBytes: number): ReadTask | Promise<ReadTask> {
  const { key, value, unreadable } = record;
  if (unreadable !== undefined) return { ok: false, invalid: unreadable };
  if (value === null) return refused('MR_TOMBSTONE', 'a task record without a value');
  if (key === null || key.length === 0) return refused('MR_NO_KEY', 'a task record without a key');
  if (value.length > maxBytes) return refused('MR_TOO_LARGE', `the record has ${value.length} bytes, but may have at most ${maxBytes}`);
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

/** The key by which a called service recognises a repeat (protocol.md, "A step" 5). */
export function idempotencyKeyOf({ taskId, basis }: ScheduledTask): string {
  return `${taskId}:${basis}`;
}
