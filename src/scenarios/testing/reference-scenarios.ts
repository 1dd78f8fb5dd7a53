/** What the examples of docs/definition.md do, as the text around them says. `reference.test.ts` runs them, and finds an example without a row. */
import type { Scenario } from '../format.ts';

/** A node; where several examples have it, with another node, a trigger or a property of the input that only the one meant has. */
export type Chosen = string | readonly [node: string, beside: string];

const completed = { status: 'completed' } as const;
const busy = { status: 200, body: { state: 'busy' } };
const never = [{ never: true as const }];
const order = { input: { orderId: 'o' } };
const soldOut = { fails: { code: 'SOLD_OUT', retryable: false } };
const items = ['a', 'b', 'c', 'd'].map((sku) => ({ sku }));

export const referenceScenarios: readonly (readonly [string, Chosen, Omit<Scenario, 'name'>])[] = [
  [
    'a small expense is paid at once',
    'approve',
    {
      input: { employee: 'Ada', amount: 50, callback: 'https://a.example' },
      mocks: { pay: [{ answers: { status: 200 } }] },
      expect: { ...completed, output: { paid: true }, nodes: { approve: { status: 'skipped' } } },
    },
  ],
  [
    'a large expense is rejected by a manager',
    'approve',
    {
      input: { employee: 'Ada', amount: 500, callback: 'https://a.example' },
      steps: [{ complete: { task: 'approve', output: { approved: false } } }],
      expect: { output: { paid: false }, published: [{ event: 'expense.rejected' }] },
    },
  ],
  [
    'all fitting edges are taken',
    'gift',
    {
      input: { gift: true },
      mocks: { reserve: [{ output: 1 }], ship: never, gift: never },
      expect: { open: ['ship', 'gift'] },
    },
  ],
  [
    'a failure takes the edge of its code, untried',
    'apologise',
    {
      mocks: { reserve: [{ fails: { code: 'SOLD_OUT' } }], apologise: [{ output: 1 }] },
      expect: { ...completed, nodes: { reserve: { attempt: 1 }, ship: { status: 'skipped' }, alarm: { status: 'skipped' } } },
    },
  ],
  [
    'a timeout is no failure',
    'alarm',
    { mocks: { reserve: [{ timesOut: true }] }, expect: { ...completed, published: [{ event: 'stock.unreachable' }] } },
  ],
  [
    'two of three are enough, and the third is cancelled',
    'askA',
    {
      mocks: {
        askA: [{ answers: { status: 200 } }],
        askB: [{ answers: { status: 200 } }],
        askC: [{ never: true }],
        decide: [{ output: 'A' }],
      },
      expect: { ...completed, nodes: { askC: { status: 'cancelled' } } },
    },
  ],
  [
    'a transform makes values, arrays and strings',
    'totals',
    { input: { items: [{ price: 7 }, { price: 300 }] }, expect: { output: { count: 2, dear: [{ price: 300 }], text: '2 items' } } },
  ],
  [
    'a url encodes its values',
    'quote',
    {
      input: { currency: 'a/b', amount: 1 },
      mocks: { quote: [{ answers: { status: 200 } }] },
      expect: { nodes: { quote: { inputContains: { method: 'POST', url: 'https://rates.example/a%2Fb', body: { amount: 1 } } } } },
    },
  ],
  [
    'a card that is declined is not tried again',
    'charge',
    {
      input: { card: 'x', cents: 1 },
      mocks: { charge: [{ fails: { code: 'CARD_DECLINED' } }] },
      expect: { nodes: { charge: { attempt: 1, error: 'CARD_DECLINED', input: { card: 'x', cents: 1 } } } },
    },
  ],
  [
    'an answer of a review has to fit its form',
    'review',
    {
      input: { customer: 'C', owner: 'ada' },
      steps: [
        { complete: { task: 'review', output: { ok: true, more: 1 }, refused: 'MR_FORM_INVALID' } },
        { advance: '2d' },
        { complete: { task: 'review', output: { ok: true } } },
      ],
      expect: { output: { ok: true }, nodes: { review: { assignees: { roles: ['legal-lead'] } } } },
    },
  ],
  [
    'nobody reviews within a week',
    'review',
    { input: { customer: 'C', owner: 'ada' }, steps: [{ advance: '7d' }], expect: { nodes: { review: { status: 'timedOut' } } } },
  ],
  [
    'time passes',
    'coolDown',
    { steps: [{ advance: '14m' }, { expect: { open: ['coolDown'] } }, { advance: '1m' }], expect: { ...completed, output: null } },
  ],
  ['a time that has passed goes on at once', 'newYear', { startAt: '2030-01-01T00:00:00Z', expect: completed }],
  [
    'a payment that is large enough settles',
    'paid',
    {
      input: { orderId: 'o', amount: 10 },
      steps: [
        { event: { type: 'payment.settled', key: 'o', data: { amount: 9 } } },
        { expect: { open: ['paid'] } },
        { event: { type: 'payment.settled', key: 'o', data: { amount: 10 } } },
      ],
      expect: { outputContains: { key: 'o', data: { amount: 10 } } },
    },
  ],
  [
    'the first of several events answers',
    'answer',
    {
      input: { offerId: 'f' },
      steps: [{ event: { type: 'offer.declined', key: 'f' } }],
      expect: { outputContains: { type: 'offer.declined' } },
    },
  ],
  [
    'an event is published',
    'shipped',
    {
      input: { orderId: 'o' },
      expect: { ...completed, published: [{ event: 'order.shipped', key: 'o', data: { at: '2026-01-01T00:00:00.000Z' } }] },
    },
  ],
  [
    'a job is asked for until it is done',
    'poll',
    {
      input: { job: 7 },
      mocks: { 'poll/ask': [{ answers: busy }], 'poll.1.ask': [{ answers: { status: 200, body: { state: 'done' } } }] },
      steps: [{ expect: { open: ['poll'] } }, { advance: '30s' }],
      expect: { ...completed, output: { done: true, asked: 2 } },
    },
  ],
  [
    'expressions look up, filter and interpolate',
    'greet',
    {
      input: {
        customer: 'c',
        orders: [
          { id: 1, paid: true },
          { id: 2, paid: false },
        ],
      },
      mocks: { 'look-up': [{ answers: { status: 200, body: { name: 'Ada' } } }] },
      expect: {
        nodes: { greet: { output: { name: 'Ada', text: 'Dear Ada, you have 2 orders.', open: [2], first: 1, literal: 'costs ${ 5 }' } } },
      },
    },
  ],
  [
    'what was done is undone, the last first',
    'debit',
    {
      input: { items: ['book'], amount: 5 },
      mocks: {
        reserve: [{ output: { id: 'R' } }],
        debit: [{ answers: { status: 200, body: { id: 'c/1' } } }],
        ship: [{ fails: { code: 'NO_TRUCK', retryable: false } }],
        'debit.compensation': [{ answers: { status: 200 } }],
        'reserve.compensation': [{ output: null }],
      },
      expect: {
        status: 'failed',
        error: 'NO_TRUCK',
        history: ['TaskCompleted debit.compensation', 'TaskCompleted reserve.compensation', 'InstanceFailed'],
        nodes: {
          'debit.compensation': { inputContains: { url: 'https://payments.example/charges/c%2F1/refund' } },
          'reserve.compensation': { input: { reservation: 'R' } },
        },
      },
    },
  ],
  [
    'a contract is signed by two of three, and neither by its owner nor by who started it',
    'sign',
    {
      input: { customer: 'C', owner: 'ada' },
      startedBy: 'bob',
      steps: [
        { complete: { task: 'sign', outcome: 'sign', by: 'ada', refused: 'MR_TASK_EXCLUDED' } },
        { complete: { task: 'sign', outcome: 'sign', by: 'bob', refused: 'MR_TASK_EXCLUDED' } },
        { complete: { task: 'sign', outcome: 'sign', by: 'cy' } },
        { complete: { task: 'sign', outcome: 'refuse', by: 'dee' } },
        { expect: { open: ['sign'] } },
        { complete: { task: 'sign', outcome: 'sign', by: 'eve' } },
      ],
      expect: { ...completed, outputContains: { outcome: 'sign' } },
    },
  ],
  [
    'until a time of the input',
    'opening',
    {
      startAt: '2026-01-01T07:00:00Z',
      input: { opensAt: '2026-01-01T09:00:00+01:00' },
      steps: [{ advance: '59m' }, { expect: { open: ['opening'] } }, { advance: '1m' }],
      expect: completed,
    },
  ],
  [
    'the votes that came by the timeout are taken',
    'votes',
    {
      input: { motion: 'm' },
      steps: [{ event: { type: 'vote.cast', key: 'm', data: 1 } }, { event: { type: 'vote.cast', key: 'm', data: 2 } }, { advance: '1d' }],
      expect: { ...completed, outputContains: [{ data: 1 }, { data: 2 }] },
    },
  ],
  [
    'the third vote completes it',
    'votes',
    { input: { motion: 'm' }, steps: [1, 2, 3].map((data) => ({ event: { type: 'vote.cast', key: 'm', data } })), expect: completed },
  ],
  [
    'the output of a child is that of its node',
    ['ship', 'audit'],
    {
      ...order,
      clock: 'manual',
      mocks: { ship: [{ output: { tracking: 'T' }, after: '3d' }] },
      steps: [{ advance: '2d' }, { expect: { open: ['ship'] } }, { advance: '1d' }],
      expect: { ...completed, output: { tracking: 'T' }, nodes: { ship: { input: { order: 'o' } } } },
    },
  ],
  [
    'a child that takes too long is cancelled',
    ['ship', 'audit'],
    { ...order, mocks: { ship: never }, steps: [{ advance: '7d' }], expect: { nodes: { ship: { status: 'timedOut' } } } },
  ],
  [
    'a detached child is asked for, and not awaited',
    'audit',
    { ...order, mocks: { audit: never }, expect: { ...completed, history: ['ChildRequested audit'] } },
  ],
  [
    'three quotes are enough, in the order of the suppliers',
    'quotes',
    {
      input: { suppliers: ['a', 'b', 'c', 'd', 'e'].map((name) => ({ url: `https://${name}.example` })) },
      mocks: {
        'quotes/ask': [{ answers: { status: 200, body: 'quote' } }],
        'quotes.1.ask': [{ answers: { status: 404 } }],
        'quotes.4.ask': [{ never: true }],
      },
      expect: { ...completed, output: ['quote', null, 'quote', 'quote', null] },
    },
  ],
  [
    'nobody searches on once a warehouse has it',
    'search',
    {
      input: { warehouses: ['north', 'south', 'east', 'west'] },
      mocks: {
        'search/look': [{ output: { count: 0 } }],
        'search.1.look': [{ output: { count: 2 } }],
        'search.0.look': [{ never: true }],
      },
      expect: { ...completed, output: [null, { found: true, warehouse: 'south' }, null, null] },
    },
  ],
  [
    'a parcel that fails leaves null in its place',
    'parcels',
    {
      input: { parcels: ['p', 'q'] },
      mocks: { 'parcels/workflow': [{ output: 'there' }], 'parcels.1.workflow': [{ fails: { code: 'LOST' } }] },
      expect: { ...completed, output: ['there', null], nodes: { 'parcels.1.workflow': { input: { parcel: 'q', position: 1 } } } },
    },
  ],
  [
    'three orders may fail',
    'orders',
    {
      input: { orders: items },
      mocks: { 'orders/reserve': [soldOut], 'orders.2.reserve': [{ output: 1 }], 'orders/ship': [{ output: { tracking: 'T' } }] },
      expect: {
        ...completed,
        output: [null, null, { tracking: 'T' }, null],
        nodes: { 'orders.2.ship': { input: { order: { sku: 'c' }, position: 3 } } },
      },
    },
  ],
  [
    'the fourth order that fails fails the loop',
    'orders',
    {
      input: { orders: items },
      mocks: { 'orders/reserve': [soldOut] },
      expect: { status: 'incident', incidents: { orders: 'ITEMS_FAILED' } },
    },
  ],
  [
    'a good customer is shipped to',
    'rate',
    {
      input: { customer: 'c' },
      mocks: { rate: [{ output: { good: true } }], ship: [{ output: 1 }] },
      expect: { ...completed, nodes: { rate: { input: { customer: 'c', model: 'v2' } }, ship: { status: 'completed' } } },
    },
  ],
  [
    'an output that does not fit is no output',
    'rate',
    {
      input: { customer: 'c' },
      mocks: { rate: [{ output: { good: 'yes' } }], ship: [{ output: 1 }] },
      expect: { incidents: { rate: 'OUTPUT_INVALID' }, nodes: { rate: { attempt: 1 } } },
    },
  ],
  [
    'an input that does not fit is not sent',
    'rate',
    { input: { customer: 7 }, mocks: { rate: [{ never: true }] }, expect: { incidents: { rate: 'INPUT_INVALID' } } },
  ],
  [
    'a handler gets the whole of what views mask',
    ['charge', 'card'],
    {
      input: { card: '4711', cents: 1 },
      mocks: { charge: [{ output: 1 }] },
      expect: { ...completed, nodes: { charge: { input: { card: '4711', text: 'Card 4711' } } } },
    },
  ],
  [
    'a request holds the reference of a secret',
    'payByToken',
    {
      input: { account: 'a', cents: 1 },
      mocks: { payByToken: [{ answers: { status: 200 } }] },
      expect: {
        ...completed,
        nodes: { payByToken: { inputContains: { headers: { authorization: 'Bearer ${ secrets.PAY_TOKEN }' }, body: { cents: 1 } } } },
      },
    },
  ],
  [
    'the input of a handler holds the reference of a secret',
    ['sign', 'payByToken'],
    {
      input: { document: 'd' },
      mocks: { sign: [{ output: 1 }] },
      expect: { ...completed, nodes: { sign: { input: { document: 'd', key: '${ secrets.SIGNING_KEY }' } } } },
    },
  ],
  [
    'a variable is set, and decides',
    'big',
    {
      input: { limit: 100, amount: 50 },
      mocks: { rate: [{ output: { limit: 20 } }], big: [{ output: 1 }] },
      expect: { ...completed, output: { limit: 20, checked: true } },
    },
  ],
  [
    'a large payment starts a shipment, under a key of its own',
    ['ship', 'paid'],
    {
      trigger: { event: { type: 'order.paid', key: 'k', data: { order: 'o', total: 101 } } },
      mocks: { ship: [{ output: 1 }] },
      expect: completed,
    },
  ],
  [
    'a small payment starts nothing',
    ['ship', 'paid'],
    { trigger: { event: { type: 'order.paid', key: 'k', data: { order: 'o', total: 100 } } }, startRefused: 'NO_TRIGGER' },
  ],
  [
    'a report is for the time of its schedule',
    ['report', 'nightly'],
    {
      trigger: { schedule: 'nightly' },
      startAt: '2026-01-31T01:30:00Z',
      mocks: { report: [{ output: 1 }] },
      expect: { ...completed, nodes: { report: { input: { day: '2026-01-31T01:30:00.000Z' } } } },
    },
  ],
];
