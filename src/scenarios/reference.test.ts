/** The examples of docs/definition.md run, and do what the text around them says. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { graphOf, parsed } from '../core/definition/testing/documents.ts';
import type { JsonObject } from '../core/json.ts';
import type { Scenario } from './format.ts';
import { readScenarioFile } from './read.ts';
import { runScenario } from './run.ts';

const page = readFileSync(new URL('../../docs/definition.md', import.meta.url), 'utf8');
const examples = [...page.matchAll(/^```json\n(.*?)^```$/gms)].map(([, text = '']) => JSON.parse(text) as JsonObject);

/** The example that has this node; of an example that has nodes alone, this one. */
function exampleWith(node: string): JsonObject {
  for (const example of examples) {
    const nodes = (example.nodes ?? example) as JsonObject;
    if (!Object.hasOwn(nodes, node)) continue;
    return example.nodes === undefined
      ? graphOf({ [node]: nodes[node] ?? null }, [], { output: `\${ nodes['${node}'].output }` })
      : { id: 'example', ...example };
  }
  throw new Error(`no example has a node ${node}`);
}

const completed = { status: 'completed' } as const;

it.each<readonly [string, string, Omit<Scenario, 'name'>]>([
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
      mocks: { reserve: [{ output: 1 }], ship: [{ never: true }], gift: [{ never: true }] },
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
    {
      mocks: { reserve: [{ timesOut: true }] },
      expect: { ...completed, published: [{ event: 'stock.unreachable' }], nodes: { apologise: { status: 'skipped' } } },
    },
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
      mocks: {
        'poll/ask': [{ answers: { status: 200, body: { state: 'busy' } } }],
        'poll.1.ask': [{ answers: { status: 200, body: { state: 'done' } } }],
      },
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
    'a variable is set, and decides',
    'big',
    {
      input: { limit: 100, amount: 50 },
      mocks: { rate: [{ output: { limit: 20 } }], big: [{ output: 1 }] },
      expect: { ...completed, output: { limit: 20, checked: true } },
    },
  ],
])('%s', (_, node, scenario) => {
  const definition = parsed(exampleWith(node));
  const read = readScenarioFile({ scenarios: [{ name: 'it', ...scenario }] }, definition);
  expect(read).toMatchObject({ ok: true });
  expect(runScenario(definition, { name: 'it', ...scenario }, {}, '').failures).toEqual([]);
});
