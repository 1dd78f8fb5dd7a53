/**
 * Publishes the outbox in memory to the log in memory, as Debezium publishes the one in Postgres to Kafka: in the order of the
 * commits, each row at least once, with the type of its message as a header.
 */

import { messageTypeHeader } from '../messaging/codec.ts';
import type { LogProducer, OutgoingRecord } from '../messaging/log.ts';
import type { OutboxFeed, OutboxRow } from '../store/memory/index.ts';

const ROWS_MAX = 500;

/** @returns the task for `service.repeat`. It waits until there are rows, or until the signal aborts. */
export function createOutboxPublisher(outbox: OutboxFeed, producer: Pick<LogProducer, 'send'>, signal: AbortSignal): () => Promise<number> {
  return async () => {
    const rows = await outbox.read(ROWS_MAX, signal);
    const last = rows.at(-1);
    if (last === undefined) return 0;
    await producer.send(rows.map(recordOf));
    outbox.confirm(last.id);
    return 0;
  };
}

function recordOf({ topic, key, partition, messageType, payload }: OutboxRow): OutgoingRecord {
  const headers = [{ key: messageTypeHeader, value: Buffer.from(messageType) }];
  return { topic, key, value: payload, headers, ...(partition === null ? {} : { partition }) };
}
