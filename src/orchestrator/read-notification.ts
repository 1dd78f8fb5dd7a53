/** A record of the notifications becomes one with branded ids, or an invalid message. What cannot be read now (registry away) is thrown. */
import { eventView } from '../core/external-event.ts';
import { type Basis, type InstanceId, parseCommandId, parseInstanceId, parseTaskId, type TaskPath } from '../core/ids.ts';
import type { AddressedNotification, CommandIssued, Notification, RaisedBy, TaskOutcome } from '../core/instance/notification.ts';
import type { TaskError, TimerKind } from '../core/instance/state.ts';
import { isJsonObject, type Json } from '../core/json.ts';
import { parseJsonStrict } from '../core/strict-json.ts';
import { type Codec, type Decoded, invalidMessageOf, type Undecodable } from '../messaging/codec.ts';
import type { InvalidMessage } from '../messaging/dead-letter-codes.ts';
import type * as records from '../messaging/generated/records.ts';
import type { LogRecord } from '../messaging/log.ts';

export type Received = AddressedNotification & { readonly record: LogRecord };

export type ReadNotification =
  | { readonly ok: true; readonly received: Received }
  /** `instanceId` if it could be told. */
  | { readonly ok: false; readonly invalid: InvalidMessage; readonly record: LogRecord; readonly instanceId: InstanceId | null };

const notifications = ['TaskOutcome', 'CommandIssued', 'TimerFired', 'EventMatched'] as const;
type NotificationRecord = (typeof notifications)[number];

/** At once for a schema that is known; rejects with a retryable MillraceError when the registry must be asked and is away. */
export function readNotification(record: LogRecord, codec: Codec, maxBytes: number): ReadNotification | Promise<ReadNotification> {
  const { key, value } = record;
  if (value === null) return refused(record, { code: 'MR_TOMBSTONE', reason: 'a notification without a value' });
  if (key === null || key.length === 0) return refused(record, { code: 'MR_NO_KEY', reason: 'a notification without a key' });
  if (value.length > maxBytes) {
    return refused(record, { code: 'MR_TOO_LARGE', reason: `${value.length} bytes, where ${maxBytes} are the limit` });
  }
  const decoded = codec.decode(value, notifications);
  return decoded instanceof Promise ? decoded.then((done) => toReceived(done, record, key)) : toReceived(decoded, record, key);
}

function toReceived(decoded: Decoded<NotificationRecord> | Undecodable, record: LogRecord, key: Buffer): ReadNotification {
  if (!decoded.ok) return refused(record, invalidMessageOf(decoded));
  const instanceId = parseInstanceId(decoded.value.instanceId);
  // Latin letters and digits only, or it is no id: one byte a character.
  if (instanceId === undefined || key.toString('latin1') !== instanceId)
    return refused(record, invalid('the key is not the id of an instance'));
  const notification = toNotification(decoded, instanceId);
  if ('code' in notification) return refused(record, notification);
  const cause = `${record.topic}/${record.partition}@${record.offset}`;
  return { ok: true, received: { instanceId, cause, notification, record } };
}

function toNotification(decoded: Decoded<NotificationRecord>, instanceId: InstanceId): Notification | InvalidMessage {
  switch (decoded.record) {
    case 'TaskOutcome':
      return toOutcome(decoded.value, instanceId);
    case 'CommandIssued':
      return toCommand(decoded.value, instanceId);
    case 'TimerFired':
      return toTimer(decoded.value);
    case 'EventMatched':
      return toMatch(decoded.value, instanceId);
  }
}

function toOutcome(value: records.TaskOutcome, instanceId: InstanceId): TaskOutcome | InvalidMessage {
  const path = pathOf(value.taskId, instanceId);
  if (path === null) return invalid('taskId and instanceId do not belong together');
  const result = resultOf(value);
  if ('code' in result) return result;
  return { type: 'TaskOutcome', path, attempt: value.attempt, basis: value.basis as Basis, result };
}

