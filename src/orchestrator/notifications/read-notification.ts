/**
 * Parses a record of the topic of notifications into one with branded ids, or says why it is invalid. Throws while it cannot tell,
 * since the registry is unavailable.
 */
import { type InstanceId, parseInstanceId } from '../../core/ids.ts';
import type { AddressedNotification } from '../../core/instance/decide/notification.ts';
import { type Codec, type Decoded, invalidMessageOf, type Undecodable } from '../../messaging/codec.ts';
import type { InvalidMessage } from '../../messaging/dead-letter-codes.ts';
import type { LogRecord } from '../../messaging/log.ts';
import { readChildEndRecord } from '../../messaging/records/child-end.ts';
import { readChildStartRecord } from '../../messaging/records/child-start.ts';
import { readChildWordRecord } from '../../messaging/records/child-word.ts';
import { readCommandRecord } from '../../messaging/records/command-issued.ts';
import { readMatchRecord } from '../../messaging/records/event-matched.ts';
import { invalid } from '../../messaging/records/invalid.ts';
import { isReferring, type ReferringOutcome, readOutcomeRecord } from '../../messaging/records/task-outcome.ts';
import { readTimerRecord } from '../../messaging/records/timer-fired.ts';

export type Received = AddressedNotification & { readonly record: LogRecord };

/** An output that is too large for a record is still to be read. */
export type ReferringRecord = Omit<Received, 'notification'> & { readonly notification: ReferringOutcome };

/** As its record says. */
export type ReadRecord = Received | ReferringRecord;

export function isReferringRecord(record: ReadRecord): record is ReferringRecord {
  return record.notification.type === 'TaskOutcome' && isReferring(record.notification);
}

export type ReadNotification =
  | { readonly ok: true; readonly received: ReadRecord }
  /** `instanceId` if it could be read. */
  | { readonly ok: false; readonly invalid: InvalidMessage; readonly record: LogRecord; readonly instanceId: InstanceId | null };

const notifications = ['TaskOutcome', 'CommandIssued', 'TimerFired', 'EventMatched', 'ChildStart', 'ChildWord', 'ChildEnd'] as const;
type NotificationRecord = (typeof notifications)[number];

/** Answers at once if the schema is known; rejects with a retryable MillraceError if the registry is needed and unavailable. */
export function readNotification(record: LogRecord, codec: Codec, maxBytes: number): ReadNotification | Promise<ReadNotification> {
  const { key, value, unreadable } = record;
  if (unreadable !== undefined) return refused(record, unreadable);
  if (value === null) return refused(record, { code: 'MR_TOMBSTONE', reason: 'a notification without a value' });
  if (key === null || key.length === 0) return refused(record, { code: 'MR_NO_KEY', reason: 'a notification without a key' });
  if (value.length > maxBytes) {
    return refused(record, { code: 'MR_TOO_LARGE', reason: `the record has ${value.length} bytes, but may have at most ${maxBytes}` });
  }
  const decoded = codec.decode(value, notifications);
  return decoded instanceof Promise ? decoded.then((done) => toReceived(done, record, key)) : toReceived(decoded, record, key);
}

function toReceived(decoded: Decoded<NotificationRecord> | Undecodable, record: LogRecord, key: Buffer): ReadNotification {
  if (!decoded.ok) return refused(record, invalidMessageOf(decoded));
  const instanceId = parseInstanceId(decoded.value.instanceId);
  // An id is ASCII, so comparing bytes as Latin-1 is exact and cheap.
  if (instanceId === undefined || key.toString('latin1') !== instanceId)
    return refused(record, invalid('the key is not the id of an instance'));
  const notification = toNotification(decoded, instanceId);
  if ('code' in notification) return refused(record, notification);
  const cause = `${record.topic}/${record.partition}@${record.offset}`;
  const received =
    notification.type === 'TaskOutcome' && isReferring(notification)
      ? { instanceId, cause, notification, record }
      : { instanceId, cause, notification, record };
  return { ok: true, received };
}

function toNotification(decoded: Decoded<NotificationRecord>, instanceId: InstanceId): ReadRecord['notification'] | InvalidMessage {
  switch (decoded.record) {
    case 'TaskOutcome':
      return readOutcomeRecord(decoded.value, instanceId);
    case 'CommandIssued':
      return readCommandRecord(decoded.value, instanceId);
    case 'TimerFired':
      return readTimerRecord(decoded.value);
    case 'EventMatched':
      return readMatchRecord(decoded.value, instanceId);
    case 'ChildStart':
      return readChildStartRecord(decoded.value);
    case 'ChildWord':
      return readChildWordRecord(decoded.value);
    case 'ChildEnd':
      return readChildEndRecord(decoded.value);
  }
}

function refused(record: LogRecord, invalid: InvalidMessage): ReadNotification {
  return { ok: false, invalid, record, instanceId: parseInstanceId(record.key?.toString('utf8') ?? '') ?? null };
}
