/** The record DeadLetter: a message that can never be processed, kept whole with the reason, for the index that people look at. */
import type { Codec } from '../codec.ts';
import type { InvalidMessage } from '../dead-letter-codes.ts';
import type { DeadLetter } from '../generated/records.ts';
import type { LogHeader, LogRecord, OutgoingRecord } from '../log.ts';
import { producedHeaders } from '../produced-headers.ts';

export type DeadLetterInput = InvalidMessage & {
  readonly original: LogRecord;
  /** The instance that it was meant for, if that could be told. */
  readonly instanceId: string | null;
  /** ms since the epoch, by this process. */
  readonly at: number;
};

/**
 * The record to produce to the dead-letters topic before the original's offset is committed. It has the original's key,
 * so the dead letters of an instance stay together. `codec` must have been prepared for DeadLetter on `topic`.
 */
export function deadLetterRecord(codec: Codec, topic: string, { original, code, reason, instanceId, at }: DeadLetterInput): OutgoingRecord {
  const value: DeadLetter = {
    code,
    reason: reason.slice(0, 1_000),
    topic: original.topic,
    partition: original.partition,
    offset: Number(original.offset),
    key: original.key,
    value: original.value,
    headers: original.headers,
    at,
    instanceId,
  };
  const headers: LogHeader[] = [
    ...producedHeaders('DeadLetter'),
    // Readable in any Kafka UI without decoding.
    { key: 'x-original-topic', value: Buffer.from(original.topic) },
    { key: 'x-original-partition', value: Buffer.from(String(original.partition)) },
    { key: 'x-original-offset', value: Buffer.from(String(original.offset)) },
    { key: 'x-error-code', value: Buffer.from(code) },
  ];
  return { topic, key: original.key, value: codec.encode('DeadLetter', topic, value), headers };
}

/** A dead letter as it is read back, and where the original stands. */
export type ReadDeadLetter = Pick<DeadLetter, 'code' | 'reason' | 'instanceId' | 'at'> & {
  readonly original: Pick<DeadLetter, 'topic' | 'partition' | 'key' | 'value' | 'headers'> & { readonly offset: string };
};

export function readDeadLetterRecord({ code, reason, instanceId, at, ...original }: DeadLetter): ReadDeadLetter {
  return { code, reason, instanceId, at, original: { ...original, offset: String(original.offset) } };
}
