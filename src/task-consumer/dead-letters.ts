/** A message that can never be processed, whole, with the reason. */
import { parseInstanceId } from '../core/ids.ts';
import { type Codec, messageTypeHeader } from '../messaging/codec.ts';
import type { Poison } from '../messaging/dead-letter-codes.ts';
import type { LogRecord, OutgoingRecord } from '../messaging/log.ts';

export function renderDeadLetter(codec: Codec, topic: string, record: LogRecord, { code, reason }: Poison): OutgoingRecord {
  const value = codec.encode('DeadLetter', topic, {
    code,
    reason,
    topic: record.topic,
    partition: record.partition,
    offset: Number(record.offset),
    key: record.key,
    value: record.value,
    headers: record.headers,
    at: Date.now(),
    instanceId: parseInstanceId(record.key?.toString('utf8') ?? '') ?? null,
  });
  return { topic, key: record.key, value, headers: [{ key: messageTypeHeader, value: Buffer.from('DeadLetter') }] };
}
