/**
 * Reads a batch of notifications, groups them by instance, and applies them by `InstanceProcessor`; those that can never be
 * applied become dead letters.
 */
import { MillraceError } from '../../core/error.ts';
import type { InstanceId } from '../../core/ids.ts';
import type { InstanceProcessor } from '../../engine/process/instance-processor.ts';
import type { Codec } from '../../messaging/codec.ts';
import type { LogRecord } from '../../messaging/log.ts';
import type { OutgoingMessages } from '../../messaging/outgoing.ts';
import type { HeldTask } from '../../store/instance-store.ts';
import type { RecordBatch } from '../consumer/partition-consumer.ts';
import type { DeadLetterEntry, DeadLetterSink } from '../dead-letters/dead-letter-sink.ts';
import type { Assigned } from '../leases/assigned.ts';
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

export function createNotificationProcessor(options: NotificationProcessorOptions): (batch: RecordBatch<Assigned>) => Promise<void> {
  const { outgoing, processor, deadLetters, metrics } = options;
  return async ({ partition, records, context: { cache, leases } }) => {
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
    const seen = new Map<InstanceId, HeldTask | undefined>();
    const unprocessable = await processor.process(partition, batches, cache, (instanceId, held) => {
      if (held !== undefined || seen.has(instanceId) || leases.size > 0) seen.set(instanceId, held);
    });
    for (const { notification, code, reason } of unprocessable)
      entries.push({ record: notification.record, instanceId: notification.instanceId, code, reason });
    await deadLetters.send(entries);
    if (seen.size === 0) return;
    // In the order of their last records.
    const last = batches.map(({ instanceId, notifications }) => ({ instanceId, offset: notifications.at(-1)?.record.offset ?? 0n }));
    last.sort((a, b) => (a.offset < b.offset ? -1 : 1));
    for (const { instanceId, offset } of last) if (seen.has(instanceId)) leases.see(partition, instanceId, seen.get(instanceId), offset);
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
