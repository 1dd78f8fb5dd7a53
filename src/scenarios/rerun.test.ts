/** A node that runs again is a step of a scenario; the edges that are taken because of it count like any other. */
import { expect, it } from 'vitest';
import { graphOf, parsed } from '../core/definition/testing/documents.ts';
import { CoverageCounter } from './coverage.ts';
import { readScenarioFile } from './read.ts';
import { runScenario } from './run.ts';

const work = { type: 'task', task: 'work', retry: { maxAttempts: 1 } };
const edges = [
  { from: 'a', to: 'b', when: "nodes.a.output == 'right'" },
  { from: 'a', to: 'c', otherwise: true },
];
const scenario = {
  name: 'it',
  mocks: { a: [{ output: 'wrong' }, { output: 'right' }], b: [{ output: 1 }], c: [{ never: true }] },
  steps: [
    { expect: { open: ['c'] } },
    { command: { type: 'rerun-node', task: 'c', refused: 'MR_RERUN_REFUSED' } },
    { command: { type: 'rerun-node', task: 'a', reason: 'the answer was wrong' } },
  ],
  expect: {
    status: 'completed',
    output: 1,
    nodes: { a: { attempt: 2 }, c: { status: 'skipped' } },
    history: ['NodeRerun a', 'NodeSkipped c'],
  },
};

it('a node that runs again takes another way, and both ways count as taken', () => {
  const definition = parsed(graphOf({ a: work, b: work, c: work }, edges, { output: '${ nodes.b.output }' }));
  const read = readScenarioFile({ scenarios: [scenario] }, definition);
  if (!read.ok) throw new Error(JSON.stringify(read.error));
  const [only] = read.value.scenarios;
  if (only === undefined) throw new Error('there is one');
  const { failures, history } = runScenario(definition, only, {}, '');
  expect(failures).toEqual([]);
  const counter = new CoverageCounter(definition);
  counter.add(history);
  expect(counter.coverage.edges).toEqual({ count: 2, missing: [] });
});
