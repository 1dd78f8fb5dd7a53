/**
 * Every example to each of its ends, by real processes on the real stack: what `npm start` deploys and runs beside the
 * engine is what runs here.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Instance } from '../../src/client/index.ts';
import type { Json } from '../../src/core/json.ts';
import type { TestEngine } from '../support/engine.ts';
import { eventuallyHas } from '../support/eventually.ts';
import { type ExampleServer, startExampleServer } from '../support/example-server.ts';
import { type JsonFields, readExample, startWithExamples } from '../support/examples.ts';
import { payByJava } from '../support/payment-provider.ts';

describe('the examples', { timeout: 180_000 }, () => {
  let engine: TestEngine;
  let shop: ExampleServer;

  beforeAll(async () => {
    shop = await startExampleServer('order-fulfilment', '/orders/none');
    engine = await startWithExamples({ orchestrators: 2 });
  }, 180_000);
  afterAll(async () => {
    await engine?.stop();
    await shop?.stop();
  });

  const start = async (example: string, input: string, more: JsonFields = {}): Promise<string> =>
    await engine.startInstance(example, { ...readExample(example, input), ...more });

  const ended = async (instanceId: string): Promise<Instance> =>
    await eventuallyHas(
      () => engine.client.instance(instanceId),
      ({ status }) => !['running', 'ending', 'undoing'].includes(status),
      { timeoutMs: 90_000 },
    );

  describe('expense-approval', () => {
    const decide = async (instanceId: string, who: string, approved: boolean): Promise<void> => {
      const applied = await engine.client.complete(`${instanceId}.approve`, { approved }, { assignee: who, waitMs: 20_000 });
      expect(applied.status).toBe('applied');
    };

    test('pays a small expense without asking', async () => {
      expect(await ended(await start('expense-approval', 'input.json'))).toMatchObject({
        status: 'completed',
        output: { paid: true, transfer: expect.stringMatching(/^TR-[0-9a-f]{10}$/) },
      });
    });

    test('pays a large one that a manager approves, and publishes the refusal of one that is not', async () => {
      const [yes, no] = [await start('expense-approval', 'input-large.json'), await start('expense-approval', 'input-large.json')];
      const inbox = await engine.client.inbox({ role: 'manager', instanceId: yes });
      expect(inbox.items).toMatchObject([{ taskId: `${yes}.approve`, title: 'Approve 1250 for Ada: Conference ticket' }]);
      await decide(yes, 'grace', true);
      await decide(no, 'grace', false);
      expect(await ended(yes)).toMatchObject({ status: 'completed', output: { paid: true } });
      expect(await ended(no)).toMatchObject({ status: 'completed', output: { paid: false, transfer: null } });
    });

    test('goes to the directors when the manager takes too long, and is given up when they do too', async () => {
      const times = { escalateAfter: '1s', giveUpAfter: '3s' };
      const instanceId = await start('expense-approval', 'input-impatient.json', times);
      expect(await ended(instanceId)).toMatchObject({ status: 'completed', output: { paid: false } });
      const history = await engine.client.history(instanceId);
      const types = history.items.map(({ type }) => type);
      expect(types.indexOf('HumanTaskEscalated')).toBeGreaterThan(types.indexOf('HumanTaskOpened'));
      expect(types.indexOf('EventPublished')).toBeGreaterThan(types.indexOf('HumanTaskEscalated'));
    });

    test('a director decides what was escalated', async () => {
      const instanceId = await start('expense-approval', 'input-impatient.json', { escalateAfter: '500ms', giveUpAfter: '10m' });
      await eventuallyHas(
        () => engine.client.inbox({ role: 'director', instanceId }),
        ({ items }) => items.length === 1,
      );
      await decide(instanceId, 'heidi', true);
      expect(await ended(instanceId)).toMatchObject({ status: 'completed', output: { paid: true } });
    });
  });

  describe('order-fulfilment', () => {
    const order = async (input: string): Promise<{ readonly output: Json; readonly ledger: unknown }> => {
      const orderId = `o-${randomUUID()}`;
      const { status, output } = await ended(await start('order-fulfilment', input, { orderId, shop: shop.url }));
      expect(status).toBe('completed');
      return { output, ledger: await (await fetch(`${shop.url}/orders/${orderId}`)).json() };
    };
    const nothing = { reservations: 0, released: 0, payments: 0, refunds: 0, shipments: 0 };

    test('ships ten orders, each reserved, paid and shipped once although the shop fails sometimes', async () => {
      const orders = await Promise.all(Array.from({ length: 10 }, () => order('input.json')));
      for (const { output, ledger } of orders) {
        expect(output).toEqual({ shipped: true, refunded: false });
        expect(ledger).toEqual({ ...nothing, reservations: 1, payments: 1, shipments: 1 });
      }
    });

    test('releases the goods when the card is declined', async () => {
      expect(await order('input-declined.json')).toEqual({
        output: { shipped: false, refunded: false },
        ledger: { ...nothing, reservations: 1, released: 1 },
      });
    });

    test('gives the money back when the goods are sold out', async () => {
      expect(await order('input-sold-out.json')).toEqual({
        output: { shipped: false, refunded: true },
        ledger: { ...nothing, payments: 1, refunds: 1 },
      });
    });

    test('undoes both when nobody ships to the address', async () => {
      expect(await order('input-unshippable.json')).toEqual({
        output: { shipped: false, refunded: true },
        ledger: { ...nothing, reservations: 1, released: 1, payments: 1, refunds: 1 },
      });
    });
  });

  describe('order-to-delivery', () => {
    const childrenOf = async (parent: string, count: number) =>
      await eventuallyHas(
        async () => (await engine.client.instances({ parent })).items,
        (items) => items.length === count,
      );
    const order = (): string => `b-${randomUUID()}`;
    const historyOf = async (instanceId: string): Promise<readonly string[]> =>
      (await engine.client.history(instanceId, { limit: 200 })).items.map(
        ({ type, taskId }) => `${type} ${taskId?.slice(instanceId.length + 1) ?? ''}`,
      );

    test('starts by an event, ships in two parcels that are children, and is delivered when both have arrived', async () => {
      const name = order();
      const data = { ...readExample('order-to-delivery', 'input.json'), order: name };
      await engine.client.sendEvent({ id: name, type: 'shop.order-placed', source: 'shop', key: name, data });
      const [started] = await eventuallyHas(
        async () => (await engine.client.instances({ businessKey: name })).items,
        (items) => items.length === 1,
      );
      if (started === undefined) throw new Error('there is one');
      await childrenOf(started.instanceId, 2);
      for (const parcel of [1, 2]) await engine.client.sendEvent({ type: 'parcel.delivered', key: `TR-${name}-${parcel}` });
      expect(await ended(started.instanceId)).toMatchObject({
        status: 'completed',
        output: { delivered: true, approvedBy: [], parcels: [`TR-${name}-1`, `TR-${name}-2`] },
      });
    });

    test('a large one needs two people who did not take it; cancelled on its way it is undone, its child first', async () => {
      const instanceId = await start('order-to-delivery', 'input-large.json', { order: order() });
      const vote = (who: string) =>
        engine.client.complete(`${instanceId}.approve`, {}, { outcome: 'approve', assignee: who, waitMs: 20_000 });
      await expect(vote('ada')).rejects.toMatchObject({ code: 'MR_TASK_EXCLUDED' });
      await vote('grace');
      await vote('heidi');
      const [child] = await childrenOf(instanceId, 1);
      await eventuallyHas(
        () => engine.client.instance(child?.instanceId ?? ''),
        ({ open }) => open[0]?.waitingFor.kind === 'event',
      );
      await engine.client.cancel(instanceId, 'The customer called');
      expect(await ended(instanceId)).toMatchObject({ status: 'cancelled' });
      expect(await historyOf(child?.instanceId ?? '')).toEqual(expect.arrayContaining(['TaskCompleted book.compensation']));
      const undone = (await historyOf(instanceId)).filter((entry) => /^(ChildEnded|TaskCompleted .*compensation)/.test(entry));
      expect(undone).toEqual([
        'ChildEnded parcels.0.deliver',
        'TaskCompleted charge.compensation',
        'TaskCompleted reserve.0.hold.compensation',
      ]);
    });

    test('what was held is released when the card is declined, the last line first', async () => {
      const instanceId = await start('order-to-delivery', 'input-declined.json', { order: order() });
      expect(await ended(instanceId)).toMatchObject({ status: 'failed', error: { code: 'CARD_DECLINED' } });
      expect((await historyOf(instanceId)).filter((entry) => entry.startsWith('TaskCompleted reserve.')).slice(2)).toEqual([
        'TaskCompleted reserve.1.hold.compensation',
        'TaskCompleted reserve.0.hold.compensation',
      ]);
    });

    test('a parcel that nobody hears of is asked for in rounds', async () => {
      const soon = { deliverWithin: 'PT0.2S', askEvery: 'PT0.2S' };
      const instanceId = await start('order-to-delivery', 'input.json', { order: order(), ...soon });
      expect(await ended(instanceId)).toMatchObject({ status: 'completed', output: { delivered: true } });
      for (const child of await childrenOf(instanceId, 2))
        expect(await engine.client.instance(child.instanceId)).toMatchObject({ output: { traced: true } });
    });

    test('the report runs for the day before, as its schedule would start it', async () => {
      const { instanceId } = await engine.client.fireTrigger('order-report', 'nightly', { time: '2026-01-31T01:30:00Z' });
      expect(await ended(instanceId)).toMatchObject({ status: 'completed', input: { day: '2026-01-30' } });
      expect((await engine.client.definitionTriggers('order-report')).triggers).toMatchObject([{ name: 'nightly' }]);
    });
  });

  describe('payment-confirmation', () => {
    const invoiced = async (input = 'input.json'): Promise<{ readonly invoice: string; readonly instanceId: string }> => {
      const invoice = `i-${randomUUID()}`;
      return { invoice, instanceId: await start('payment-confirmation', input, { invoice }) };
    };

    test('is settled by an event that a Java program writes to Kafka, also when that came first', async () => {
      const { invoice, instanceId } = await invoiced();
      const early = `i-${randomUUID()}`;
      await payByJava({ invoice, cents: 4900, what: 'confirmed' }, engine.env);
      await payByJava({ invoice: early, cents: 4900, what: 'confirmed' }, engine.env);
      const settled = { status: 'completed', output: { paid: true, confirmedBy: 'payment-provider' } };
      expect(await ended(instanceId)).toMatchObject(settled);
      expect(await ended(await start('payment-confirmation', 'input.json', { invoice: early }))).toMatchObject(settled);
    });

    test('does not count a payment that is too small; a refusal cancels it', async () => {
      const { invoice, instanceId } = await invoiced();
      await payByJava({ invoice, cents: 100, what: 'confirmed' }, engine.env);
      await payByJava({ invoice, cents: 4900, what: 'refused' }, engine.env);
      expect(await ended(instanceId)).toMatchObject({ status: 'completed', output: { paid: false, confirmedBy: 'payment-provider' } });
    });

    test('is cancelled when nobody pays in time', async () => {
      const instanceId = await start('payment-confirmation', 'input-overdue.json', { invoice: `i-${randomUUID()}`, payWithin: '1s' });
      expect(await ended(instanceId)).toMatchObject({ status: 'completed', output: { paid: false, confirmedBy: null } });
    });
  });
});
