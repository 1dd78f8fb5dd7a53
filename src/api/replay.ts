/**
 * Sends dead letters again, straight to Kafka. Opens its producer at the first one, since most processes never need it.
 * A broker that is away for long is answered as such; the record may be written later all the same, which is harmless.
 */
import { MillraceError } from '../core/error.ts';
import type { LogProducer, OutgoingRecord } from '../messaging/log.ts';

export interface Replay {
  /** Resolves when the record is acknowledged. Rejects with `MR_KAFKA_UNAVAILABLE` (retryable) when that takes too long. */
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
        () => late.reject(new MillraceError('MR_KAFKA_UNAVAILABLE', 'Kafka has not taken the record in time.', { retryable: true })),
        timeoutMs,
      );
      const sent = producer.send([record]);
      try {
        await Promise.race([sent, late.promise]);
      } finally {
        clearTimeout(timer);
        // Whoever waited has his answer; a later refusal concerns nobody.
        sent.catch(() => undefined);
      }
    },
    async stop() {
      await producer?.stop();
    },
  };
}
