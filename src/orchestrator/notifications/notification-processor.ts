/**
 * Reads a batch of notifications, with the outputs that they only name, groups them by instance, and applies them by `InstanceProcessor`;
 * those that can never be applied become dead letters, and the ends of instances are told.
 */
import { MillraceError } from '../../core/error.ts';
import type { InstanceId } from '../../core/ids.ts';
import { hasEnded, type InstanceState } from '../../core/instance/state/state.ts';
import { isRedispatch } from '../../engine/continuation/hold.ts';
import type { InstanceBatch } from '../../engine/process/decision.ts';
import type { InstanceProcessor } from '../../engine/process/instance-processor.ts';
import type { Codec } from '../../messaging/codec.ts';
import type { LogRecord } from '../../messaging/log.ts';
import type { OutgoingMessages } from '../../messaging/outgoing.ts';
import type { HeldTask } from '../../store/instance-store.ts';
import { LoopTurns } from '../../store/loop-turns.ts';
import type { RecordBatch } from '../consumer/partition-consumer.ts';
import type { DeadLetterEntry, DeadLetterSink } from '../dead-letters/dead-letter-sink.ts';
import type { DirectSender } from '../direct/direct-sender.ts';
import type { TellEnds } from '../ends/end-teller.ts';
import type { Assigned } from '../leases/assigned.ts';
import type { Leases } from '../leases/leases.ts';
import type { OrchestratorMetrics } from '../orchestrator-metrics.ts';
import { type ReadNotification, type ReadRecord, type Received, readNotification } from './read-notification.ts';
import { portionsOf, type ReferencedOutputs, readReferenced, removeReferenced } from './referenced-outputs.ts';

export type NotificationProcessorOptions = {
  readonly codec: Codec;
  /** Records above this are invalid, though the broker took them. */
  readonly maxMessageBytes: number;
  readonly outgoing: Pick<OutgoingMessages, 'partitionOf'>;
  readonly processor: Pick<InstanceProcessor<Received>, 'process'>;
  readonly outputs: ReferencedOutputs;
  readonly deadLetters: DeadLetterSink;
  readonly tellEnds: TellEnds;
  /** null: every task goes through the outbox. */
  readonly direct: DirectSender | null;
  readonly metrics: OrchestratorMetrics;
};

export function createNotificationProcessor(options: NotificationProcessorOptions): (batch: RecordBatch<Assigned>) => Promise<void> {
  const { metrics } = options;
  return async ({ partition, records, context }) => {
    const entries: DeadLetterEntry[] = [];
    const received: ReadRecord[] = [];
    const turns = new LoopTurns();
    for (const record of records) {
      if (turns.isOver) await turns.take();
      const read = readSafely(record, options);
      const done = read instanceof Promise ? await read : read;
      if (!done.ok) entries.push({ record, instanceId: done.instanceId, ...done.invalid });
      else received.push(done.received);
    }
    metrics.batch(records.length);
    for (const portion of portionsOf(received)) await applyPortion(partition, portion, entries.splice(0), context);
  };

  async function applyPortion(
    partition: number,
    portion: readonly ReadRecord[],
    entries: DeadLetterEntry[],
    { cache, leases }: Assigned,
  ): Promise<void> {
    const { outgoing, processor, outputs, deadLetters, tellEnds, direct } = options;
    const { received, read } = await readReferenced(outputs, partition, portion);
    const byInstance = new Map<InstanceId, Received[]>();
    for (const one of received) gather(byInstance, one);
    for (const [instanceId, received] of byInstance) {
      // Only the owner of an instance's own partition writes the instance.
      if (outgoing.partitionOf(instanceId) === partition) continue;
      byInstance.delete(instanceId);
      const reason = 'the record is in another partition than that of its instance';
      entries.push(...received.map(({ record }): DeadLetterEntry => ({ record, instanceId, code: 'MR_MESSAGE_INVALID', reason })));
    }
    const batches = Array.from(byInstance, ([instanceId, notifications]) => ({ instanceId, notifications }));
    if (direct !== null) forgetLost(leases, batches);
    const seen = new Map<InstanceId, readonly HeldTask[]>();
    const ended = new Map<InstanceId, InstanceState>();
    const onSeen = (state: InstanceState, held: readonly HeldTask[]): void => {
      const { instanceId } = state;
      if (held.length > 0 || seen.has(instanceId) || !leases.isEmpty) seen.set(instanceId, held);
      if (hasEnded(state)) ended.set(instanceId, state);
    };
    const attending = { onSeen, direct: direct === null ? null : direct.of(partition, leases) };
    const unprocessable = await processor.process(partition, batches, cache, attending);
    for (const { notification, code, reason } of unprocessable)
      entries.push({ record: notification.record, instanceId: notification.instanceId, code, reason });
    await Promise.all([deadLetters.send(entries), tellEnds([...ended.values()])]);
    await removeReferenced(outputs, partition, read, unprocessable);
    if (seen.size === 0) return;
    // In the order of their last records.
    const last = batches.map(({ instanceId, notifications }) => ({ instanceId, offset: notifications.at(-1)?.record.offset ?? 0n }));
    last.sort((a, b) => (a.offset < b.offset ? -1 : 1));
    for (const { instanceId, offset } of last) {
      const held = seen.get(instanceId);
      if (held !== undefined) leases.see(partition, instanceId, held, offset);
    }
  }
}

/** Before anything is decided, or a step would hold no longer what a redispatcher asks for. */
function forgetLost(leases: Leases, batches: readonly InstanceBatch<Received>[]): void {
  for (const { instanceId, notifications } of batches) {
    for (const one of notifications) if (isRedispatch(one)) leases.forget(instanceId, one.notification.command);
  }
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
