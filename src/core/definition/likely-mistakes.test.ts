/** Warnings of what is allowed and hardly ever meant. */
import { describe, expect, it } from 'vitest';
import type { Json } from '../json.ts';
import { parseDefinition } from './parse.ts';
import { errorsOf, graphOf } from './testing/documents.ts';

const warningsOf = (document: Json) => {
  const parsed = parseDefinition(document, { version: 1 });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  return parsed.value.warnings;
};
const a = { type: 'transform', output: 1 };
const outputting = (output: Json) => graphOf({ a }, [], { output });

describe('Text that is written like an expression', () => {
  it.each([
    ['nodes.a.output', 'nodes.a.output'],
    ['nodes.a.output.list[0].id', 'nodes.a.output.list[0].id'],
    ["nodes['a-b'].status", "nodes['a-b'].status"],
    ['input.order', 'input.order'],
    ['vars.limit', 'vars.limit'],
    ['instance.id', 'instance.id'],
    ['{{ input.order }}', 'input.order'],
    ['$.input.order', 'input.order'],
    ['$input.order', 'input.order'],
  ])('is warned of: %s', (text, reference) => {
    const message = `"${text}" is text, and is not evaluated: write "\${ ${reference} }" if its value is meant.`;
    expect(warningsOf(outputting(text))).toEqual([{ pointer: '/output', code: 'MR_DEF_TEXT_LIKE_EXPRESSION', message }]);
  });

  it('is found wherever expressions stand, with its place', () => {
    const body = { nodes: { t: { type: 'task', task: 't', input: { 'a/b': ['x', 'input.x'] } } }, output: 'nodes.t.output' };
    expect(warningsOf(graphOf({ each: { type: 'forEach', items: [1], body } })).map(({ pointer }) => pointer)).toEqual([
      '/nodes/each/body/nodes/t/input/a~1b/1',
      '/nodes/each/body/output',
    ]);
  });

  it.each([
    'input',
    'nodes.a',
    'an input.x of text',
    'input.x.',
    'order.created',
    'instance.created',
    `input.${'x'.repeat(300)}`,
    '$${ input.x }',
  ])('is not what only resembles it: %s', (text) => {
    expect(warningsOf(outputting(text))).toEqual([]);
  });
});

describe('A status that no node has', () => {
  const sentence = 'No node has the status "complete": it is completed, failed, timedOut, skipped or cancelled. Did you mean "completed"?';

  it('is warned of in templates and in conditions', () => {
    const document = graphOf({ a, b: a }, [], {
      edges: [
        { from: 'a', to: 'b', when: "nodes.a.status == 'complete'" },
        { from: 'a', to: null, otherwise: true },
      ],
      output: { done: '${ nodes.a.status != "complete" }' },
    });
    expect(warningsOf(document)).toEqual(
      ['/output/done', '/edges/0/when'].map((pointer) => ({ pointer, code: 'MR_DEF_STATUS_UNKNOWN', message: sentence })).sort(byPointer),
    );
  });

  it.each(["nodes.a.status == 'timedOut'", "input.a.status == 'complete'", 'nodes.a.status == null'])('is not: %s', (condition) => {
    expect(warningsOf(outputting(`\${ ${condition} }`))).toEqual([]);
  });

  it('is an error of a definition with errors no more than before', () => {
    expect(errorsOf(outputting("${ nodes.b.status == 'complete' }"))).toMatchObject([{ code: 'MR_DEF_UNKNOWN_NODE' }]);
  });
});

function byPointer(one: { readonly pointer: string }, other: { readonly pointer: string }): number {
  return one.pointer < other.pointer ? -1 : 1;
}
