/**
 * One instance through all the real parts: REST, Postgres, Debezium, Kafka, workers, a person, an event of a producer that
 * is not ours; and what stands in the topics afterwards, as a consumer that is not ours reads it.
 */
import { SchemaRegistry } from '@kafkajs/confluent-schema-registry';
import kafkajs from 'kafkajs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectorName } from '../../connect/connector.ts';
import { mendRequestQueue } from '../../src/messaging/kafkajs/request-queue.ts';
import { groupNames, topicSpecs } from '../../src/messaging/topics.ts';
import { slotName } from '../../src/store/outbox-names.ts';
import { fetchConnect } from '../support/connect-rest.ts';
import { queryInstances } from '../support/database.ts';
import { TestEngine } from '../support/engine.ts';
import { eventuallyHas } from '../support/eventually.ts';
import { consumeByJava } from '../support/java-consumer.ts';
import { produceByJava } from '../support/java-producer.ts';

const definition = {
  id: 'e2e-life-of-a-step',
  input: { type: 'object', properties: { order: { type: 'string' }, amount: { type: 'number' } }, required: ['order', 'amount'] },
  nodes: {
    check: { type: 'transform', output: { large: '${ input.amount > 100 }' } },
    reserve: { type: 'task', task: 'e2e.echo', input: { order: '${ input.order }' } },
    approve: { type: 'human', title: 'Approve ${ input.amount }', assignees: { roles: ['manager'] } },
    paid: { type: 'event', event: 'e2e.payment.confirmed', key: '${ input.order }' },
  },
  edges: [
    { from: 'check', to: 'reserve' },
    { from: 'reserve', to: 'approve', when: 'nodes.check.output.large' },
    { from: 'reserve', to: 'paid', otherwise: true },
    { from: 'approve', to: 'paid', when: 'nodes.approve.output.approved' },
    { from: 'approve', to: null, otherwise: true },
  ],
  output: { order: '${ nodes.reserve.output.order }', reference: '${ nodes.paid.output.data.reference }' },
};

