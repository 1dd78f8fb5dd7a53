/** CloudEvents in structured mode: the record's value is the whole event in JSON, or an array of them (a batch). */
import type { ExternalEvent } from '../../core/external-event.ts';
import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import type { Codec } from '../codec.ts';
import type { InvalidMessage } from '../dead-letter-codes.ts';
import type { LogRecord } from '../log.ts';
import { checkedEvent, invalid, keyOf, positionOf, type Read, timeOf, whyNoKey } from './check-event.ts';
import { parseData, readData, textOf } from './event-data.ts';
import { type ContentType, parseContentType } from './event-headers.ts';

const single = 'application/cloudevents+json';
const batch = 'application/cloudevents-batch+json';

type Structured = { readonly kind: 'events'; readonly events: readonly ExternalEvent[]; readonly invalid: InvalidMessage | null };

/** The valid events of a batch count, and the first invalid one is reported with its index. */
export async function readStructuredMode(record: LogRecord, contentType: ContentType, codec: Codec): Promise<Structured> {
  const read = readJson(record, contentType);
  if (!read.ok) return gathered([read]);
  const ownKey = keyOf(record);
  if (!Array.isArray(read.value)) {
    // As in binary mode, the key of the record wins over the attribute.
    const place = { id: positionOf(record), whyNoKey: whyNoKey(record), keyOf: (named: string | null) => ownKey ?? named };
    return gathered([await readOne(read.value, place, codec)]);
  }
  const results: Read<ExternalEvent>[] = [];
  for (const [index, each] of read.value.entries()) {
    // In a batch the attribute of each event wins over the one key of the record.
    const place = { id: `${positionOf(record)}-${index}`, whyNoKey: whyNoKey(record), keyOf: (named: string | null) => named ?? ownKey };
    const one = await readOne(each, place, codec);
    results.push(one.ok ? one : invalid(one.code, `event ${index} of the batch: ${one.reason}`));
  }
  return gathered(results);
}

function gathered(results: readonly Read<ExternalEvent>[]): Structured {
  const wrong = results.filter((result) => !result.ok);
  const [first] = wrong;
  const more = wrong.length > 1 ? `; ${wrong.length} of ${results.length} are invalid` : '';
  return {
    kind: 'events',
    events: results.flatMap((result) => (result.ok ? [result.value] : [])),
    invalid: first === undefined ? null : { code: first.code, reason: first.reason + more },
  };
}

function readJson({ value }: LogRecord, contentType: ContentType): Read<Json> {
  const { mediaType } = contentType;
  if (mediaType !== single && mediaType !== batch && mediaType !== 'application/cloudevents') {
    const reason = `CloudEvents in structured mode in another format than JSON: send ${single} or ${batch}, or binary mode`;
    return invalid('MR_EVENT_INVALID', reason);
  }
  if (value === null) return invalid('MR_EVENT_INVALID', 'CloudEvents in structured mode without a value');
  const text = textOf(value, contentType, 'the event');
  if (!text.ok) return text;
  const parsed = parseData(text.value, 'the event');
  if (!parsed.ok || Array.isArray(parsed.value) === (mediaType === batch)) return parsed;
  return invalid(
    'MR_EVENT_INVALID',
    mediaType === batch
      ? `a batch of CloudEvents that is not an array: send one event as ${single}`
      : `several events: send them as ${batch}`,
  );
}

type Place = { readonly id: string; readonly whyNoKey: string; keyOf(named: string | null): string | null };

async function readOne(given: Json, place: Place, codec: Codec): Promise<Read<ExternalEvent>> {
  if (!isJsonObject(given)) return invalid('MR_EVENT_INVALID', 'a CloudEvent that is not an object');
  const attributes: Record<string, string | null> = {};
  for (const name of ['specversion', 'id', 'type', 'source', 'time', 'partitionkey', 'datacontenttype']) {
    const value = given[name] ?? null;
    if (value !== null && typeof value !== 'string') return invalid('MR_EVENT_INVALID', `the attribute ${name} is not a string`);
    attributes[name] = value;
  }
  const { specversion, id, type, source, partitionkey = null, datacontenttype = null } = attributes;
  if (specversion !== '1.0') return invalid('MR_EVENT_INVALID', 'the attribute specversion is not 1.0');
  const time = timeOf(attributes.time ?? null);
  if (time === 'invalid') return invalid('MR_EVENT_INVALID', 'the attribute time is not an RFC 3339 time with an offset');
  const key = place.keyOf(partitionkey);
  if (key === null) return invalid('MR_NO_KEY', `${place.whyNoKey}, and the event has no partitionkey`);
  const data = await dataOf(given, datacontenttype === null ? null : parseContentType(datacontenttype), codec);
  if (!data.ok) return data;
  return checkedEvent({ id: id ?? place.id, type: type ?? '', source: source ?? '', key, time, data: data.value });
}

async function dataOf(event: JsonObject, contentType: ContentType | null, codec: Codec): Promise<Read<Json>> {
  const { data = null, data_base64: encoded = null } = event;
  if (encoded === null) return { ok: true, value: data };
  if (data !== null) return invalid('MR_EVENT_INVALID', 'the event has both data and data_base64: send one of them');
  if (typeof encoded !== 'string' || !/^[A-Za-z0-9+/]*={0,2}$/.test(encoded))
    return invalid('MR_EVENT_INVALID', 'data_base64 is not base64');
  return await readData(Buffer.from(encoded, 'base64'), contentType, codec);
}
