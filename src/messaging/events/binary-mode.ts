/** CloudEvents in binary mode: the attributes are headers, and the value of the record is the data. */
import type { ExternalEvent } from '../../core/external-event.ts';
import type { Codec } from '../codec.ts';
import type { LogRecord } from '../log.ts';
import { checkedEvent, invalid, keyOf, positionOf, type Read, timeOf, whyNoKey } from './check-event.ts';
import { readData } from './event-data.ts';
import { attributeOf, contentTypeOf, versionOf } from './event-headers.ts';

export async function readBinaryMode(record: LogRecord, codec: Codec): Promise<Read<ExternalEvent>> {
  if (versionOf(record) !== '1.0') return invalid('MR_EVENT_INVALID', 'ce_specversion is not 1.0');
  const time = timeOf(attributeOf(record, 'time'));
  if (time === 'invalid') return invalid('MR_EVENT_INVALID', 'ce_time is not an RFC 3339 time with an offset');
  const key = keyOf(record) ?? attributeOf(record, 'partitionkey');
  if (key === null) return invalid('MR_NO_KEY', `${whyNoKey(record)}, and there is no ce_partitionkey`);
  const data = await readData(record.value, contentTypeOf(record), codec);
  if (!data.ok) return data;
  return checkedEvent({
    id: attributeOf(record, 'id') ?? positionOf(record),
    type: attributeOf(record, 'type') ?? '',
    source: attributeOf(record, 'source') ?? '',
    key,
    time,
    data: data.value,
  });
}
