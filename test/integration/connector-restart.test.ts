/** The connector while Connect, the broker or Postgres is killed and comes back: on a stack of its own. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectKafka } from '../../src/messaging/kafkajs/index.ts';
import type { Log, LogConsumer } from '../../src/messaging/log.ts';
import { topicNames } from '../../src/messaging/topics.ts';
import { outboxTable } from '../../src/store/outbox-names.ts';
import { installSteps, runEngineCommand } from '../../stack/engine.ts';
import { checkout, openHome } from '../../stack/home.ts';
import { deleteData } from '../../stack/reset.ts';
import type { PartName } from '../../stack/settings.ts';
import { eventually } from '../support/eventually.ts';
import { type StackHandle, startTestStack } from '../support/stack.ts';

const home = join(checkout, '.millrace-test', `connector-restart-${process.pid}`);
const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
let stack: StackHandle;
let log: Log;
let consumer: LogConsumer;
/** By key, the values that came, each at its first coming. */
const seen = new Map<string, number[]>();

beforeAll(async () => {
  stack = await startTestStack({ home });
  for (const step of installSteps) await runEngineCommand(step, stack.env, join(home, 'logs', 'install.log'));
  log = connectKafka({ brokers: (stack.env.KAFKA_BROKERS ?? '').split(','), clientId: 'connector-restart-test' }, quiet);
  consumer = log.consumer({
    groupId: 'connector-restart-test',
    topics: [topicNames(stack.env.MILLRACE_TOPIC_PREFIX ?? '').lifecycle],
    handlers: {
      onBatch: (batch) => {
        for (const { key, value } of batch.records) {
          const values = seen.get(String(key)) ?? [];
          const number = Number(value?.toString());
          seen.set(String(key), values.includes(number) ? values : [...values, number]);
        }
        consumer.commit(batch, (batch.records.at(-1)?.offset ?? 0n) + 1n, batch.generation);
      },
      onAssigned: () => undefined,
      onRevoked: () => undefined,
    },
  });
  await consumer.start();
}, 240_000);

afterAll(async () => {
  await consumer.stop();
  await stack.stop();
  deleteData(openHome(home));
  rmSync(home, { recursive: true, force: true });
}, 60_000);

/** One transaction a value, so that the order of commits is the order of values. */
async function insert(key: string, from: number, to: number): Promise<void> {
  const client = new pg.Client({ connectionString: stack.env.INSTANCE_DATABASE_URL });
  await client.connect();
  try {
    for (let value = from; value < to; value++)
      await client.query(`INSERT INTO ${outboxTable} (topic, key, message_type, partition, payload) VALUES ($1, $2, 'Number', 1, $3)`, [
        topicNames(stack.env.MILLRACE_TOPIC_PREFIX ?? '').lifecycle,
        key,
        Buffer.from(String(value)),
      ]);
  } finally {
    await client.end();
  }
}

test.each<[PartName, 'meanwhile' | 'afterwards']>([
  ['connect', 'meanwhile'],
  ['kafka', 'meanwhile'],
  ['postgres', 'afterwards'],
])('after %s was killed, what was written before and %s comes in its order, without a gap', { timeout: 180_000 }, async (part, when) => {
  await insert(part, 0, 100);
  await stack.kill(part);
  if (when === 'meanwhile') await insert(part, 100, 200);
  await stack.start(part);
  await insert(part, when === 'meanwhile' ? 200 : 100, 300);
  await eventually(() => expect(seen.get(part)).toEqual(Array.from({ length: 300 }, (_, value) => value)), { timeoutMs: 150_000 });
});

// Sessions in a container are no processes that could be stopped from here.
test.skipIf(process.env.MILLRACE_STACK === 'containers')(
  'postgres comes back while a session of the one that was killed still holds its memory',
  { timeout: 60_000 },
  async () => {
    const client = new pg.Client({ connectionString: stack.env.INSTANCE_DATABASE_URL });
    client.on('error', () => undefined);
    await client.connect();
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    const pid = rows[0]?.pid ?? Number.NaN;
    let isFrozen: boolean = process.kill(pid, 'SIGSTOP');
    const goOn = () => {
      if (isFrozen) process.kill(pid, 'SIGCONT');
      isFrozen = false;
    };
    try {
      await stack.kill('postgres');
      const started = stack.start('postgres');
      started.catch(() => undefined);
      await eventually(async () => expect(await stack.logEnd('postgres')).toContain('pre-existing shared memory block'));
      goOn();
      await started;
    } finally {
      goOn();
    }
    await insert('postgres-again', 0, 1);
  },
);
