/**
 * Reads a batch of notifications, groups them by instance, and applies them by `InstanceProcessor`; those that can never be
 * applied become dead letters.
 */
import { MillraceError } from '../../core/error.ts';
import type { InstanceId } from '../../core/ids.ts';
import type { InstanceProcessor } from '../../engine/process/instance-processor.ts';
import type { StateCache } from '../../engine/process/state-cache.ts';
import type { Codec } from '../../messaging/codec.ts';
import type { LogRecord } from '../../messaging/log.ts';
import type { OutgoingMessages } from '../../messaging/outgoing.ts';
import type { RecordBatch } from '../consumer/partition-consumer.ts';
import type { DeadLetterEntry, DeadLetterSink } from '../dead-letters/dead-letter-sink.ts';
import type { OrchestratorMetrics } from '../orchestrator-metrics.ts';
import { type ReadNotification, type Received, readNotification } from './read-notification.ts';

export type NotificationProcessorOptions = {
  readonly codec: Codec;
  /** Records above this are invalid, though the broker took them. */
  readonly maxMessageBytes: number;
  readonly outgoing: Pick<OutgoingMessages, 'partitionOf'>;
  readonly processor: Pick<InstanceProcessor<Received>, 'process'>;
  readonly deadLetters: DeadLetterSink;
  readonly metrics: OrchestratorMetrics;
};

export function createNotificationProcessor(options: NotificationProcessorOptions): (batch: RecordBatch<StateCache>) => Promise<void> {
  const { outgoing, processor, deadLetters, metrics } = options;
  return async ({ partition, records, context }) => {
    const entries: DeadLetterEntry[] = [];
    const byInstance = new Map<InstanceId, Received[]>();
    for (const record of records) {
      const read = readSafely(record, options);
      const done = read instanceof Promise ? await read : read;
      if (!done.ok) entries.push({ record, instanceId: done.instanceId, ...done.invalid });
      else gather(byInstance, done.received);
    }
    for (const [instanceId, received] of byInstance) {
      // Only the owner of an instance's own partition writes the instance.
      if (outgoing.partitionOf(instanceId) === partition) continue;
      byInstance.delete(instanceId);
      const reason = 'the record is in another partition than that of its instance';
      entries.push(...received.map(({ record }): DeadLetterEntry => ({ record, instanceId, code: 'MR_MESSAGE_INVALID', reason })));
    }
    metrics.batch(records.length);
    const batches = Array.from(byInstance, ([instanceId, notifications]) => ({ instanceId, notifications }));
    for (const { notification, code, reason } of await processor.process(partition, batches, context))
      entries.push({ record: notification.record, instanceId: notification.instanceId, code, reason });
    await deadLetters.send(entries);
  };
}

function gather(byInstance: Map<InstanceId, Received[]>, received: Received): void {
  const before = byInstance.get(received.instanceId);
  if (before === undefined) byInstance.set(received.instanceId, [received]);
  else before.push(received);
}

/** A record on which the engine itself fails must not block its partition. */
function readSafely(
  record: LogRecord,
  { codec, maxMessageBytes }: NotificationProcessorOptions,
): ReadNotification | Promise<ReadNotification> {
  try {
    return readNotification(record, codec, maxMessageBytes);
  } catch (error) {
    if (error instanceof MillraceError) throw error;
    return {
      ok: false,
      record,
      instanceId: null,
      invalid: { code: 'MR_STEP_FAILED', reason: 'the engine failed to read the record; its log says why' },
    };
  }
}