function resultOf({
  status,
  output,
  errorCode,
  errorMessage,
  retryable,
  retryAfterMs,
}: records.TaskOutcome): TaskOutcome['result'] | InvalidMessage {
  switch (status) {
    case 'completed': {
      if (output === null) return { status, output: null };
      const parsed = parseJsonStrict(output);
      if (parsed.ok) return { status, output: parsed.value };
      if (parsed.reason === 'syntax') return invalid('the output is not JSON');
      // Our own workers look themselves; another client's must not lose the task for it.
      const message = `The output cannot be taken as it is (at ${parsed.pointer || '/'}): ${parsed.message}`;
      return { status: 'failed', error: { code: 'OUTPUT_INVALID', message }, retryable: false, retryAfterMs: null };
    }
    case 'failed':
    case 'timedOut': {
      if (errorCode === null) return invalid('a failure without an error code');
      const wait = retryAfterMs === null || retryAfterMs <= 0 ? null : retryAfterMs;
      return { status, error: { code: errorCode, message: errorMessage ?? '' }, retryable: retryable ?? true, retryAfterMs: wait };
    }
    case 'returned':
      return { status };
    default:
      return invalid('a status that this version does not know');
  }
}

function toCommand(value: records.CommandIssued, instanceId: InstanceId): CommandIssued | InvalidMessage {
  const commandId = parseCommandId(value.commandId);
  if (commandId === undefined) return invalid('the commandId is no UUID');
  const path = value.taskId === null ? null : pathOf(value.taskId, instanceId);
  if (value.taskId !== null && path === null) return invalid('taskId and instanceId do not belong together');
  const payload = value.payload === null ? null : parseJsonStrict(value.payload);
  if (payload?.ok === false) return invalid(`the payload cannot be read: ${payload.reason}`);
  const command = commandOf(value, path, payload?.value ?? null);
  return 'code' in command ? command : { type: 'CommandIssued', commandId, by: value.by, command };
}

function commandOf(
  { type, attempt }: records.CommandIssued,
  path: TaskPath | null,
  payload: Json,
): CommandIssued['command'] | InvalidMessage {
  switch (type) {
    case 'cancel':
      return { type, reason: typeof payload === 'string' ? payload : null };
    case 'pause':
    case 'resume':
      return { type };
    case 'retry':
      if (path !== null) return { type, path, raisedBy: attempt === null ? null : { [path]: attempt } };
      return { type, path, raisedBy: raisedByOf(payload) };
    case 'completeTask':
      return path === null || attempt === null
        ? invalid('a completion without a task or an attempt')
        : { type, path, attempt, output: payload };
    case 'failTask': {
      const error = taskErrorOf(payload);
      return path === null || attempt === null || error === null
        ? invalid('a failure without a task, an attempt or an error')
        : { type, path, attempt, error };
    }
    case 'redispatch':
      return path === null || attempt === null ? invalid('a dispatch without a task or an attempt') : { type, path, attempt };
    default:
      return invalid('a command that this version does not know');
  }
}

function raisedByOf(payload: Json): RaisedBy | null {
  if (!isJsonObject(payload)) return null;
  return Object.fromEntries(Object.entries(payload).filter((entry): entry is [string, number] => typeof entry[1] === 'number'));
}

function taskErrorOf(payload: Json): TaskError | null {
  if (!isJsonObject(payload)) return null;
  const { code, message } = payload;
  return typeof code === 'string' && typeof message === 'string' ? { code, message } : null;
}

function toTimer({ timerId, kind, dueAt }: records.TimerFired): Notification | InvalidMessage {
  // A kind that is unknown here belongs to no timer of the instance, so the core drops it as stale.
  return timerId === '' ? invalid('a timer without an id') : { type: 'TimerFired', timerId, kind: kind as TimerKind, dueAt };
}

function toMatch(value: records.EventMatched, instanceId: InstanceId): Notification | InvalidMessage {
  const { attempt, wait, eventRowId, whereError } = value;
  const path = pathOf(value.taskId, instanceId);
  if (path === null) return invalid('taskId and instanceId do not belong together');
  if (!/^[0-9]{1,18}$/.test(eventRowId)) return invalid('the eventRowId is no number of a row');
  const data = parseJsonStrict(value.data);
  if (!data.ok) return invalid(`the data cannot be read: ${data.reason}`);
  const { eventId: id, eventType: type, eventSource: source, eventKey: key, eventTime: time } = value;
  const event = eventView({ id, type, source, key, time, data: data.value });
  return { type: 'EventMatched', path, attempt, wait, eventRowId, event, whereError };
}

function pathOf(taskId: string, instanceId: InstanceId): TaskPath | null {
  const id = parseTaskId(taskId);
  return id?.instanceId === instanceId ? id.path : null;
}

function invalid(reason: string): InvalidMessage {
  return { code: 'MR_MESSAGE_INVALID', reason };
}

function refused(record: LogRecord, invalid: InvalidMessage): ReadNotification {
  return { ok: false, invalid, record, instanceId: parseInstanceId(record.key?.toString('utf8') ?? '') ?? null };
}
