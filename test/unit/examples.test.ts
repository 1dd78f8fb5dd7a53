/** The examples as definitions: each parses, each input fits, and every way through each of them ends as its README says. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseDefinition } from '../../src/core/definition/index.ts';
import type { Json } from '../../src/core/json.ts';
import { findExamples } from '../../stack/engine.ts';
import { checkout } from '../../stack/home.ts';
import { Scenario } from '../support/scenario.ts';

const folder = join(checkout, 'examples');

function read(...path: readonly string[]): Json {
  return JSON.parse(readFileSync(join(folder, ...path), 'utf8')) as Json;
}

function run(example: string, input = 'input.json'): Scenario {
  return new Scenario(read(example, 'definition.json'), read(example, input));
}

describe.each(findExamples().definitions.map(({ name }) => name))('the example %s', (name) => {
  const parsed = parseDefinition(read(name, 'definition.json'), { version: 1 });

  it('parses, and is named like its folder', () => {
    expect(parsed).toMatchObject({ ok: true, value: { id: name } });
  });

  it('takes each of its inputs', () => {
    const inputs = readdirSync(join(folder, name)).filter((file) => /^input.*\.json$/.test(file));
    expect(inputs).toContain('input.json');
    for (const file of inputs) expect(parsed.ok && parsed.value.input?.compiled.validate(read(name, file)), file).toEqual([]);
  });

  it('says in its README how to run it', () => {
    expect(readFileSync(join(folder, name, 'README.md'), 'utf8')).toContain(`npx millrace start ${name}`);
  });
});

describe('expense-approval', () => {
  it('pays a small expense at once', () => {
    const expense = run('expense-approval');
    expect(expense.open).toEqual(['pay']);
    expense.completes('pay', { transferId: 'TR-1', amount: 42.5 });
    expect(expense.status).toBe('completed');
    expect(expense.state.output).toEqual({ paid: true, transfer: 'TR-1' });
  });

  it('asks a manager, then a director, and pays when one of them agrees', () => {
    const expense = run('expense-approval', 'input-impatient.json');
    expect(expense.task('approve')).toMatchObject({
      title: 'Approve 1250 for Ada: Conference ticket',
      assignees: { roles: ['manager'] },
    });
    expense.timer('approve#escalation');
    expect(expense.task('approve')).toMatchObject({ status: 'open', assignees: { roles: ['director'] } });
    expense.approves('approve', { approved: true }).completes('pay', { transferId: 'TR-1', amount: 1250 });
    expect(expense.state.output).toEqual({ paid: true, transfer: 'TR-1' });
  });

  it('rejects when the approver says no', () => {
    const expense = run('expense-approval', 'input-large.json').approves('approve', { approved: false });
    expect(expense.status).toBe('completed');
    expect(expense.statuses).toMatchObject({ pay: 'skipped', reject: 'completed' });
    expect(expense.state.output).toEqual({ paid: false, transfer: null });
  });

  it('rejects when nobody decides in time', () => {
    const expense = run('expense-approval', 'input-large.json').timer('approve#timeout');
    expect(expense.status).toBe('completed');
    expect(published(expense)).toEqual([{ event: 'expense.rejected', data: { employee: 'Ada', why: 'Nobody decided in time.' } }]);
  });
});

describe('order-fulfilment', () => {
  const reserved = { status: 201, headers: {}, body: { reservationId: 'RS-1' } };
  const charged = { status: 201, headers: {}, body: { paymentId: 'PM-1' } };

  it('ships what is reserved and paid', () => {
    const order = run('order-fulfilment');
    expect(order.open).toEqual(['charge', 'reserve']);
    order.completes('reserve', reserved).completes('charge', charged);
    expect(order.open).toEqual(['ship']);
    order.completes('ship', { status: 201, headers: {}, body: { shipmentId: 'SH-1' } });
    expect(order.statuses).toMatchObject({ release: 'skipped', refund: 'skipped', reject: 'skipped', confirm: 'completed' });
    expect(order.state.output).toEqual({ shipped: true, refunded: false });
  });

  it('releases the goods when the card is declined', () => {
    const order = run('order-fulfilment', 'input-declined.json')
      .fails('charge', 'HTTP_402', { retryable: false })
      .completes('reserve', reserved);
    expect(order.open).toEqual(['release']);
    expect(order.task('release')).toMatchObject({ payload: { input: { url: 'http://127.0.0.1:8090/reservations/RS-1' } } });
    order.completes('release', { status: 204, headers: {}, body: null });
    expect(order.state.output).toEqual({ shipped: false, refunded: false });
    expect(published(order)).toEqual([{ event: 'order.rejected', data: { because: 'HTTP_402' } }]);
  });

  it('refunds when there is nothing to ship', () => {
    const order = run('order-fulfilment', 'input-sold-out.json')
      .completes('charge', charged)
      .fails('reserve', 'HTTP_409', { retryable: false });
    expect(order.open).toEqual(['refund']);
    order.completes('refund', { status: 201, headers: {}, body: {} });
    expect(order.state.output).toEqual({ shipped: false, refunded: true });
    expect(published(order)).toEqual([{ event: 'order.rejected', data: { because: 'HTTP_409' } }]);
  });

  it('refunds and releases when nobody ships, and rejects only after both', () => {
    const order = run('order-fulfilment', 'input-unshippable.json').completes('charge', charged).completes('reserve', reserved);
    order.fails('ship', 'HTTP_422', { retryable: false });
    expect(order.open).toEqual(['refund', 'release']);
    order.completes('refund', { status: 201, headers: {}, body: {} });
    expect(published(order)).toEqual([]);
    order.completes('release', { status: 204, headers: {}, body: null });
    expect(published(order)).toEqual([{ event: 'order.rejected', data: { because: 'HTTP_422' } }]);
    expect(order.status).toBe('completed');
  });

  it('rejects at once when both fail', () => {
    const order = run('order-fulfilment')
      .fails('charge', 'HTTP_402', { retryable: false })
      .fails('reserve', 'HTTP_409', { retryable: false });
    expect(order.statuses).toMatchObject({ ship: 'skipped', release: 'skipped', refund: 'skipped', reject: 'completed' });
    expect(order.status).toBe('completed');
  });
});

describe('payment-confirmation', () => {
  const event = (type: string): Json => ({ id: 'e-1', type, source: 'bank', key: 'INV-2001', time: null, data: { cents: 4900 } });

  it('waits for the payment of its invoice, and settles it', () => {
    const invoice = run('payment-confirmation');
    expect(invoice.task('payment')).toMatchObject({
      waits: [
        { event: 'payment.confirmed', key: 'INV-2001' },
        { event: 'payment.refused', key: 'INV-2001', where: null },
      ],
    });
    invoice.event('payment', event('payment.confirmed'));
    expect(invoice.state.output).toEqual({ paid: true, confirmedBy: 'bank' });
  });

  it('cancels a refused one', () => {
    const invoice = run('payment-confirmation').event('payment', event('payment.refused'), { wait: 1 });
    expect(invoice.statuses).toMatchObject({ settle: 'skipped', cancel: 'completed' });
    expect(invoice.state.output).toEqual({ paid: false, confirmedBy: 'bank' });
  });

  it('cancels one that is overdue', () => {
    const invoice = run('payment-confirmation', 'input-overdue.json').timer('payment#timeout');
    expect(invoice.state.output).toEqual({ paid: false, confirmedBy: null });
    expect(published(invoice).at(-1)).toEqual({ event: 'invoice.cancelled', data: { why: 'overdue' } });
  });
});

function published({ history }: Scenario): { readonly event: string; readonly data: Json }[] {
  return history.flatMap(({ event: entry }) => (entry.type === 'EventPublished' ? [{ event: entry.event, data: entry.data }] : []));
}
