/**
 * The shop's work for the order: stock, card, carrier and the books. `millrace worker examples/order-to-delivery/handlers.ts`
 * runs it. Each stands for a call of a real service, which gets the idempotency key and answers a repeat like the first request;
 * here what is made is derived from the key, which comes to the same.
 */
import { createHash } from 'node:crypto';
import { defineTask, TerminalError } from 'millrace/worker';
import { type Static, Type } from 'typebox';

// A queue of its own: each worker of a queue needs every handler of that queue.
const queue = 'orders';

const Hold = Type.Object({ hold: Type.String(), warehouse: Type.String() });
const Receipt = Type.Object({ receipt: Type.String() });
const Tracking = Type.Object({ tracking: Type.String() });

export const holdStock = defineTask({
  name: 'hold-stock',
  queue,
  input: Type.Object({ sku: Type.String(), count: Type.Integer({ minimum: 1 }) }),
  output: Hold,
  run: ({ sku }, { idempotencyKey }): Static<typeof Hold> => {
    if (sku === 'sold-out') throw new TerminalError('SOLD_OUT', 'There is none left.');
    // Small things lie in the north, furniture in the south.
    return { hold: `H-${digestOf(idempotencyKey)}`, warehouse: sku.startsWith('sofa') ? 'south' : 'north' };
  },
});

export const releaseStock = defineTask({
  name: 'release-stock',
  queue,
  input: Type.Object({ hold: Type.String() }),
  output: Type.Null(),
  run: ({ hold }, { log }) => {
    log.info({ hold }, 'Released');
    return null;
  },
});

export const chargeCard = defineTask({
  name: 'charge-card',
  queue,
  input: Type.Object({ order: Type.String(), card: Type.String(), cents: Type.Integer({ minimum: 0 }) }),
  output: Receipt,
  run: ({ card }, { idempotencyKey }): Static<typeof Receipt> => {
    if (card === 'declined') throw new TerminalError('CARD_DECLINED', 'The bank declined the card.');
    return { receipt: `PM-${digestOf(idempotencyKey)}` };
  },
});

export const refundCard = defineTask({
  name: 'refund-card',
  queue,
  input: Receipt,
  output: Type.Object({ refund: Type.String() }),
  run: ({ receipt }, { idempotencyKey, log }) => {
    log.info({ receipt }, 'Refunded');
    return { refund: `RF-${digestOf(idempotencyKey)}` };
  },
});

export const bookCarrier = defineTask({
  name: 'book-carrier',
  queue,
  input: Type.Object({ parcel: Type.String(), from: Type.String(), to: Type.String() }),
  output: Tracking,
  run: ({ parcel, to }): Static<typeof Tracking> => {
    if (to === 'nowhere') throw new TerminalError('NO_CARRIER', 'No carrier goes there.');
    return { tracking: `TR-${parcel}` };
  },
});

export const cancelCarrier = defineTask({
  name: 'cancel-carrier',
  queue,
  input: Tracking,
  output: Type.Null(),
  run: ({ tracking }, { log }) => {
    log.info({ tracking }, 'Cancelled');
    return null;
  },
});

/** The carrier finds a parcel when it is asked for the second time. */
export const askCarrier = defineTask({
  name: 'ask-carrier',
  queue,
  input: Type.Object({ tracking: Type.String(), round: Type.Integer() }),
  output: Type.Object({ arrived: Type.Boolean() }),
  run: ({ round }) => ({ arrived: round > 0 }),
});

/** Stands for a query of the shop's books: the same figures for the same day. */
export const salesOfDay = defineTask({
  name: 'sales-of-day',
  queue,
  input: Type.Object({ day: Type.String() }),
  output: Type.Object({ orders: Type.Integer(), cents: Type.Integer() }),
  run: ({ day }) => {
    const orders = Number.parseInt(digestOf(day).slice(0, 2), 16);
    return { orders, cents: orders * 4_900 };
  },
});

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 10);
}
