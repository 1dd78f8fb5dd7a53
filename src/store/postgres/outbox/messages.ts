/**
 * Rows of the outbox. Every statement that writes some takes the topic from `outbox_topic`. For an unknown topic the column
 * is NULL, which the table refuses, and the whole transaction with it.
 */

import { bulkhead } from 'cockatiel';
import type { InstanceId } from '../../../core/ids.ts';
import type { OutboxMessage } from '../../../core/outbox-message.ts';
import { translating } from '../connection/errors.ts';
import type { Pool, Queryable } from '../connection/pools.ts';
import { Columns } from '../sql/columns.ts';

const messageColumns = new Columns<OutboxMessage>((of) => [
  of('topic', 'text', ({ topic }) => topic),
  of('key', 'text', ({ key }) => key),
  of('message_type', 'text', ({ messageType }) => messageType),
  of('partition', 'int4', ({ partition }) => partition),
  of('payload', 'bytea', ({ payload }) => payload),
]);

/** With the instance whose transition sends it. */
export const sentColumns = new Columns<OutboxMessage & { readonly instanceId: InstanceId }>((of) => [
  of('instance_id', 'uuid', ({ instanceId }) => instanceId),
  of('topic', 'text', ({ topic }) => topic),
  of('key', 'text', ({ key }) => key),
  of('message_type', 'text', ({ messageType }) => messageType),
  of('partition', 'int4', ({ partition }) => partition),
  of('payload', 'bytea', ({ payload }) => payload),
]);

/** Messages of those instances that `winners(id)` holds, in the order in which they were given. */
export function insertSent(first: number, winners: string): string {
  return `INSERT INTO outbox (topic, key, message_type, partition, payload)
    SELECT known.topic, m.key, m.message_type, m.partition, m.payload
    FROM ${sentColumns.unnest('m', first)}
    JOIN ${winners} w ON w.id = m.instance_id
    LEFT JOIN outbox_topic known ON known.topic = m.topic
    ORDER BY m.ordinal`;
}

const publishStatement = {
  name: 'publish',
  text: `INSERT INTO outbox (topic, key, message_type, partition, payload)
    SELECT known.topic, m.key, m.message_type, m.partition, m.payload
    FROM ${messageColumns.unnest('m', 1)}
    LEFT JOIN outbox_topic known ON known.topic = m.topic
    ORDER BY m.ordinal`,
};

export async function insertMessages(on: Queryable, messages: readonly OutboxMessage[]): Promise<void> {
  if (messages.length === 0) return;
  await on.query({ ...publishStatement, values: messageColumns.encode(messages) });
}

/** From here on the parameters of a statement count: they are one more copy of the messages, and a flood may wait for connections. */
const LARGE_BYTES = 65_536;
const largeOnes = bulkhead(4, Number.POSITIVE_INFINITY);

export async function publish(pool: Pool, messages: readonly OutboxMessage[]): Promise<void> {
  const insert = () => translating(() => insertMessages(pool, messages));
  const bytes = messages.reduce((sum, { payload }) => sum + payload.length, 0);
  await (bytes > LARGE_BYTES ? largeOnes.execute(insert) : insert());
}

/** Makes topics known: from now on the outbox takes messages for them. Call it after the broker has them. */
export async function registerTopics(on: Queryable, topics: readonly string[]): Promise<void> {
  await translating(() =>
    on.query('INSERT INTO outbox_topic SELECT unnest($1::text[]) ON CONFLICT DO NOTHING', [[...new Set(topics)].sort()]),
  );
}
