/** Wherever an expression stands, a deploy finds the node that cannot have run by then. */
import { expect, it } from 'vitest';
import type { Json, JsonObject } from '../json.ts';
import { graphOf, placesOf, step } from './testing/documents.ts';

const later = '${ nodes.later.output }';
const task = { type: 'task', task: 'charge' };
const http = { type: 'http', method: 'POST', url: 'https://example.com' };
const human = { type: 'human', title: 'Do it', assignees: { users: ['ada'] } };
const event = { type: 'event', event: 'paid', key: 'k' };
const publish = { type: 'publish', event: 'paid', key: 'k' };

/** What a node is, the field that asks for the node behind it, and the place in it when that is not the field itself. */
const places: readonly (readonly [node: JsonObject, field: string, value: Json, place?: string])[] = [
  [step, 'output', { a: [later] }, 'output/a/0'],
  [step, 'output', '${ nodes.later }'],
  [step, 'set', { x: later }, 'set/x'],
  [task, 'input', { a: later }, 'input/a'],
  [task, 'timeout', later],
  [task, 'queueTimeout', later],
  [http, 'url', later],
  [http, 'method', later],
  [http, 'headers', { 'x-a': later }, 'headers/x-a'],
  [http, 'body', { a: later }, 'body/a'],
  [http, 'timeout', later],
  [human, 'title', `Do ${later}`],
  [human, 'assignees', { users: later }, 'assignees/users'],
  [human, 'due', later],
  [human, 'reminder', later],
  [human, 'timeout', later],
  [human, 'escalate', { after: later, to: { users: ['eve'] } }, 'escalate/after'],
  [human, 'escalate', { after: '1d', to: { roles: later } }, 'escalate/to/roles'],
  [event, 'key', later],
  [event, 'where', 'event.id == nodes.later.output'],
  [event, 'timeout', later],
  [{ type: 'event' }, 'anyOf', [{ event: 'a', key: later }], 'anyOf/0/key'],
  [publish, 'key', later],
  [publish, 'data', { a: later }, 'data/a'],
  [{ type: 'wait' }, 'for', later],
  [{ type: 'wait' }, 'until', later],
];

const cases = places.map(([node, field, value, place = field]) => ({ type: node.type, node: { ...node, [field]: value }, place }));

it.each(cases)('in $place of a node of the type $type', ({ node, place }) => {
  expect(placesOf(graphOf({ n: node, later: step }, ['n>later']))).toEqual([`MR_DEF_NODE_NOT_BEFORE /nodes/n/${place}`]);
});

it('on an edge', () => {
  const edges = [
    { from: 'n', to: 'later', when: 'nodes.later.output' },
    { from: 'n', to: null, otherwise: true },
  ];
  expect(placesOf(graphOf({ n: step, later: step }, edges))).toEqual(['MR_DEF_NODE_NOT_BEFORE /edges/0/when']);
});
