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
  readonly producer: Pick<LogProducer, 'send'>;
  readonly log: Logger;
  readonly onSent: (topic: string, code: string) => void;
};

export function createDeadLetterSink({ codec, topic, producer, log, onSent }: DeadLetterSinkOptions): DeadLetterSink {
  async function sendOne({ record, code, reason, instanceId }: DeadLetterEntry): Promise<void> {
    const letter = { code, reason, instanceId, at: Date.now() };
    const place = { topic: record.topic, partition: record.partition, offset: String(record.offset) };
    log.warn(
      { ...place, code, reason, ...(instanceId === null ? {} : { instanceId }) },
      'A message that can never be processed goes to the dead letters',
    );
    try {
      await producer.send([deadLetterRecord(codec, topic, { ...letter, original: record })]);
    } catch (error) {
      if (!(error instanceof MillraceError) || error.retryable) throw error;
      // A foreign topic may admit more than ours: then the letter says where the original stands, and does without it.
      log.error({ err: error, ...place }, 'The broker refuses a dead letter; it goes without the original bytes');
      const short = `${reason}; too large for the dead letters: the original stands in its own topic only`;
      const original = { ...record, value: null, headers: [] };
      await producer.send([deadLetterRecord(codec, topic, { ...letter, reason: short, original })]);
    }
    onSent(record.topic, code);
  }

  return {
    async send(entries) {
      if (entries.length > 0) await Promise.all(entries.map(sendOne));
    },
  };
}
