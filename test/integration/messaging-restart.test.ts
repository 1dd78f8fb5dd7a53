/** The log while the broker is killed and comes back: on a stack of its own, so that nobody else's broker goes away. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectKafka } from '../../src/messaging/kafkajs/index.ts';
import { ensureTopics, topicNames } from '../../src/messaging/topics.ts';
import { checkout, openHome } from '../../stack/home.ts';
import { deleteData } from '../../stack/reset.ts';
import { eventually } from '../support/eventually.ts';
import { type StackHandle, startTestStack } from '../support/stack.ts';

const home = join(checkout, '.millrace-test', `messaging-restart-${process.pid}`);
let stack: StackHandle;

beforeAll(async () => {
  stack = await startTestStack({ home });
  await Promise.all([stack.kill('connect'), stack.kill('postgres'), stack.kill('registry')]);
}, 120_000);

afterAll(async () => {
  await stack.stop();
  deleteData(openHome(home));
  rmSync(home, { recursive: true, force: true });
}, 60_000);

test('a broker that is killed costs time, and neither a record nor the membership', { timeout: 120_000 }, async () => {
  const warnings: string[] = [];
  const logger = {
    debug: () => undefined,
    info: () => undefined,
    warn: (_: object, message: string) => warnings.push(message),
    error: () => undefined,
  };
  const log = connectKafka({ brokers: (stack.env.KAFKA_BROKERS ?? '').split(','), clientId: 'restart-test' }, logger);
  const admin = log.admin();
  await ensureTopics(admin, { prefix: 'restart', partitions: 4 });
  const { events: topic } = topicNames('restart');
  const seen: string[] = [];
  const crashes: unknown[] = [];
  const consumer = log.consumer({
    groupId: 'restart',
    topics: [topic],
    handlers: {
      onBatch: (batch) => {
        seen.push(...batch.records.map(({ key }) => String(key)));
        consumer.commit(batch, (batch.records.at(-1)?.offset ?? 0n) + 1n, batch.generation);
      },
      onAssigned: () => undefined,
      onRevoked: () => undefined,
      onCrash: (error) => crashes.push(error),
    },
  });
  await consumer.start();
  const producer = log.producer();
  const send = (from: number): Promise<unknown> =>
    Promise.all(Array.from({ length: 500 }, (_, n) => producer.send([{ topic, key: `k${from + n}`, value: Buffer.from('v') }])));
  await send(0);
  await stack.kill('kafka');
  const meanwhile = send(500);
  await eventually(() => expect(warnings).toContain('Kafka does not take records; trying again'));
  expect(producer.pending().records).toBe(500);
  await stack.start('kafka');
  await meanwhile;
  await send(1_000);
  await eventually(() => expect(new Set(seen).size).toBe(1_500), { timeoutMs: 60_000 });
  // Without a broker for longer than a session it has to be heard again first.
  await eventually(() => expect(consumer.isMember()).toBe(true));
  // A proxy in front of the broker (Docker's is one) takes connections before the broker does, and drops them. kafkajs gives
  // its consumer up over that, and ours starts it again.
  expect(crashes.filter((error) => !String(error).includes('Closed connection'))).toEqual([]);
  // A member that was given up reads again what it had not committed, after all of it was seen.
  await eventually(async () => {
    await consumer.flush();
    const committed = await admin.committedOffsets('restart', topic);
    expect([...committed].sort()).toEqual([...(await admin.endOffsets(topic))].sort());
  });
  await Promise.all([consumer.stop(), producer.stop()]);
  await admin.close();
});