describe('an instance on the whole stack', () => {
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await TestEngine.start({ orchestrators: 2, workers: ['test/support/e2e-handlers.ts'] });
    await engine.deploy(definition);
  }, 120_000);
  afterAll(() => engine.stop());

  test('is started by REST, worked on, approved, woken by a foreign event, and finishes; its messages are framed Avro', async () => {
    const { client, env } = engine;
    const order = `order-${Date.now()}`;
    const instanceId = await engine.startInstance(definition.id, { order, amount: 250 });

    const inbox = await eventuallyHas(
      () => client.inbox({ instanceId }),
      ({ items }) => items.length === 1,
    );
    const [task] = inbox.items;
    expect(task).toMatchObject({ title: 'Approve 250', instanceId });
    const applied = await client.complete(task?.taskId ?? '', { approved: true }, { assignee: 'ada', waitMs: 20_000 });
    expect(applied.status).toBe('applied');

    await produceByJava({
      brokers: env.KAFKA_BROKERS ?? '',
      topic: `${env.MILLRACE_TOPIC_PREFIX}.events`,
      compression: 'zstd',
      records: [
        [
          order,
          JSON.stringify({ reference: 'R-1' }),
          `ce_specversion:1.0,ce_id:${order},ce_type:e2e.payment.confirmed,ce_source:bank,content-type:application/json`,
        ],
      ],
    });
    const instance = await eventuallyHas(
      () => client.instance(instanceId),
      ({ status }) => status === 'completed',
    );
    expect(instance.output).toEqual({ order, reference: 'R-1' });
    expect(instance.openCount).toBe(0);

    const history = await client.history(instanceId, { limit: 500 });
    expect(history.items.map(({ seq }) => seq)).toEqual(history.items.map((_, index) => index + 1));

    const prefix = env.MILLRACE_TOPIC_PREFIX;
    const registry = new SchemaRegistry({ host: env.SCHEMA_REGISTRY_URL ?? '' });
    // Everything is in the topics by now; a console consumer on a busy machine may give up before it has begun to read.
    const ofInstance = (topic: string, atLeast: number) =>
      eventuallyHas(
        async () => (await consumeByJava(env.KAFKA_BROKERS ?? '', topic)).filter(({ key }) => key === instanceId),
        (records) => records.length >= atLeast,
        { timeoutMs: 90_000, what: `records of the instance in ${topic}` },
      );
    const tasks = await ofInstance(`${prefix}.tasks.handlers`, 1);
    expect(tasks).toHaveLength(1);
    expect(tasks[0]?.headers).toContain('messageType:TaskScheduled');
    expect(await registry.decode(tasks[0]?.value ?? Buffer.alloc(0))).toMatchObject({
      instanceId,
      taskId: `${instanceId}.reserve`,
      attempt: 1,
      input: JSON.stringify({ order }),
    });
    const notifications = await ofInstance(`${prefix}.notifications`, 3);
    const types = notifications.map(({ headers }) => /messageType:(\w+)/.exec(headers)?.[1]);
    expect(types).toEqual(['TaskOutcome', 'CommandIssued', 'EventMatched']);
    expect(new Set([...tasks, ...notifications].map(({ partition }) => partition)).size).toBe(1);
    expect(await registry.decode(notifications[0]?.value ?? Buffer.alloc(0))).toMatchObject({ instanceId, status: 'completed' });
    const lifecycle = await ofInstance(`${prefix}.lifecycle`, 1);
    expect(await registry.decode(lifecycle.at(-1)?.value ?? Buffer.alloc(0))).toMatchObject({ change: 'ended', status: 'completed' });
  }, 300_000);

  test('leaves nothing under the default prefix, in Kafka, Connect and Postgres: all of it follows the setting', async () => {
    const { KAFKA_BROKERS = '', MILLRACE_TOPIC_PREFIX: prefix = '' } = engine.env;
    mendRequestQueue();
    const admin = new kafkajs.Kafka({ brokers: KAFKA_BROKERS.split(',') }).admin();
    await admin.connect();
    const topics = await admin.listTopics();
    const groups = (await admin.listGroups()).groups.map(({ groupId }) => groupId);
    await admin.disconnect();
    const connectors = (await (await fetchConnect('/connectors')).json()) as string[];
    const slots = (await queryInstances<{ slot_name: string }>('SELECT slot_name FROM pg_replication_slots')).map((row) => row.slot_name);

    const { orchestrator, correlator, deadLetters, tasks } = groupNames(prefix);
    expect(topics).toEqual(expect.arrayContaining(topicSpecs({ prefix, partitions: 8 }).map(({ topic }) => topic)));
    expect(groups).toEqual(expect.arrayContaining([orchestrator, correlator(null), deadLetters, tasks(null), tasks('handlers')]));
    expect(connectors).toContain(connectorName(prefix));
    expect(slots).toContain(slotName(prefix));
    expect([...topics, ...groups, ...connectors, ...slots].filter((name) => /(^|-heartbeat\.)millrace/.test(name))).toEqual([]);
  });

  test('receives what another instance publishes', async () => {
    const { client } = engine;
    const order = `published-${Date.now()}`;
    await engine.deploy({
      id: 'e2e-receives',
      nodes: { hear: { type: 'event', event: 'e2e.order.shipped', key: '${ input.order }' } },
      output: { by: '${ nodes.hear.output.data.by }' },
    });
    await engine.deploy({
      id: 'e2e-publishes',
      nodes: { tell: { type: 'publish', event: 'e2e.order.shipped', key: '${ input.order }', data: { by: '${ instance.id }' } } },
    });
    const waiting = await engine.startInstance('e2e-receives', { order });
    const publisher = await engine.startInstance('e2e-publishes', { order });
    const instance = await eventuallyHas(
      () => client.instance(waiting),
      ({ status }) => status === 'completed',
    );
    expect(instance.output).toEqual({ by: publisher });
  });

  test('stays on its version when another one is deployed', async () => {
    const { client } = engine;
    const version = (answer: string) => ({
      id: 'e2e-versions',
      nodes: { look: { type: 'human', title: 'Look', assignees: { roles: ['manager'] } } },
      output: { answer },
    });
    await engine.deploy(version('first'));
    const old = await engine.startInstance('e2e-versions', {});
    await engine.deploy(version('second'));
    const young = await engine.startInstance('e2e-versions', {});
    for (const instanceId of [old, young]) {
      const inbox = await eventuallyHas(
        () => client.inbox({ instanceId }),
        ({ items }) => items.length === 1,
      );
      await client.complete(inbox.items[0]?.taskId ?? '', {}, { assignee: 'ada', waitMs: 20_000 });
    }
    const ended = [old, young].map((instanceId) =>
      eventuallyHas(
        () => client.instance(instanceId),
        ({ status }) => status === 'completed',
      ),
    );
    expect((await Promise.all(ended)).map(({ output, definition: { version: of } }) => [output, of])).toEqual([
      [{ answer: 'first' }, 1],
      [{ answer: 'second' }, 2],
    ]);
  });
});
