/**
 * Reads external events from their topics and hands them to `engine/correlate`: those of all partitions that are ready go into one
 * transaction, since one of ten events costs hardly more than one of a single event. A record that is not an event, and an event that
 * the database refuses, become dead letters; the others go on. A dead letter of a trigger that comes again concerns its definition
 * alone.
 */
import { MillraceError } from '../../core/error.ts';
import type { ExternalEvent } from '../../core/external-event.ts';
import type { DefinitionId } from '../../core/ids.ts';
import { correlateEvents } from '../../engine/correlate/correlate-events.ts';
import type { Refused } from '../../engine/write-splitting.ts';
import type { Codec } from '../../messaging/codec.ts';
import { readEvents } from '../../messaging/events/read-events.ts';
import type { LogRecord } from '../../messaging/log.ts';
import type { Logger } from '../../service/logging.ts';
import { gatherCalls } from '../../store/gathered-calls.ts';
import type { Correlated, EventMatcher, EventStarter, InstanceStore } from '../../store/instance-store.ts';
import { LoopTurns } from '../../store/loop-turns.ts';
import type { FailedStart } from '../../store/triggers.ts';
import type { RecordBatch } from '../consumer/partition-consumer.ts';
import type { DeadLetterEntry, DeadLetterSink } from '../dead-letters/dead-letter-sink.ts';
import type { OrchestratorMetrics } from '../orchestrator-metrics.ts';
import { replayedFor, triggerDeadLetter } from './failed-triggers.ts';

export type CorrelatorOptions = {
  /** Prepared for DeadLetter on `deadLetterTopic`. */
  readonly codec: Codec;
  /** Values above this are invalid, though the broker took them. */
  readonly maxBytes: number;
  /** Of what the outbox takes. */
  readonly maxMessageBytes: number;
  readonly deadLetterTopic: string;
  readonly store: Pick<InstanceStore, 'correlate' | 'startByEvents'>;
  readonly matcher: EventMatcher;
  readonly starter: Pick<EventStarter, 'prepare'>;
  readonly deadLetters: DeadLetterSink;
  readonly log: Logger;
  readonly metrics: OrchestratorMetrics;
};

type Item = { readonly record: LogRecord; readonly event: ExternalEvent };

export function createCorrelator(options: CorrelatorOptions): (batch: RecordBatch<null>) => Promise<void> {
  const { codec, maxBytes, store, matcher, deadLetters, log, metrics } = options;

  function tellFailed(topic: string, { event, definitionId, reason }: FailedStart): void {
    log.warn({ definition: definitionId, eventId: event.id, source: event.source, reason }, 'A trigger could not start its definition');
    metrics.deadLetter(topic, 'MR_TRIGGER_FAILED');
  }

  const correlateGathered = gatherCalls<Item, readonly Refused<Item>[], string>({
    run: (items) => {
      const records = recordsOf(items);
      const onCorrelated = (correlated: Correlated): void => {
        metrics.correlated(correlated);
        for (const failed of correlated.failed) tellFailed(recordOf(records, failed.event).topic, failed);
      };
      return correlateEvents(items, { store, matcher, starter: starterOf(options, records), onCorrelated });
    },
    idOf: identityOf,
    bytesOf: ({ record }) => record.value?.length ?? 0,
    isGathered: () => true,
    partOf: (refused, ids) => refused.filter(({ item }) => ids.has(identityOf(item))),
  });

  async function correlate(items: readonly Item[]): Promise<readonly DeadLetterEntry[]> {
    if (items.length === 0) return [];
    const refused = await correlateGathered(items);
    return refused.map(({ item, error }) => {
      const { topic, partition, offset } = item.record;
      log.error({ err: error, topic, partition, offset: String(offset) }, 'An event cannot be delivered');
      const reason =
        error instanceof MillraceError ? `${error.code}: ${error.message}` : 'the engine failed to deliver the event; its log says why';
      return { record: item.record, instanceId: null, code: 'MR_STEP_FAILED', reason };
    });
  }

  async function replay(topic: string, definitionId: DefinitionId, items: readonly Item[]): Promise<void> {
    const events = items.map(({ event }) => event);
    const { started, failed } = await store.startByEvents(definitionId, events, starterOf(options, recordsOf(items)));
    metrics.correlated({ matched: 0, started, buffered: 0, duplicates: 0, ignored: 0 });
    for (const each of failed) tellFailed(topic, each);
  }

  return async ({ topic, records }) => {
    const entries: DeadLetterEntry[] = [];
    const items: Item[] = [];
    const turns = new LoopTurns();
    for (const record of records) {
      if (turns.isOver) await turns.take();
      const read = await readEvents(record, { codec, maxBytes });
      if (read.kind === 'tombstone') {
        metrics.tombstone();
        continue;
      }
      const found = read.events.map((event) => ({ record, event }));
      const definitionId = replayedFor(record);
      if (definitionId === null) items.push(...found);
      else await replay(topic, definitionId, found);
      if (read.invalid !== null) entries.push({ record, instanceId: null, ...read.invalid });
    }
    entries.push(...(await correlate(items)));
    await deadLetters.send(entries);
  };
}

function identityOf({ event: { source, id } }: Item): string {
  return JSON.stringify([source, id]);
}

type RecordsByEvent = ReadonlyMap<ExternalEvent, LogRecord>;

function recordsOf(items: readonly Item[]): RecordsByEvent {
  return new Map(items.map(({ event, record }) => [event, record]));
}

function recordOf(records: RecordsByEvent, event: ExternalEvent): LogRecord {
  const record = records.get(event);
  if (record === undefined) throw new Error('Bug: a trigger failed on an event that was not given');
  return record;
}

/** @param records of the events, for the dead letters of triggers. */
function starterOf({ codec, deadLetterTopic: topic, maxMessageBytes, starter }: CorrelatorOptions, records: RecordsByEvent): EventStarter {
  return {
    prepare: (sets) => starter.prepare(sets),
    deadLetter: (failed) => triggerDeadLetter({ codec, topic, maxMessageBytes }, recordOf(records, failed.event), failed),
  };
}
