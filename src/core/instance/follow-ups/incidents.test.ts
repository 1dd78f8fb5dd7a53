/** What needs a person, and how it goes on (language, "Graph" and "Time and retries"; protocol, "A step" 6). */
import { describe, expect, it } from 'vitest';
import { Scenario } from '../../../../test/support/scenario.ts';
import { graphOf, nodeOf, step } from '../../definition/testing/documents.ts';
import type { TaskPath } from '../../ids.ts';

const task = { type: 'task', task: 'work' };
const n = 'n' as TaskPath;

describe('Resolving an incident', () => {
  it('grants a fresh budget; the attempt number counts on', () => {
    const scenario = new Scenario(nodeOf({ ...task, retry: { maxAttempts: 2 } })).fails('n').timer('n#retry').fails('n');
    expect(scenario.status).toBe('incident');
    scenario.command({ type: 'retry', path: n });
    expect(scenario.status).toBe('running');
    expect(scenario.dispatched).toEqual(['n']);
    expect(scenario.task('n')).toMatchObject({ status: 'scheduled', attempt: 3, failures: 0 });
    expect(scenario.fails('n').task('n')).toMatchObject({ status: 'retrying', attempt: 3 });
    expect(scenario.timer('n#retry').fails('n').status).toBe('incident');
    expect(scenario.task('n')).toMatchObject({ status: 'failed', attempt: 4 });
  });

  it('is recorded with who did it, and the attempt that it resolves', () => {
    const scenario = new Scenario(nodeOf({ ...task, retry: { maxAttempts: 1 } })).fails('n').command({ type: 'retry', path: n }, 'ada');
    expect(scenario.history.map(({ event }) => event)).toContainEqual(
      expect.objectContaining({ type: 'IncidentResolved', path: 'n', attempt: 1, by: 'ada' }),
    );
  });

  it('is refused when it names an attempt that raised no incident: a late repeat does not resolve the next one', () => {
    const scenario = new Scenario(nodeOf({ ...task, retry: { maxAttempts: 1 } }))
      .fails('n')
      .command({ type: 'retry', path: n, raisedBy: { n: 1 } });
    scenario.fails('n').command({ type: 'retry', path: n, raisedBy: { n: 1 } });
    expect(scenario.rejected).toEqual(['MR_NO_INCIDENT']);
    expect(scenario.effectsOf('commandRefused')).toMatchObject([
      { code: 'MR_NO_INCIDENT', reason: expect.stringContaining('that the command names') },
    ]);
    expect(scenario.command({ type: 'retry', path: n, raisedBy: { n: 2 } }).status).toBe('running');
  });

  it('is of those that a retry of all names: a late repeat of it resolves none that was raised since', () => {
    const once = { ...task, retry: { maxAttempts: 1 } };
    const scenario = new Scenario(graphOf({ a: once, b: once, c: once })).fails('a').fails('b');
    const all = { type: 'retry', path: null, raisedBy: { a: 1, b: 1 } } as const;
    scenario.fails('c').command(all);
    expect(scenario.dispatched).toEqual(['a', 'b']);
    scenario.fails('a').command(all);
    expect(scenario.rejected).toEqual(['MR_NO_INCIDENT']);
    expect(Object.keys(scenario.incidents).sort()).toEqual(['a', 'c']);
  });

  it('of the output is named without an attempt', () => {
    const scenario = new Scenario(graphOf(['n'], [], { output: '${ input.missing }' }));
    expect(scenario.command({ type: 'retry', path: null, raisedBy: { n: 1 } }).rejected).toEqual(['MR_NO_INCIDENT']);
    expect(scenario.command({ type: 'retry', path: null, raisedBy: { '': 0 } }).rejected).toEqual([]);
  });

  it('sends the same work with the same idempotency key', () => {
    const scenario = new Scenario(nodeOf({ ...task, retry: { maxAttempts: 1 }, input: { x: '${ input.x }' } }), { x: 1 });
    const { basis } = scenario.task('n');
    scenario.fails('n').command({ type: 'retry', path: null });
    expect(scenario.task('n')).toMatchObject({ basis, payload: { input: { x: 1 } } });
  });

  it('resolves all of the instance’s, or the one that is named', () => {
    const once = { ...task, retry: { maxAttempts: 1 } };
    const document = graphOf({ a: once, b: once, c: once });
    const broken = () => new Scenario(document).fails('a').fails('b').fails('c');
    expect(broken().command({ type: 'retry', path: null }).dispatched).toEqual(['a', 'b', 'c']);
    const scenario = broken().command({ type: 'retry', path: 'b' as TaskPath });
    expect(scenario.dispatched).toEqual(['b']);
    expect(Object.keys(scenario.incidents)).toEqual(['a', 'c']);
  });

  it('is refused where there is none', () => {
    const scenario = new Scenario(nodeOf(task)).command({ type: 'retry', path: n });
    expect(scenario.rejected).toEqual(['MR_NO_INCIDENT']);
    expect(scenario.command({ type: 'retry', path: null }).rejected).toEqual(['MR_NO_INCIDENT']);
    expect(scenario.statuses).toEqual({ n: 'scheduled' });
  });

  it('opens a person’s task that failed for good once more', () => {
    const human = { type: 'human', title: 'Look', assignees: { users: ['ada'] } };
    const scenario = new Scenario(nodeOf(human)).command({ type: 'failTask', path: n, attempt: 1, error: { code: 'NO', message: 'no' } });
    expect(scenario.status).toBe('incident');
    scenario.command({ type: 'retry', path: null });
    expect(scenario.effectsOf('openHumanTask')).toMatchObject([{ path: 'n' }]);
    expect(scenario.task('n')).toMatchObject({ status: 'open', attempt: 2 });
    expect(scenario.approves('n', 1).status).toBe('completed');
  });
});

