/**
 * External events as they arrive on Kafka: our own Avro record, and CloudEvents in binary and in structured mode, told apart by
 * their headers. A record without a value and without headers of an event is a tombstone, of which compacted topics are full:
 * neither an event nor an error. Every other record that is not a complete event is an invalid message: a value, never thrown.
 * @see https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md
 */
import type { ExternalEvent } from '../../core/external-event.ts';
import { type Codec, invalidMessageOf } from '../codec.ts';
import type { InvalidMessage } from '../dead-letter-codes.ts';
import type { LogRecord } from '../log.ts';
import { readEventRecord } from '../records/external-event.ts';
import { readBinaryMode } from './binary-mode.ts';
import { checkedEvent, invalid, positionOf, type Read } from './check-event.ts';
import { parseData } from './event-data.ts';
import { contentTypeOf, namesAttributes, versionOf } from './event-headers.ts';
import { readStructuredMode } from './structured-mode.ts';

/** Of a batch, some events may be valid and others not. */
export type ReadEvents =
  | { readonly kind: 'tombstone' }
  | { readonly kind: 'events'; readonly events: readonly ExternalEvent[]; readonly invalid: InvalidMessage | null };

export type EventReaderOptions = {
  readonly codec: Codec;
  /** Values above this are invalid, though the broker took them; default 1 MiB. */
  readonly maxBytes?: number;
};

const structuredPrefix = 'application/cloudevents';
const howToSend =
  'send CloudEvents in binary mode (a header ce_specversion: 1.0), in structured mode (a header content-type: application/cloudevents+json), or the Avro record ExternalEvent';

/** Rejects with a retryable `MillraceError` when the registry is away, and with nothing else. */
export async function readEvents(record: LogRecord, { codec, maxBytes = 1_048_576 }: EventReaderOptions): Promise<ReadEvents> {
  const { value, unreadable } = record;
  if (unreadable !== undefined) return { kind: 'events', events: [], invalid: unreadable };
  if (value !== null && value.length > maxBytes) {
    return oneOf(invalid('MR_TOO_LARGE', `the record has ${value.length} bytes, but may have at most ${maxBytes}`));
  }
  const contentType = contentTypeOf(record);
  if (contentType?.mediaType.startsWith(structuredPrefix) === true) return await readStructuredMode(record, contentType, codec);
  if (versionOf(record) !== null) return oneOf(await readBinaryMode(record, codec));
  if (namesAttributes(record)) {
    const reason = 'it has headers of CloudEvents in binary mode, but no ce_specversion: send ce_specversion: 1.0 with them';
    return oneOf(invalid('MR_EVENT_INVALID', reason));
  }
  if (value === null) return { kind: 'tombstone' };
  return oneOf(await readOwn(record, value, codec));
}

async function readOwn(record: LogRecord, value: Buffer, codec: Codec): Promise<Read<ExternalEvent>> {
  const decoded = await codec.decode(value, ['ExternalEvent']);
  if (!decoded.ok) {
    const { code, reason } = invalidMessageOf(decoded);
    return invalid(code, code === 'MR_NOT_FRAMED' ? `${recognised(value)}: ${howToSend}` : reason);
  }
  const event = readEventRecord(decoded.value, positionOf(record));
  const parsed = parseData(event.data);
  return parsed.ok ? checkedEvent({ ...event, data: parsed.value }) : parsed;
}

/** Guesses what bytes without headers are, for the message. */
function recognised(value: Buffer): string {
  const begin = value.subarray(0, 64).toString('latin1').trimStart();
  if (!/^[[{]/.test(begin)) return `${value.length} bytes that do not begin with a zero byte and a schema id, without headers of an event`;
  return value.includes('"specversion"')
    ? 'a CloudEvent in JSON without its content type: send application/cloudevents+json'
    : 'JSON without the headers of an event';
}

function oneOf(read: Read<ExternalEvent>): ReadEvents {
  if (read.ok) return { kind: 'events', events: [read.value], invalid: null };
  const { code, reason } = read;
  return { kind: 'events', events: [], invalid: { code, reason } };
}
