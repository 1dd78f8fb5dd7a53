/** Sends messages that can never be processed to the dead letters. Must have resolved before their offsets are committed. */
import { MillraceError } from '../../core/error.ts';
import type { Codec } from '../../messaging/codec.ts';
import type { InvalidMessage } from '../../messaging/dead-letter-codes.ts';
import type { LogProducer, LogRecord } from '../../messaging/log.ts';
import { deadLetterRecord } from '../../messaging/records/dead-letter.ts';
import type { Logger } from '../../service/logging.ts';

export type DeadLetterEntry = InvalidMessage & { readonly record: LogRecord; readonly instanceId: string | null };

export type DeadLetterSink = {
  /** Rejects when the producer was stopped first, or the broker takes not even the short form. */
  send(entries: readonly DeadLetterEntry[]): Promise<void>;
};

export type DeadLetterSinkOptions = {
  /** Prepared for DeadLetter on the topic. */
  readonly codec: Codec;
  readonly topic: string;
  /** Largest record that the topic takes. */
  readonly maxBytes: number;
  readonly producer: Pick<LogProducer, 'send'>;
  readonly log: Logger;
  readonly onSent: (topic: string, code: string) => void;
};

export function createDeadLetterSink({ codec, topic, maxBytes, producer, log, onSent }: DeadLetterSinkOptions): DeadLetterSink {
  async function sendOne({ record, code, reason, instanceId }: DeadLetterEntry): Promise<void> {
    const deadLetter = { code, reason, instanceId, at: Date.now() };
    const place = { topic: record.topic, partition: record.partition, offset: String(record.offset) };
    log.warn(
      { ...place, code, reason, ...(instanceId === null ? {} : { instanceId }) },
      'A message that can never be processed goes to the dead letters',
    );
    try {
      await producer.send([deadLetterRecord(codec, topic, { ...deadLetter, original: record }, maxBytes)]);
    } catch (error) {
      if (!(error instanceof MillraceError) || error.retryable) throw error;
      // An administrator has lowered the limit of the topic.
      log.error({ err: error, ...place }, 'The broker refuses a dead letter; it goes without the original bytes');
      await producer.send([deadLetterRecord(codec, topic, { ...deadLetter, original: record }, 0)]);
    }
    onSent(record.topic, code);
  }

  return {
    async send(entries) {
      if (entries.length > 0) await Promise.all(entries.map(sendOne));
    },
  };
}
