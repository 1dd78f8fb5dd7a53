/** What is wrong with compensations, told at the deploy with code, place and sentence. */
import { describe, expect, it } from 'vitest';
import type { Json, JsonObject } from '../json.ts';
import { parseDefinition } from './index.ts';

const undo = { type: 'task', task: 'refund', input: '${ node.output.id }' };
const pay = { type: 'task', task: 'pay', input: { a: 1 } };
const compensating = (nodes: JsonObject, more: JsonObject = {}): JsonObject => ({ id: 'test', nodes, onFailure: 'compensate', ...more });
const withUndo = (compensation: Json): JsonObject => compensating({ n: { ...pay, compensation } });

function errorsOf(document: JsonObject): readonly string[] {
  const parsed = parseDefinition(document, { version: 1 });
  return parsed.ok ? [] : parsed.error.map(({ code, pointer, message }) => `${code} ${pointer} ${message}`);
}

const loop = (type: 'forEach' | 'repeat', more: JsonObject): JsonObject => ({ type, body: { nodes: { a: pay } }, ...more });

describe('A compensation', () => {
  it.each<[string, Json]>([
    ['a task', undo],
    ['an http request', { type: 'http', method: 'POST', url: 'https://x/${ node.output.id }/cancel', body: { why: '${ vars }' } }],
    ['an event', { type: 'publish', event: 'undone', key: '${ instance.id }', data: { input: '${ node.input }' } }],
    ['a child', { type: 'workflow', definition: 'refund', version: 3, input: { id: '${ node.output.id }' }, timeout: '1h' }],
  ])('can be %s', (_, compensation) => {
    expect(errorsOf(withUndo(compensation))).toEqual([]);
  });

  it('sees the item of its loop, its node and what ran before that', () => {
    const body = {
      nodes: {
        first: pay,
        ship: { ...pay, compensation: { ...undo, input: '${ [item, order, index, nodes.first.output, nodes.ship.output] }' } },
      },
      edges: [{ from: 'first', to: 'ship' }],
    };
    expect(errorsOf(compensating({ orders: { type: 'forEach', items: [1], as: 'order', body } }))).toEqual([]);
  });

  const refused: readonly (readonly [what: string, document: JsonObject, errors: readonly string[]])[] = [
    ['no object', withUndo('refund'), ['MR_DEF_SHAPE /nodes/n/compensation "compensation" must be an object.']],
    [
      'no type',
      withUndo({}),
      ['MR_DEF_MISSING_FIELD /nodes/n/compensation The field "type" is missing: give one of task, http, publish, workflow.'],
    ],
    [
      'a type that cannot undo',
      withUndo({ type: 'human', title: 'x', assignees: { users: ['a'] } }),
      [
        'MR_DEF_COMPENSATION /nodes/n/compensation/type A compensation cannot be of the type "human": use one of task, http, publish, workflow.',
      ],
    ],
    [
      'what only nodes of a graph have',
      withUndo({ ...undo, join: 'any', set: { x: 1 }, compensation: undo }),
      [
        'MR_DEF_UNKNOWN_FIELD /nodes/n/compensation/join A compensation has no field "join".',
        'MR_DEF_UNKNOWN_FIELD /nodes/n/compensation/set A compensation has no field "set".',
        'MR_DEF_UNKNOWN_FIELD /nodes/n/compensation/compensation A compensation has no field "compensation".',
      ],
    ],
    [
      'an error of its own, with its place',
      withUndo({ ...undo, task: '9' }),
      ['MR_DEF_SHAPE /nodes/n/compensation/task "9" cannot be the task: a letter, then letters, digits and _ . -, at most 128 characters.'],
    ],
    [
      'a child that is not waited for',
      withUndo({ type: 'workflow', definition: 'refund', detached: true }),
      [
        'MR_DEF_COMPENSATION /nodes/n/compensation/detached A compensation is waited for, since the next one begins when it is done: leave "detached" out.',
      ],
    ],
    [
      'a child without a definition',
      withUndo({ type: 'workflow' }),
      ['MR_DEF_MISSING_FIELD /nodes/n/compensation The field "definition" is missing: give the id of the definition that the child runs.'],
    ],
    [
      'a member that its node does not have',
      withUndo({ ...undo, input: '${ node.result }' }),
      ['MR_DEF_UNKNOWN_MEMBER /nodes/n/compensation/input "node" has no member "result", only input, output.'],
    ],
    [
      'a node that runs beside it',
      compensating({ n: { ...pay, compensation: { ...undo, input: '${ nodes.m.output }' } }, m: pay }),
      [
        'MR_DEF_NODE_NOT_BEFORE /nodes/n/compensation/input "m" cannot have run before this, since no path leads from it to here: use a node before this one, or ask only for its status.',
      ],
    ],
    [
      'a wait',
      compensating({ n: { type: 'wait', for: '1s', compensation: undo } }),
      [
        'MR_DEF_COMPENSATION /nodes/n/compensation A node of the type "wait" cannot have a compensation: a wait has no effect that could be undone.',
      ],
    ],
    [
      'a forEach',
      compensating({ n: loop('forEach', { items: [1], compensation: undo }) }),
      [
        'MR_DEF_COMPENSATION /nodes/n/compensation A node of the type "forEach" cannot have a compensation: give compensations to the nodes of its body, which are undone item by item.',
      ],
    ],
    [
      'a repeat',
      compensating({ n: loop('repeat', { max: 2, until: 'true', compensation: undo }) }),
      [
        'MR_DEF_COMPENSATION /nodes/n/compensation A node of the type "repeat" cannot have a compensation: give compensations to the nodes of its body, which are undone round by round.',
      ],
    ],
    [
      'a definition that undoes nothing, in the bodies of loops too',
      {
        id: 'test',
        nodes: {
          n: { ...pay, compensation: undo },
          l: loop('forEach', { items: [1], body: { nodes: { a: { ...pay, compensation: undo } } } }),
        },
      },
      ['/nodes/n/compensation', '/nodes/l/body/nodes/a/compensation'].map(
        (pointer) =>
          `MR_DEF_COMPENSATION ${pointer} This compensation would never run: set "onFailure": "compensate" at the top of the definition, or leave it out.`,
      ),
    ],
  ];

  it.each(refused)('is refused for %s', (_, document, errors) => {
    expect(errorsOf(document)).toEqual(errors);
  });

  it('alone calls its node "node"', () => {
    expect(errorsOf(compensating({ n: { ...pay, input: '${ node.output }' } }))).toEqual([
      expect.stringMatching(/^MR_DEF_(UNKNOWN_ROOT|EXPRESSION) \/nodes\/n\/input .*node/),
    ]);
  });
});

describe('A deadline', () => {
  it('is a time with an offset', () => {
    expect(errorsOf(compensating({ n: pay }, { deadline: '2026-01-31T09:00:00Z' }))).toEqual([]);
    expect(errorsOf(compensating({ n: pay }, { deadline: '${ input.by }' }))).toEqual([]);
    expect(errorsOf(compensating({ n: pay }, { deadline: '2026-01-31T09:00:00' }))).toEqual([
      'MR_DEF_INSTANT /deadline A time must be a string with an offset, such as "2026-01-31T09:00:00Z" or "2026-01-31T09:00:00+01:00".',
    ]);
    expect(errorsOf(compensating({ n: pay }, { deadline: '5m' }))).toHaveLength(1);
    expect(errorsOf(compensating({ n: pay }, { deadline: '${ vars.by }' }))).toEqual([
      'MR_DEF_UNKNOWN_ROOT /deadline "vars" cannot be used here: it has no value before the instance has started.',
    ]);
  });
});
