/**
 * Only probes show that rows of the outbox do not arrive while a connector runs and confirms its slot. On a stack of its own,
 * whose publication loses the outbox.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createAdmissionControl } from '../../src/api/admission-control.ts';
import { Backlog } from '../../src/api/backlog.ts';
import { connectKafka } from '../../src/messaging/kafkajs/index.ts';
import type { LogConsumer } from '../../src/messaging/log.ts';
import { topicNames } from '../../src/messaging/topics.ts';
import { createProbeReader } from '../../src/orchestrator/probes/probe-reader.ts';
import { slotName } from '../../src/store/outbox-names.ts';
import { createOutboxGauge, createOutboxProbes, createPool, type Pool } from '../../src/store/postgres/index.ts';
import { installSteps, runEngineCommand } from '../../stack/engine.ts';
import { checkout, openHome } from '../../stack/home.ts';
import { deleteData } from '../../stack/reset.ts';
import { eventually } from '../support/eventually.ts';
import { asSuperuser } from '../support/fresh-databases.ts';
import { type StackHandle, startTestStack } from '../support/stack.ts';

const home = join(checkout, '.millrace-test', `probes-${process.pid}`);
const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const atOnce = { intervalMs: 0, patienceMs: 0 };
const never = { intervalMs: 3_600_000, patienceMs: 3_600_000 };
let stack: StackHandle;
let pool: Pool;
let reader: LogConsumer;
let topic: string;

beforeAll(async () => {
  stack = await startTestStack({ home });
  for (const step of installSteps) await runEngineCommand(step, stack.env, join(home, 'logs', 'install.log'));
  pool = createPool(stack.env.INSTANCE_DATABASE_URL ?? '', { connections: 3 });
  const log = connectKafka({ brokers: (stack.env.KAFKA_BROKERS ?? '').split(','), clientId: 'probes-test' }, quiet);
  topic = topicNames(stack.env.MILLRACE_TOPIC_PREFIX ?? '').probes;
  reader = createProbeReader({
    signal: new AbortController().signal,
    log,
    topic,
    groupId: 'probes-test',
    probes: createOutboxProbes(pool),
    logger: quiet,
  });
  await reader.start();
}, 240_000);

afterAll(async () => {
  await reader?.stop();
  await pool?.end();
  await stack?.stop();
  deleteData(openHome(home));
  rmSync(home, { recursive: true, force: true });
}, 60_000);

async function change(publication: string): Promise<void> {
  const database = new URL(stack.env.INSTANCE_DATABASE_URL ?? '').pathname.slice(1);
  await asSuperuser(database, (client) => client.query(`ALTER PUBLICATION millrace_outbox ${publication}`), stack.env);
}

test('What is written to the outbox comes back; what never arrives is told, and refuses starts, although the slot moves on', {
  timeout: 120_000,
}, async () => {
  const probes = createOutboxProbes(pool);
  const gauge = createOutboxGauge(pool, slotName(stack.env.MILLRACE_TOPIC_PREFIX ?? ''));
  const admission = createAdmissionControl({
    ...{ read: () => gauge.read(), ageMaxMs: 1_000, log: quiet },
    readPositions: () => Promise.resolve({ end: 0n, dealtWith: 0n }),
    backlog: new Backlog(),
  });
  const probe = async () => (await gauge.read()).probe;

  await probes.send(topic, atOnce);
  await eventually(async () => expect(await probe()).toMatchObject({ status: 'cameBack' }));

  await change('DROP TABLE outbox');
  await probes.send(topic, atOnce);
  await eventually(async () => {
    await admission.sample();
    // Heartbeats move the slot on, so the outbox looks published.
    expect(await gauge.read()).toMatchObject({ slotExists: true, confirmed: true, oldestAgeSeconds: expect.closeTo(0, 0) });
    expect(admission.reasonToRefuse()).toMatch(/^a probe that was written to the outbox \d+ s ago has not come back from Kafka/);
  });
  await probes.send(topic, never);
  expect(await probe()).toMatchObject({ status: 'waiting' });

  await change('ADD TABLE outbox');
  await probes.send(topic, atOnce);
  await eventually(async () => {
    await admission.sample();
    expect(admission.reasonToRefuse()).toBeNull();
  });
});