describe('An expression that fails', () => {
  it('while a node opens brings it under incident, with node and expression, and sends nothing', () => {
    const scenario = new Scenario(nodeOf({ ...task, input: { x: '${ input.missing }' } }));
    expect(scenario.incidents).toMatchObject({
      n: { nodeId: 'n', phase: 'open', expression: expect.stringContaining('input.missing'), error: { code: 'MR_EXPRESSION_FAILED' } },
    });
    expect(scenario.dispatched).toEqual([]);
    scenario.command({ type: 'retry', path: null });
    expect(scenario.status).toBe('incident');
    expect(scenario.task('n')).toMatchObject({ status: 'failed', attempt: 2 });
  });

  it('may hold the next time, when what it asks has changed', () => {
    const a = { ...step, output: '${ nodes.b.status == null ? input.missing : 1 }' };
    const scenario = new Scenario(graphOf({ a, b: task }));
    expect(scenario.status).toBe('incident');
    scenario.completes('b').command({ type: 'retry', path: null });
    expect(scenario.statuses).toEqual({ a: 'completed', b: 'completed' });
    expect(scenario.status).toBe('completed');
  });

  it('in "set" leaves the node completed and its edges unresolved; a retry evaluates them again, without another run', () => {
    const a = { ...task, set: { x: '${ vars.limit / nodes.b.attempt }' } };
    expect(() => new Scenario(graphOf({ a, b: task }, [], { vars: { limit: 1 } }))).toThrow('cannot have run before');
    const set = { ...task, set: { x: "${ nodes.b.status == null ? input.missing : 'set' }" } };
    const scenario = new Scenario(graphOf({ a: set, b: task, c: task }, ['a>c'])).completes('a', 'done');
    expect(scenario.incidents).toMatchObject({ a: { phase: 'exit' } });
    expect(scenario.statuses).toEqual({ a: 'completed', b: 'scheduled' });
    scenario.completes('b').command({ type: 'retry', path: null });
    expect(scenario.state.vars).toEqual({ x: 'set' });
    expect(scenario.statuses).toEqual({ a: 'completed', b: 'completed', c: 'scheduled' });
    expect(scenario.task('a')).toMatchObject({ attempt: 1, output: 'done' });
  });

  it('in the instance’s output is an incident of the instance, and a retry evaluates it again', () => {
    const scenario = new Scenario(nodeOf(step, { output: '${ input.missing }' }));
    expect(scenario.status).toBe('incident');
    expect(scenario.incidents).toMatchObject({
      '': { nodeId: null, phase: 'output', expression: expect.stringContaining('input.missing') },
    });
    scenario.command({ type: 'retry', path: null });
    expect(scenario.status).toBe('incident');
    expect(scenario.command({ type: 'cancel', reason: null }).status).toBe('cancelled');
  });

  it('is an incident whatever "onFailure" says: it is the definition that failed, not the work', () => {
    expect(new Scenario(nodeOf({ ...step, output: '${ input.missing }' }, { onFailure: 'fail' })).status).toBe('incident');
  });
});

it('a batch in which an attempt fails during a pause and the instance is resumed raises one incident', () => {
  const scenario = new Scenario(nodeOf({ ...task, retry: { maxAttempts: 1 } })).command({ type: 'pause' });
  const failed = scenario.outcome('n', { status: 'failed', error: { code: 'X', message: 'x' }, retryable: false, retryAfterMs: null });
  scenario.send(failed, scenario.issued({ type: 'resume' }));
  expect(scenario.eventTypes.filter((type) => type === 'IncidentRaised')).toHaveLength(1);
});
