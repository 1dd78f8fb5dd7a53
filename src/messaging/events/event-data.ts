/** The data of an event as JSON. It is sent as JSON, or as Avro of the sender's own schema. */
import { assertNever } from '../../core/assert.ts';
import type { Json } from '../../core/json.ts';
import { isJsonType } from '../../core/nodes/http/answer-rules.ts';
import { parseJsonStrict } from '../../core/strict-json.ts';
import { type Codec, invalidMessageOf } from '../codec.ts';
import { invalid, type Read } from './check-event.ts';
import type { ContentType } from './event-headers.ts';

/** An empty value is an event without data. */
export async function readData(value: Buffer | null, contentType: ContentType | null, codec: Codec): Promise<Read<Json>> {
  if (value === null || value.length === 0) return { ok: true, value: null };
  if (contentType === null || isJson(contentType)) {
    const text = textOf(value, contentType);
    return text.ok ? parseData(text.value) : text;
  }
  if (isAvro(contentType)) {
    const decoded = await codec.decodeForeign(value);
    return decoded.ok ? decoded : { ok: false, ...invalidMessageOf(decoded) };
  }
  return invalid('MR_EVENT_INVALID', 'the content type of the data is neither JSON nor Avro: send application/json or application/avro');
}

/** As the answers of `http` nodes are. */
function isJson({ mediaType }: ContentType): boolean {
  return isJsonType(mediaType);
}

/** `avro` as a word: application/avro, avro/binary, …+avro, application/vnd.apache.avro, application/x-avro. */
function isAvro({ mediaType }: ContentType): boolean {
  return /\bavro\b/.test(mediaType);
}

/** @param what names it in the reason: the data, or the event. */
export function parseData(text: string, what = 'the data'): Read<Json> {
  const parsed = parseJsonStrict(text);
  if (parsed.ok) return parsed;
  switch (parsed.reason) {
    case 'syntax':
      return invalid('MR_EVENT_INVALID', `${what} is not JSON`);
    case 'unsafeNumber':
      return invalid('MR_NUMBER_UNSAFE', `${what} has a number at ${parsed.pointer} that a double would change: send it as a string`);
    case 'duplicateKey':
      return invalid('MR_EVENT_INVALID', `${what} has the same key twice, at ${parsed.pointer}`);
    default:
      return assertNever(parsed);
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true });
const utf8Charsets = new Set(['utf-8', 'utf8', 'us-ascii', 'ascii']);

export function textOf(bytes: Buffer, contentType: ContentType | null, what = 'the data'): Read<string> {
  const charset = contentType?.charset ?? null;
  if (charset !== null && !utf8Charsets.has(charset)) {
    return invalid('MR_EVENT_INVALID', `${what} has another charset than UTF-8 by its content type: send UTF-8`);
  }
  try {
    return { ok: true, value: utf8.decode(bytes) };
  } catch {
    // TextDecoder throws if it is not UTF-8.
    return invalid('MR_EVENT_INVALID', `${what} is not UTF-8`);
  }
}
