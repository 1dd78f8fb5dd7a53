/** What the errors of definitions say: what was meant, what there is, and nothing twice. */
import { describe, expect, it } from 'vitest';
import type { Json } from '../json.ts';
import { errorsOf, graphOf, nodeOf, placesOf, step } from './testing/documents.ts';

const human = { type: 'human', title: 'Do it', assignees: { users: ['ada'] } };
const task = { type: 'task', task: 'charge' };
const messageOf = (document: Json): string => errorsOf(document)[0]?.message ?? '';

describe('A definition is refused', () => {
  it('in plain sentences that name what was meant', () => {
    expect(messageOf({ ...graphOf(['a']), edgse: [] })).toBe('A definition has no field "edgse". Did you mean "edges"?');
    expect(messageOf(nodeOf({ type: 'htpp' }))).toContain('Did you mean "http"?');
    expect(messageOf(nodeOf({ ...task, retries: 3 }))).toBe('A node of the type "task" has no field "retries". Did you mean "retry"?');
    expect(messageOf(graphOf(['check', 'pay'], ['check>pya']))).toBe('There is no node "pya". Did you mean "pay"?');
    expect(messageOf(graphOf(['a', 'b', 'c'], ['a>b', 'b>c', 'c>a']))).toContain('a → b → c → a');
  });

  it('with what there is where the name is near to nothing, and with an example where a shape is wrong', () => {
    expect(messageOf(nodeOf({ ...task, retry: { attempts: 3 } }))).toBe(
      'A retry policy has no field "attempts", only "initial", "max", "maxAttempts", "backoff", "jitter", "on", "nonRetryable".',
    );
    expect(messageOf(nodeOf({ ...task, retry: 3 }))).toBe('"retry" must be an object such as { "maxAttempts": 5, "initial": "2s" }.');
    expect(messageOf(nodeOf({ ...human, approvals: 2 }))).toBe('"approvals" must be an object such as { "atLeast": 2 }.');
  });

  it('with the loop in whose body a node stands that is asked for from outside', () => {
    const each = { type: 'forEach', items: [1], body: { nodes: { hold: step } } };
    expect(messageOf(graphOf({ each, b: { ...step, output: '${ nodes.hold.output }' } }, ['each>b']))).toBe(
      '"hold" stands in the body of "each", and is not seen from here: put what is asked for into the "output" of that body, and read nodes.each.output.',
    );
    expect(messageOf(nodeOf({ type: 'repeat', until: 'nodes.a.output', body: { nodes: { a: step } } }))).toBe(
      '"a" stands in the body of "n", and is not seen from here: put what is asked for into the "output" of the body, and ask "last" for it.',
    );
  });

  it('with nothing that only follows from another error', () => {
    expect(placesOf({ ...graphOf(['a'], ['a>b'], { output: '${ nodes.a.output }' }), nodes: [{ id: 'a' }] })).toEqual([
      'MR_DEF_SHAPE /nodes',
    ]);
    const reading = { a: step, b: { ...step, output: '${ nodes.a.output }' } };
    expect(placesOf({ ...graphOf(reading), edges: {} })).toEqual(['MR_DEF_SHAPE /edges']);
    expect(placesOf(graphOf(reading, ['a>c']))).toEqual(['MR_DEF_UNKNOWN_NODE /edges/0/to']);
    expect(placesOf(graphOf(reading, ['c>b']))).toEqual(['MR_DEF_UNKNOWN_NODE /edges/0/from']);
    // The edge that is wrong could not lead from b to a.
    expect(placesOf(graphOf({ ...reading, d: step }, ['d>c', 'd>b']))).toEqual([
      'MR_DEF_UNKNOWN_NODE /edges/0/to',
      'MR_DEF_NODE_NOT_BEFORE /nodes/b/output',
    ]);
  });

  it('in sentences of a line each, whatever names it has', () => {
    const document = graphOf({ ['x'.repeat(10_000)]: { type: 'y'.repeat(10_000) } }, [`${'z'.repeat(10_000)}>a`]);
    for (const { message } of errorsOf(document)) expect(message.length).toBeLessThan(400);
  });
});
