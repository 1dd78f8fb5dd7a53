/** Orchestrators on a real broker, registry and database: what they do with outcomes, commands and events. */
import { uuidv7 } from 'uuidv7';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Definition } from '../../src/core/definition/types.ts';
import { eventually, eventuallyHas } from '../support/eventually.ts';
import { produceByJava } from '../support/java-producer.ts';
import { openCases, pickedUp, smallRecords, statusIs } from '../support/orchestrator-cases.ts';
import type { OrchestratorLab, TestOrchestrator } from '../support/orchestrator-lab.ts';

let lab: OrchestratorLab;
let orchestrator: TestOrchestrator;
let order: Definition;
let payment: Definition;

beforeAll(async () => {
  ({ lab, order, payment } = await openCases('orchestrator-lab'));
  orchestrator = await lab.run(smallRecords);
});
afterAll(async () => {
  await orchestrator?.stop();
  await lab?.close();
});

describe('an instance', () => {
  test('is moved on by the outcomes of its tasks, with the next task in the outbox', async () => {
    const id = await lab.start(order);
    await lab.notify(await lab.outcome(id, 'pick', { output: '{"shelf":7}' }));
    await pickedUp(lab, id);
    expect((await lab.outbox(id)).map(({ messageType }) => messageType)).toEqual(['TaskScheduled', 'TaskScheduled']);
    await lab.notify(await lab.outcome(id, 'pack'));
    await statusIs(lab, id, 'completed');
    const { entries: history } = await lab.queries.history(id, 0, 100);
    expect(history.at(-1)?.cause).toMatch(/^orchestrator-lab\.notifications\/\d@\d+$/);
  });

  test('is moved on by commands, which get their result', async () => {
    const id = await lab.start(order);
    await lab.notify(lab.command(id, { type: 'pause' }));
    await statusIs(lab, id, 'paused');
    await lab.notify(lab.command(id, { type: 'resume' }), lab.command(id, { type: 'cancel', reason: null }));
    await statusIs(lab, id, 'cancelled');
  });

  test('is woken by its timer, which leaves by the outbox', async () => {
    const nap = await lab.deploy({ id: 'nap', nodes: { sleep: { type: 'wait', for: '50ms' } } });
    const id = await lab.start(nap);
    await eventuallyHas(
      async () => (await lab.outbox(id)).map(({ messageType }) => messageType),
      (types) => types.includes('TimerFired'),
    );
    await lab.forward(id);
    await statusIs(lab, id, 'completed');
  });

  test('goes on with whichever orchestrator has its partition', async () => {
    const ids = await Promise.all(Array.from({ length: 20 }, () => lab.start(order)));
    const second = await lab.run();
    await Promise.all(ids.map(async (id) => lab.notify(await lab.outcome(id, 'pick'))));
    await Promise.all(ids.map((id) => pickedUp(lab, id)));
    await second.stop();
    await Promise.all(ids.map(async (id) => lab.notify(await lab.outcome(id, 'pack'))));
    await Promise.all(ids.map((id) => statusIs(lab, id, 'completed')));
  });
});

describe('what is harmless', () => {
  test('outcomes that come twice, late, or for an instance that has ended are counted and dropped', async () => {
    const before = await orchestrator.counted('notifications_rejected_total');
    const id = await lab.start(order);
    const first = await lab.outcome(id, 'pick');
    await lab.notify(first, first, await lab.outcome(id, 'pick', { attempt: 7 }));
    await pickedUp(lab, id);
    const last = await lab.outcome(id, 'pack');
    await lab.notify(last);
    await statusIs(lab, id, 'completed');
    await lab.notify(last, first);
    await eventually(async () => expect(await orchestrator.counted('notifications_rejected_total')).toBe(before + 4));
    expect(await orchestrator.counted('notifications_rejected_total', { code: 'MR_INSTANCE_ENDED' })).toBeGreaterThanOrEqual(2);
    expect((await lab.outbox(id)).filter(({ messageType }) => messageType === 'TaskScheduled')).toHaveLength(2);
    expect((await lab.deadLetters()).filter(({ instanceId }) => instanceId === id)).toEqual([]);
  });

  test('an event that comes twice reaches a wait once', async () => {
    const key = uuidv7();
    const before = await orchestrator.counted('events_total', { result: 'duplicate' });
    const id = await lab.start(payment, { key });
    const event = lab.event({ type: 'payment.confirmed', key });
    await lab.sendEvents(event, event);
    await eventually(async () => expect(await orchestrator.counted('events_total', { result: 'duplicate' })).toBe(before + 1));
    await lab.sendEvents(event);
    await eventually(async () => expect(await orchestrator.counted('events_total', { result: 'duplicate' })).toBe(before + 2));
    expect((await lab.outbox(id)).filter(({ messageType }) => messageType === 'EventMatched')).toHaveLength(1);
    await lab.forward(id);
    await statusIs(lab, id, 'completed');
  });

  test('two instances that wait for three events of one key both get all three, twenty pairs at once', async () => {
    const thrice = await lab.deploy({
      id: 'thrice',
      nodes: { paid: { type: 'event', event: 'payment.confirmed', key: '${ input.key }', count: 3 } },
    });
    const pairs = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const key = uuidv7();
        return { key, ids: [await lab.start(thrice, { key }), await lab.start(thrice, { key })] };
      }),
    );
    // All three are correlated before either instance has received the first.
    for (let n = 0; n < 3; n++) await lab.sendEvents(...pairs.map(({ key }) => lab.event({ type: 'payment.confirmed', key })));
    for (const id of pairs.flatMap(({ ids }) => ids)) {
      await eventually(async () =>
        expect((await lab.outbox(id)).filter(({ messageType }) => messageType === 'EventMatched')).toHaveLength(3),
      );
      await lab.forward(id);
      await statusIs(lab, id, 'completed');
    }
  });

  test('an event of a type that no definition names is counted and dropped', async () => {
    const before = await orchestrator.counted('events_total', { result: 'ignored' });
    await lab.sendEvents(lab.event({ type: 'nobody.waits', key: 'k' }));
    await eventually(async () => expect(await orchestrator.counted('events_total', { result: 'ignored' })).toBe(before + 1));
  });
});

describe('events', () => {
  test.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)(
    'compressed with %s by a producer that is not ours are read',
    async (compression) => {
      const key = uuidv7();
      const id = await lab.start(payment, { key });
      const headers = `ce_specversion:1.0,ce_id:${uuidv7()},ce_type:payment.confirmed,ce_source:java,content-type:application/json`;
      const data = JSON.stringify({ amount: 12.5, note: 'x'.repeat(2_000) });
      await produceByJava({ brokers: lab.env.KAFKA_BROKERS ?? '', topic: lab.names.events, compression, records: [[key, data, headers]] });
      await eventuallyHas(
        async () => (await lab.outbox(id)).map(({ messageType }) => messageType),
        (types) => types.includes('EventMatched'),
      );
      await lab.forward(id);
      await statusIs(lab, id, 'completed');
      expect((await lab.state(id)).output).toBeNull();
      expect(await lab.state(id)).toMatchObject({ tasks: { paid: { output: { source: 'java', data: { amount: 12.5 } } } } });
    },
  );
});

/** Each has its own bytes, so that its dead letter can be identified. */
