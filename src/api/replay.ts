/**
 * Sends the original messages of dead letters to Kafka again. Opens its producer at the first one, since most processes
 * never need it. If the broker does not answer in time, the call fails; the record may still be written later, which does
 * no harm.
 */
import { MillraceError } from '../core/error.ts';
import type { LogProducer, OutgoingRecord } from '../messaging/log.ts';

export interface Replay {
  /** Resolves when the record is acknowledged. Rejects with `MR_KAFKA_UNAVAILABLE` (retryable) if that takes too long. */
  send(record: OutgoingRecord): Promise<void>;
  stop(): Promise<void>;
}

const TIMEOUT_MS = 10_000;

export function createReplay(open: () => LogProducer, timeoutMs = TIMEOUT_MS): Replay {
  let producer: LogProducer | null = null;
  return {
    async send(record) {
      producer ??= open();
      const late = Promise.withResolvers<never>();
      const timer = setTimeout(
        () => late.reject(new MillraceError('MR_KAFKA_UNAVAILABLE', 'Kafka has not acknowledged the record in time.', { retryable: true })),
        timeoutMs,
      );
      const sent = producer.send([record]);
      try {
        await Promise.race([sent, late.promise]);
      } finally {
        clearTimeout(timer);
        // The caller has been answered, so a later error is ignored.
        sent.catch(() => undefined);
      }
    },
    async stop() {
      await producer?.stop();
    },
  };
}
