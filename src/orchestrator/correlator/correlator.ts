/**
 * Reads external events from their topics and hands them to `engine/correlate`. A record that is no event, and an event
 * that the database refuses, become dead letters; the rest goes on.
 */
import { MillraceError } from '../../core/error.ts';
import type { ExternalEvent } from '../../core/external-event.ts';
import { correlateEvents } from '../../engine/correlate/correlate-events.ts';
import type { Codec } from '../../messaging/codec.ts';
import { readEvents } from '../../messaging/events/read-events.ts';
import type { LogRecord } from '../../messaging/log.ts';
import type { Logger } from '../../service/logging.ts';
import type { EventMatcher, InstanceStore } from '../../store/instance-store.ts';
import type { RecordBatch } from '../consumer/partition-consumer.ts';
import type { DeadLetterEntry, DeadLetterSink } from '../dead-letters/dead-letter-sink.ts';
import type { OrchestratorMetrics } from '../orchestrator-metrics.ts';

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

export function createCorrelator(options: CorrelatorOptions): (batch: RecordBatch<null>) => Promise<void> {
  const { codec, maxBytes, store, matcher, deadLetters, log, metrics } = options;
  return async ({ records }) => {
    const entries: DeadLetterEntry[] = [];
    const events: { readonly record: LogRecord; readonly event: ExternalEvent }[] = [];
    for (const record of records) {
      const read = await readEvents(record, { codec, maxBytes });
      if (read.kind === 'tombstone') metrics.tombstone();
      else {
        for (const event of read.events) events.push({ record, event });
        if (read.invalid !== null) entries.push({ record, instanceId: null, ...read.invalid });
      }
    }
    const refused = await correlateEvents(events, { store, matcher, onCorrelated: metrics.correlated });
    for (const { item, error } of refused) {
      const { topic, partition, offset } = item.record;
      log.error({ err: error, topic, partition, offset: String(offset) }, 'An event cannot be delivered');
      const reason =
        error instanceof MillraceError ? `${error.code}: ${error.message}` : 'the engine fails to deliver it; its log says why';
      entries.push({ record: item.record, instanceId: null, code: 'MR_STEP_FAILED', reason });
    }
    await deadLetters.send(entries);
  };
}
