/**
 * External events as they arrive on Kafka: our own Avro record, or a CloudEvents message in binary mode, told apart by
 * the `ce_specversion` header. Anything else, and whatever lacks what an event must have, is an invalid message: a value, never thrown.
 * @see https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md
 */

import { assertNever } from '../core/assert.ts';
import { CORRELATION_KEY_LENGTH_MAX, characterCount } from '../core/correlation-key.ts';
import type { ExternalEvent } from '../core/external-event.ts';
import type { EpochMs } from '../core/ids.ts';
import type { Json } from '../core/json.ts';
import { parseJsonStrict } from '../core/strict-json.ts';
import { type Codec, invalidMessageOf } from './codec.ts';
import type { DeadLetterCode, InvalidMessage } from './dead-letter-codes.ts';
import { jsonOfAvro } from './foreign-avro.ts';
import { headerText, type LogRecord } from './log.ts';
import { readEventRecord } from './records/external-event.ts';

export type ReadEvent = { readonly ok: true; readonly event: ExternalEvent } | ({ readonly ok: false } & InvalidMessage);

export type EventReaderOptions = {
  readonly codec: Codec;
  /** Values above this are invalid, though the broker took them; default 1 MiB. */
  readonly maxBytes?: number;
};

/** Longest id, type and source, in characters: like the key, they are indexed. */
const NAME_LENGTH_MAX = 500;
/** Others can neither be stored nor shown. */
const timeMin = Date.parse('0001-01-01T00:00:00Z');
const timeMax = Date.parse('9999-12-31T23:59:59.999Z');

/** Rejects with a retryable `MillraceError` when the registry is away, and with nothing else. */
export async function readEvent(record: LogRecord, { codec, maxBytes = 1_048_576 }: EventReaderOptions): Promise<ReadEvent> {
  if (record.unreadable !== undefined) return { ok: false, ...record.unreadable };
  if (record.value === null) return invalid('MR_TOMBSTONE', 'the record has no value');
  if (record.value.length > maxBytes) return invalid('MR_TOO_LARGE', `${record.value.length} bytes, where ${maxBytes} are allowed`);
  if (headerText(record, 'ce_specversion') !== null) return await readCloudEvent(record, record.value, codec);
  if (headerText(record, 'content-type')?.startsWith('application/cloudevents') === true) {
    return invalid('MR_EVENT_INVALID', 'CloudEvents in structured mode are not read: send them in binary mode');
  }
  return await readOwn(record, record.value, codec);
}

async function readOwn(record: LogRecord, value: Buffer, codec: Codec): Promise<ReadEvent> {
  const decoded = await codec.decode(value, ['ExternalEvent']);
  if (!decoded.ok) return { ok: false, ...invalidMessageOf(decoded) };
  const event = readEventRecord(decoded.value, positionOf(record));
  const parsed = parseData(event.data);
  if (!parsed.ok) return parsed;
  return checkedEvent({ ...event, data: parsed.data });
}

async function readCloudEvent(record: LogRecord, value: Buffer, codec: Codec): Promise<ReadEvent> {
  const version = headerText(record, 'ce_specversion');
  if (version !== '1.0') return invalid('MR_EVENT_INVALID', 'ce_specversion is not 1.0');
  const time = timeOf(headerText(record, 'ce_time'));
  if (time === 'invalid') return invalid('MR_EVENT_INVALID', 'ce_time is no RFC 3339 time with an offset');
  const key = record.key !== null && record.key.length > 0 ? textOf(record.key) : headerText(record, 'ce_partitionkey');
  if (key === null) return invalid('MR_NO_KEY', 'the record has no key and no ce_partitionkey');
  const data = await cloudEventData(value, headerText(record, 'content-type'), codec);
  if (!data.ok) return data;
  return checkedEvent({
    id: headerText(record, 'ce_id') ?? positionOf(record),
    type: headerText(record, 'ce_type') ?? '',
    source: headerText(record, 'ce_source') ?? '',
    key,
    time,
    data: data.data,
  });
}

type Data = { readonly ok: true; readonly data: Json } | ({ readonly ok: false } & InvalidMessage);

async function cloudEventData(value: Buffer, contentType: string | null, codec: Codec): Promise<Data> {
  const mediaType = contentType?.split(';')[0]?.trim().toLowerCase() ?? 'application/json';
  if (mediaType === 'application/json' || mediaType === 'text/json' || mediaType.endsWith('+json')) {
    const text = textOf(value);
    return text === null ? invalid('MR_EVENT_INVALID', 'the data is not UTF-8') : parseData(text);
  }
  if (mediaType === 'application/avro' || mediaType === 'avro/binary' || mediaType.endsWith('+avro')) {
    const decoded = await codec.decodeForeign(value);
    if (!decoded.ok) return { ok: false, ...invalidMessageOf(decoded) };
    const data = jsonOfAvro(decoded.value);
    return data.ok ? { ok: true, data: data.value } : invalid('MR_NUMBER_UNSAFE', data.error);
  }
  return invalid('MR_EVENT_INVALID', 'the content type is neither JSON nor Avro');
}

function parseData(text: string): Data {
  const parsed = parseJsonStrict(text);
  if (parsed.ok) return { ok: true, data: parsed.value };
  switch (parsed.reason) {
    case 'syntax':
      return invalid('MR_EVENT_INVALID', 'the data is not JSON');
    case 'unsafeNumber':
      return invalid('MR_NUMBER_UNSAFE', `the data has a number at ${parsed.pointer} that a double would change: send it as a string`);
    case 'duplicateKey':
      return invalid('MR_EVENT_INVALID', `the data has the same key twice, at ${parsed.pointer}`);
    default:
      return assertNever(parsed);
  }
}

function checkedEvent(event: ExternalEvent): ReadEvent {
  if (event.key === '') return invalid('MR_NO_KEY', 'the event has an empty key');
  if (event.time !== null && (event.time < timeMin || event.time > timeMax))
    return invalid('MR_EVENT_INVALID', 'the time is of no year from 1 to 9999');
  for (const name of ['id', 'type', 'source', 'key'] as const) {
    if (event[name] === '') return invalid('MR_EVENT_INVALID', `the event has no ${name}`);
    const lengthMax = name === 'key' ? CORRELATION_KEY_LENGTH_MAX : NAME_LENGTH_MAX;
    if (characterCount(event[name]) > lengthMax) return invalid('MR_EVENT_INVALID', `the ${name} is longer than ${lengthMax} characters`);
    // Postgres cannot store it in a text column.
    if (event[name].includes('\0')) return invalid('MR_EVENT_INVALID', `the ${name} holds a zero character`);
  }
  return { ok: true, event };
}

/** The same for every delivery of the record. */
function positionOf({ topic, partition, offset }: LogRecord): string {
  return `${topic}-${partition}-${offset}`;
}

/** RFC 3339, whose offset is no option. */
function timeOf(text: string | null): EpochMs | null | 'invalid' {
  if (text === null) return null;
  if (!/^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/.test(text)) return 'invalid';
  const time = Date.parse(text);
  return Number.isNaN(time) ? 'invalid' : time;
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function textOf(bytes: Buffer): string | null {
  try {
    return utf8.decode(bytes);
  } catch {
    // TextDecoder says only by throwing that it is not UTF-8.
    return null;
  }
}

function invalid(code: DeadLetterCode, reason: string): { readonly ok: false } & InvalidMessage {
  return { ok: false, code, reason };
}
