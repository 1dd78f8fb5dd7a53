/** Explanations: what a stranger reads about each node. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { expenseApproval, graphOf, nodeOf, parsed } from '../core/definition/testing/documents.ts';
import { document } from '../core/instance/testing/arbitraries.ts';
import type { JsonObject } from '../core/json.ts';
import { explain, type NodeExplanation } from './index.ts';

function explained(json: JsonObject, nodeId: string): NodeExplanation | undefined {
  return explain(parsed(json)).nodes.find((node) => node.nodeId === nodeId);
}

it('says how an instance begins, what it takes, and how it ends', () => {
  expect(explain(parsed(expenseApproval)).sentences).toEqual([
    'An instance starts with the node "check".',
    'The input must fit the schema in "input", otherwise nothing starts.',
    'A node that fails without an edge for it waits as an incident, until a person retries it or cancels the instance.',
    'There is no limit to how long it may take.',
    'In the end its output is made from "output".',
  ]);
});

it('says of a node when it runs, what it does, what may go wrong, what follows, and which names are seen', () => {
  expect(explained(expenseApproval, 'approve')).toEqual({
    nodeId: 'approve',
    sentences: [
      'It runs when the edge to it is taken: from "check" when `nodes.check.output.needsApproval` holds. Otherwise it is skipped.',
      'It is in the inbox of its assignees until one of them completes or fails it.',
      'It is due after 2 days: that is shown, and nothing happens at that time.',
      'After 1 day a reminder is sent to the lifecycle topic.',
      'After 3 days it is reassigned.',
      'When it has completed: "pay" follows when `nodes.approve.output.approved` holds; "reject" follows when no other edge is taken.',
      'When it fails and no edge fits, it waits as an incident for a person.',
    ],
    names: ['input', 'instance', 'now', 'nodes.check'],
    warnings: [
      'Nothing ends this wait: give it a "timeout" unless it may last for ever.',
      'Not every way in which it fails has an edge: add one with "on": "failed" if the workflow can go on by itself.',
    ],
  });
  expect(explained(expenseApproval, 'pay')?.sentences).toEqual([
    'It runs when all edges to it are decided and at least one is taken: from "check" when no other edge is taken; "approve" when `nodes.approve.output.approved` holds. Otherwise it is skipped.',
    'The built-in worker sends the request; any 2xx is success. 408, 425, 429, 5xx and network errors are tried again.',
    'There are up to 5 attempts, 1 second to 1 minute apart (exponential), each of which may take 30 seconds.',
    'When it has completed, nothing follows: the instance ends when nothing else is open.',
    'When it fails or times out and no edge fits, it waits as an incident for a person.',
  ]);
});

it('says what edges for failures do, and warns of no ending that has one', () => {
  const task = { type: 'task', task: 'work', queueTimeout: '1h', retry: { maxAttempts: 1 } };
  const caught = graphOf({ a: task, b: task }, [{ from: 'a', to: 'b', on: 'any' }]);
  expect(explained(caught, 'a')).toMatchObject({
    warnings: [],
    sentences: expect.arrayContaining(['When it fails or times out: "b" follows.']),
  });
  const some = graphOf({ a: task, b: task }, [{ from: 'a', to: 'b', on: 'failed', error: 'SOLD_OUT' }]);
  expect(explained(some, 'a')?.sentences).toContain('When it fails with SOLD_OUT: "b" follows.');
  expect(explained(some, 'a')?.warnings).toHaveLength(1);
});

it('says what a failure that is undone and its limits of time do', () => {
  const task = { type: 'task', task: 'reserve', queueTimeout: '1h', compensation: { type: 'publish', event: 'released', key: 'k' } };
  const json = graphOf({ a: task, b: task }, [], { onFailure: 'compensate', timeout: '1d', deadline: '2030-01-01T00:00:00Z' });
  const { sentences, nodes } = explain(parsed(json));
  expect(sentences).toContain(
    'It has a "timeout" and a "deadline": when that has passed, open work is cancelled, what was done is undone, and the instance fails.',
  );
  expect(nodes.map(({ nodeId }) => nodeId)).toEqual(['a', 'a.compensation', 'b', 'b.compensation']);
  expect(nodes[0]).toMatchObject({
    sentences: expect.arrayContaining(['When it fails or times out and no edge fits, what was done is undone and the instance fails.']),
    warnings: [],
  });
});

it('says what starts instances by itself', () => {
  const triggers = [{ name: 'paid', event: 'order.paid' }, { schedule: { cron: '30 2 * * *', timeZone: 'Europe/Berlin' } }];
  expect(explain(parsed({ ...graphOf(['a']), triggers })).sentences.slice(0, 2)).toEqual([
    'An event of the type "order.paid" starts an instance (the trigger "paid").',
    'An instance starts at the times of "30 2 * * *" in the time zone Europe/Berlin (the trigger "2").',
  ]);
});

it('says in a loop that counts failures that the item fails, and tells of a loop before its body', () => {
  const task = { type: 'task', task: 'work', queueTimeout: '1h' };
  const each = { type: 'forEach', items: [1, 2, 3], onItemFailure: 'continue', atLeast: 2, timeout: '1h', body: { nodes: { work: task } } };
  const json = graphOf({ each, after: task }, ['each>after'], { onFailure: 'fail' });
  expect(explain(parsed(json)).nodes.map(({ nodeId }) => nodeId)).toEqual(['each', 'each/work', 'after']);
  expect(explained(json, 'each/work')?.sentences).toContain('When it fails or times out and no edge fits, the item fails.');
  expect(explained(json, 'each')?.sentences).toEqual(
    expect.arrayContaining([
      'It completes with 2 items, cancels the rest, and fails once so many cannot complete any more.',
      'After 1 hour what is open in it is cancelled, and the node has timed out.',
    ]),
  );
});

it('says how many people decide, between what, and who may not', () => {
  const human = { type: 'human', title: 'Sign', assignees: { roles: ['board'] }, timeout: '1d', outcomes: ['sign', 'refuse'] };
  const sentencesOf = (approvals: JsonObject): readonly string[] => explained(nodeOf({ ...human, approvals }), 'n')?.sentences ?? [];
  expect(sentencesOf({ atLeast: 2, of: 3, notBy: 'ada' }).slice(1, 4)).toEqual([
    'It is in the inbox of its assignees until 2 of them have voted for the same outcome, or one fails it. They choose one of "sign", "refuse".',
    'After 3 votes without such an outcome it fails with UNDECIDED.',
    'Whoever "notBy" names may not decide it.',
  ]);
  expect(sentencesOf({ notBy: 'ada' }).slice(1, 3)).toEqual([
    'It is in the inbox of its assignees until one of them completes or fails it. They choose one of "sign", "refuse".',
    'Whoever "notBy" names may not decide it.',
  ]);
});

it('says what joins wait for, and what they cancel', () => {
  const step = { type: 'transform', output: 1 };
  const join = (how: JsonObject): JsonObject => graphOf({ a: step, b: step, c: { ...step, ...how } }, ['a>c', 'b>c']);
  expect(explained(join({ join: 'any', cancelRest: true }), 'c')?.sentences[0]).toBe(
    'It runs as soon as one edge to it is taken: from "a" always; "b" always. Branches that are still open are cancelled then.',
  );
  expect(explained(join({ join: { atLeast: 2 } }), 'c')?.sentences[0]).toMatch(/^It runs as soon as 2 edges to it are taken/);
});

it('says what a compensation undoes, and that instances undo', () => {
  const task = { type: 'task', task: 'a' };
  const undo = { type: 'workflow', definition: 'refund', input: '${ node.output }' };
  const json = graphOf({ a: task, b: { ...task, compensation: undo } }, ['a>b'], { onFailure: 'compensate' });
  expect(explain(parsed(json)).sentences.join(' ')).toContain('the compensations of completed nodes run, one at a time');
  const one = explained(json, 'b.compensation');
  expect(one?.sentences).toEqual([
    'It undoes "b", if that completed and the instance fails, is cancelled or times out afterwards.',
    'It starts an instance of "refund" (the latest version) as its child.',
    'It waits for the end of the child, and fails when the child fails or is cancelled.',
    'If it fails for good, the undoing waits as an incident, until a person retries it.',
  ]);
  expect(one?.names).toEqual(['node', ...(explained(json, 'b')?.names ?? [])]);
});

it('names what a body sees: its items, its own nodes and those before the loop', () => {
  const inner = { type: 'repeat', while: 'index < 2', body: { nodes: { deep: { type: 'transform', output: 1 } } } };
  const body = { nodes: { first: { type: 'transform', output: 1 }, again: inner }, edges: [{ from: 'first', to: 'again' }] };
  const json = graphOf(
    { before: { type: 'transform', output: [] }, each: { type: 'forEach', items: '${ nodes.before.output }', as: 'order', body } },
    ['before>each'],
    {
      vars: { v: 1 },
    },
  );
  expect(explained(json, 'each/again/deep')?.names).toEqual([
    'input',
    'instance',
    'now',
    'vars',
    'last',
    'index',
    'nodes.first',
    'item',
    'order',
    'nodes.before',
  ]);
  expect(explained(json, 'each/first')?.sentences[0]).toBe('It runs at the start of each item or round.');
});

it('tells of a time that has no round unit in a smaller one', () => {
  expect(explained(nodeOf({ type: 'wait', for: '90s' }), 'n')?.sentences).toContain('It waits for 90 seconds.');
  expect(explained(nodeOf({ type: 'wait', for: '1500ms' }), 'n')?.sentences).toContain('It waits for 1500 ms.');
});

it('has whole sentences for every node of any definition', () => {
  fc.assert(
    fc.property(document, (json) => {
      const { sentences, nodes } = explain(parsed(json));
      for (const text of [...sentences, ...nodes.flatMap((node) => [...node.sentences, ...node.warnings])])
        expect(text).toMatch(/^[A-Z0-9].*[.]$/s);
    }),
    { numRuns: 50 },
  );
});
