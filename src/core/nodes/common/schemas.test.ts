/** Declared types while instances run: what does not fit fails its node, with the place and without the value. */
import { describe, expect, it } from 'vitest';
import { Scenario } from '../../../../test/support/scenario.ts';
import { graphOf, nodeOf, step } from '../../definition/testing/documents.ts';

const schema = { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'], additionalProperties: false };
const task = { type: 'task', task: 't', input: '${ input }' };

describe('An input that does not fit', () => {
  it('fails the node before anything is sent, and an edge can take it', () => {
    const nodes = { a: { ...task, inputSchema: schema }, b: { ...step, output: '${ nodes.a.error }' } };
    const scenario = new Scenario(graphOf(nodes, [{ from: 'a', to: 'b', on: 'failed', error: 'INPUT_INVALID' }]), { n: 'geheim', x: 1 });
    expect(scenario.status).toBe('completed');
    expect(scenario.task('a')).toMatchObject({ status: 'failed', error: { code: 'INPUT_INVALID' } });
    expect(JSON.stringify(scenario.task('a'))).toContain('/n: This must be an integer.');
    expect(JSON.stringify(scenario.task('a'))).not.toContain('geheim');
  });

  it('is sent when it fits', () => {
    expect(new Scenario(nodeOf({ ...task, inputSchema: schema }), { n: 1 }).task('n')).toMatchObject({ status: 'scheduled' });
  });
});

describe('An output that does not fit', () => {
  it('fails the task for good, however many attempts are left', () => {
    const scenario = new Scenario(nodeOf({ ...task, outputSchema: schema, retry: { maxAttempts: 5 } }, { onFailure: 'fail' }), {});
    scenario.completes('n', { m: 1 });
    expect(scenario.task('n')).toMatchObject({ status: 'failed', error: { code: 'OUTPUT_INVALID' } });
    expect(JSON.stringify(scenario.task('n'))).toContain('/: The property \\"n\\" is missing.');
  });

  it('completes it when it fits', () => {
    const scenario = new Scenario(nodeOf({ ...task, outputSchema: schema }), {});
    scenario.completes('n', { n: 1 });
    expect(scenario.task('n')).toMatchObject({ status: 'completed', output: { n: 1 } });
  });

  it('fails a transform', () => {
    const scenario = new Scenario(nodeOf({ ...step, output: '${ input }', outputSchema: schema }, { onFailure: 'fail' }), { n: 0.5 });
    expect(scenario.status).toBe('failed');
    expect(scenario.task('n')).toMatchObject({ error: { code: 'OUTPUT_INVALID', message: '/n: This must be an integer.' } });
  });
});
