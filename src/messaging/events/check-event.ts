/** Checks that every event must pass, whatever its format. */
import { CORRELATION_KEY_LENGTH_MAX, characterCount } from '../../core/correlation-key.ts';
import { parseInstant } from '../../core/duration.ts';
import type { ExternalEvent } from '../../core/external-event.ts';
import type { EpochMs } from '../../core/ids.ts';
import type { DeadLetterCode, InvalidMessage } from '../dead-letter-codes.ts';
import type { LogRecord } from '../log.ts';

export type Read<Value> = { readonly ok: true; readonly value: Value } | ({ readonly ok: false } & InvalidMessage);

export function invalid(code: DeadLetterCode, reason: string): { readonly ok: false } & InvalidMessage {
  return { ok: false, code, reason };
}

/** Longest id, type and source, in characters: like the key, they are indexed. */
const NAME_LENGTH_MAX = 500;
/** Times outside of these years can be neither stored nor shown. */
const timeMin = Date.parse('0001-01-01T00:00:00Z');
const timeMax = Date.parse('9999-12-31T23:59:59.999Z');

export function checkedEvent(event: ExternalEvent): Read<ExternalEvent> {
  if (event.key === '') return invalid('MR_NO_KEY', 'the event has an empty key');
  if (event.time !== null && (event.time < timeMin || event.time > timeMax))
    return invalid('MR_EVENT_INVALID', 'the time must be in a year from 1 to 9999');
  for (const name of ['id', 'type', 'source', 'key'] as const) {
    if (event[name] === '') return invalid('MR_EVENT_INVALID', `the event has no ${name}`);
    const lengthMax = name === 'key' ? CORRELATION_KEY_LENGTH_MAX : NAME_LENGTH_MAX;
    if (characterCount(event[name]) > lengthMax) return invalid('MR_EVENT_INVALID', `the ${name} is longer than ${lengthMax} characters`);
    // Postgres cannot store it in a text column.
    if (event[name].includes('\0')) return invalid('MR_EVENT_INVALID', `the ${name} holds a zero character`);
  }
  return { ok: true, value: event };
}

/** The id of an event that has none: the same for every delivery of the record. */
export function positionOf({ topic, partition, offset }: LogRecord): string {
  return `${topic}-${partition}-${offset}`;
}

/** RFC 3339, with an offset. */
export function timeOf(text: string | null): EpochMs | null | 'invalid' {
  if (text === null) return null;
  // Some clients write a blank in place of the T.
  return parseInstant(text.replace(' ', 'T')) ?? 'invalid';
}

/** The record's key as a correlation key; null when there is none, or it is not UTF-8. */
export function keyOf({ key }: LogRecord): string | null {
  if (key === null || key.length === 0) return null;
  try {
    return utf8.decode(key);
  } catch {
    // TextDecoder throws if it is not UTF-8.
    return null;
  }
}

/** Of a record without a correlation key: what stands there may be a number, or bytes in a form of their own. */
export function whyNoKey({ key }: LogRecord): string {
  return key === null || key.length === 0 ? 'the record has no key' : "the record's key is not UTF-8";
}

const utf8 = new TextDecoder('utf-8', { fatal: true });
