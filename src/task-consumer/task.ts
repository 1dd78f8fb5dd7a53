/** A record of a task topic becomes a task with branded ids, or an invalid message. What cannot be read now (registry away) is thrown. */
import { type Basis, type InstanceId, parseTaskId, type TaskId } from '../core/ids.ts';
import type { Json } from '../core/json.ts';
import { parseJsonStrict } from '../core/strict-json.ts';
import { type Codec, type Decoded, invalidMessageOf, type Undecodable } from '../messaging/codec.ts';
import type { InvalidMessage } from '../messaging/dead-letter-codes.ts';
import type { LogRecord } from '../messaging/log.ts';

export type ScheduledTask = {
  readonly taskId: TaskId;
  readonly instanceId: InstanceId;
  readonly attempt: number;
  readonly basis: Basis;
  /** `null` stands for a kind of work that this version does not know. */
  readonly work: { readonly type: 'http' } | { readonly type: 'task'; readonly name: string } | null;
  readonly input: Json;
  /** From the start of the attempt. */
  readonly timeoutMs: number;
  /** By the clock of the instance database. */
  readonly dispatchedAt: number;
};

export type ReadTask = { readonly ok: true; readonly task: ScheduledTask } | { readonly ok: false; readonly invalid: InvalidMessage };

/** At once for a schema that is known; rejects with a retryable MillraceError when the registry must be asked and is away. */
export function readTask(record: LogRecord, codec: Codec, maxBytes: number): ReadTask | Promise<ReadTask> {
  const { key, value } = record;
  if (value === null) return refused('MR_TOMBSTONE', 'a task record without a value');
  if (key === null || key.length === 0) return refused('MR_NO_KEY', 'a task record without a key');
  if (value.length > maxBytes) return refused('MR_TOO_LARGE', `${value.length} bytes, where ${maxBytes} are the limit`);
  const decoded = codec.decode(value, ['TaskScheduled']);
  return decoded instanceof Promise ? decoded.then((done) => toTask(done, key)) : toTask(decoded, key);
}

function toTask(decoded: Decoded<'TaskScheduled'> | Undecodable, key: Buffer): ReadTask {
  if (!decoded.ok) return { ok: false, invalid: invalidMessageOf(decoded) };
  const { value } = decoded;
  const id = parseTaskId(value.taskId);
  if (id === undefined || id.instanceId !== value.instanceId) return invalid('taskId and instanceId do not belong together');
  if (key.toString('utf8') !== value.instanceId) return invalid('the key is not the instance');
  if (value.attempt < 1 || value.basis === '' || !(value.timeoutMs > 0)) return invalid('attempt, basis or timeoutMs cannot be one');
  const input = parseJsonStrict(value.input);
  if (!input.ok) return invalid(`the input cannot be read: ${input.reason}`);
  return {
    ok: true,
    task: {
      taskId: value.taskId as TaskId,
      instanceId: id.instanceId,
      attempt: value.attempt,
      basis: value.basis as Basis,
      work: workOf(value.type, value.task),
      input: input.value,
      timeoutMs: value.timeoutMs,
      dispatchedAt: value.dispatchedAt,
    },
  };
}

function workOf(type: string, name: string | null): ScheduledTask['work'] {
  if (type === 'http') return { type: 'http' };
  return type === 'task' && name !== null ? { type: 'task', name } : null;
}

function invalid(reason: string): ReadTask {
  return refused('MR_MESSAGE_INVALID', reason);
}

function refused(code: InvalidMessage['code'], reason: string): ReadTask {
  return { ok: false, invalid: { code, reason } };
}

/** What the far side recognises a repeat by (protocol.md, "A step" 5). */
export function idempotencyKeyOf({ taskId, basis }: ScheduledTask): string {
  return `${taskId}:${basis}`;
}
