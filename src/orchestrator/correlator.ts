/**
 * What a batch of external events means: each goes to the waits that it fits, or waits itself (protocol, "Events"). Events
 * that can never be taken become dead letters, and the rest goes on.
 */
import { MillraceError } from '../core/error.ts';
import type { ExternalEvent } from '../core/external-event.ts';
import { isCausedByOneMessage } from '../engine/error-scope.ts';
import { readEvent } from '../messaging/cloud-events.ts';
import type { Codec } from '../messaging/codec.ts';
import type { LogRecord } from '../messaging/log.ts';
import type { Logger } from '../service/logging.ts';
import type { EventMatcher, InstanceStore } from '../store/instance-store.ts';
import type { DeadLetterEntry, DeadLetterSink } from './dead-letter-sink.ts';
import type { OrchestratorMetrics } from './orchestrator-metrics.ts';
import type { RecordBatch } from './partition-consumer.ts';

export type CorrelatorOptions = {
  readonly codec: Codec;
  /** Values above this are invalid, though the broker took them. */
  readonly maxBytes: number;
  readonly store: Pick<InstanceStore, 'correlate'>;
  readonly matcher: EventMatcher;
  readonly deadLetters: DeadLetterSink;
  readonly log: Logger;
  readonly metrics: OrchestratorMetrics;
};

type Given = { readonly record: LogRecord; readonly event: ExternalEvent };

export function createCorrelator(options: CorrelatorOptions): (batch: RecordBatch<null>) => Promise<void> {
  const { codec, maxBytes, store, matcher, deadLetters, log, metrics } = options;

  /** Halved and halved again when the database refuses them, until the event that it refuses stands alone. */
  async function correlate(given: readonly Given[]): Promise<readonly DeadLetterEntry[]> {
    const [first] = given;
    if (first === undefined) return [];
    try {
      metrics.correlated(
        await store.correlate(
          given.map(({ event }) => event),
          matcher,
        ),
      );
      return [];
    } catch (error) {
      if (!isCausedByOneMessage(error)) throw error;
      if (given.length === 1) {
        const { record } = first;
        log.error(
          { err: error, topic: record.topic, partition: record.partition, offset: String(record.offset) },
          'An event cannot be delivered',
        );
        const reason =
          error instanceof MillraceError ? `${error.code}: ${error.message}` : 'the engine fails to deliver it; its log says why';
        return [{ record, instanceId: null, code: 'MR_STEP_FAILED', reason }];
      }
      const middle = given.length >> 1;
      // One after the other: the order of events with the same key holds.
      const before = await correlate(given.slice(0, middle));
      return [...before, ...(await correlate(given.slice(middle)))];
    }
  }

  return async ({ records }) => {
    const entries: DeadLetterEntry[] = [];
    const given: Given[] = [];
    for (const record of records) {
      const read = await readEvent(record, { codec, maxBytes });
      if (read.ok) given.push({ record, event: read.event });
      else entries.push({ record, instanceId: null, code: read.code, reason: read.reason });
    }
    entries.push(...(await correlate(given)));
    await deadLetters.send(entries);
  };
}
