/**
 * Many instances of each example at once, and one process of each kind killed meanwhile: all finish, as their inputs say,
 * and nothing that must not happen twice did. MILLRACE_EXAMPLE_COUNT says how many of each; default 60.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Json } from '../../src/core/json.ts';
import type { TestEngine } from '../support/engine.ts';
import { eventuallyHas } from '../support/eventually.ts';
import { type ExampleServer, startExampleServer } from '../support/example-server.ts';
import { type JsonFields, readExample, startWithExamples } from '../support/examples.ts';
import { produceByJava } from '../support/java-producer.ts';

const COUNT = Number(process.env.MILLRACE_EXAMPLE_COUNT ?? 60);
const TIMEOUT_MS = 240_000 + COUNT * 500;
const SENDERS = 32;
const some = ['expense-approval', 'order-fulfilment', 'payment-confirmation'];

let engine: TestEngine;
let shop: ExampleServer;
beforeAll(async () => {
  shop = await startExampleServer('order-fulfilment', '/orders/none');
  // A killed member is out of its group sooner than by default: the test waits for it.
  engine = await startWithExamples({ orchestrators: 2, taskConsumers: 2, env: { KAFKA_SESSION_TIMEOUT: '6s' } }, { workers: 2, some });
}, 240_000);
afterAll(async () => {
  await engine?.stop();
  await shop?.stop();
});

const tag = `load-${randomUUID()}`;
/** What each instance must end with, by its id. */
const expected = new Map<string, Json>();

test(
  `${COUNT} instances of each example finish, whoever is killed meanwhile`,
  async () => {
    await Promise.all([startExpenses(), startOrders(), startInvoices()]);
    const victims = ['orchestrator-1', 'task-consumer-1', 'worker-1'];
    await Promise.all(victims.map((victim) => engine.kill(victim)));
    await decideExpenses();
    await payInvoices();
    await Promise.all(victims.map((victim) => engine.startProcess(victim)));

    await eventuallyHas(
      async () => (await engine.client.instances({ businessKey: tag, status: 'running', limit: 500 })).items.length,
      (running) => running === 0,
      { timeoutMs: TIMEOUT_MS - 60_000, intervalMs: 500, what: 'all instances have ended' },
    );
    const ended = [...expected.keys()];
    await inTurns(ended, async (instanceId) => {
      expect(await engine.client.instance(instanceId)).toMatchObject({ status: 'completed', output: expected.get(instanceId) });
    });
    await inTurns(orders, async ({ orderId, ledger }) => {
      expect(await (await fetch(`${shop.url}/orders/${orderId}`)).json(), orderId).toEqual(ledger);
    });
    expect(ended).toHaveLength(3 * COUNT);
  },
  TIMEOUT_MS,
);

const approvals: { readonly instanceId: string; readonly approved: boolean }[] = [];

/** Every second one is large and wants a decision. */
async function startExpenses(): Promise<void> {
  await inTurns(range(), async (n) => {
    const large = n % 2 === 1;
    const instanceId = await start('expense-approval', readExample('expense-approval', large ? 'input-large.json' : 'input.json'));
    const approved = n % 4 === 1;
    if (large) approvals.push({ instanceId, approved });
    expected.set(instanceId, expect.objectContaining({ paid: !large || approved }));
  });
}

async function decideExpenses(): Promise<void> {
  await inTurns(approvals, async ({ instanceId, approved }) => {
    await engine.client.complete(`${instanceId}.approve`, { approved }, { assignee: 'grace' });
  });
}

const nothing = { reservations: 0, released: 0, payments: 0, refunds: 0, shipments: 0 };
const kinds = [
  ['input.json', { shipped: true, refunded: false }, { reservations: 1, payments: 1, shipments: 1 }],
  ['input-declined.json', { shipped: false, refunded: false }, { reservations: 1, released: 1 }],
  ['input-sold-out.json', { shipped: false, refunded: true }, { payments: 1, refunds: 1 }],
  ['input-unshippable.json', { shipped: false, refunded: true }, { reservations: 1, released: 1, payments: 1, refunds: 1 }],
] as const;
const orders: { readonly orderId: string; readonly ledger: object }[] = [];

async function startOrders(): Promise<void> {
  await inTurns(range(), async (n) => {
    const [input, output, done] = kinds[n % kinds.length] ?? kinds[0];
    const orderId = randomUUID();
    const instanceId = await start('order-fulfilment', { ...readExample('order-fulfilment', input), orderId, shop: shop.url });
    orders.push({ orderId, ledger: { ...nothing, ...done } });
    expected.set(instanceId, output);
  });
}

const invoices: string[] = [];

async function startInvoices(): Promise<void> {
  await inTurns(range(), async () => {
    const invoice = randomUUID();
    const instanceId = await start('payment-confirmation', { ...readExample('payment-confirmation', 'input.json'), invoice });
    invoices.push(invoice);
    expected.set(instanceId, { paid: true, confirmedBy: 'bank' });
  });
}

/** Each event twice under one id, by a producer that is not ours. */
async function payInvoices(): Promise<void> {
  const event = (invoice: string) =>
    [
      invoice,
      '{"cents":4900}',
      `ce_specversion:1.0,ce_id:${invoice},ce_type:payment.confirmed,ce_source:bank,content-type:application/json`,
    ] as const;
  await produceByJava({
    brokers: engine.env.KAFKA_BROKERS ?? '',
    topic: `${engine.env.MILLRACE_TOPIC_PREFIX}.events`,
    compression: 'lz4',
    records: invoices.flatMap((invoice) => [event(invoice), event(invoice)]),
  });
}

/** An answer may be lost: the key makes the repeat safe. */
async function start(definition: string, input: JsonFields): Promise<string> {
  const { instanceId } = await engine.client.start(definition, { input, businessKey: tag }, { idempotencyKey: randomUUID() });
  return instanceId;
}

function range(): number[] {
  return Array.from({ length: COUNT }, (_, n) => n);
}

/** A bounded number at a time. */
async function inTurns<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = items.values();
  const sender = async (): Promise<void> => {
    for (const item of left) await work(item);
  };
  await Promise.all(Array.from({ length: SENDERS }, sender));
}
