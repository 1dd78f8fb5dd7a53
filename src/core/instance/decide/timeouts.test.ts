/** Limits of time: of attempts, queues, people, events and instances (language, "Time and retries"). */
import { describe, expect, it } from 'vitest';
import { Scenario, T0 } from '../../../../test/support/scenario.ts';
import { graphOf, nodeOf, step } from '../../definition/testing/documents.ts';
import type { JsonObject } from '../../json.ts';

const task = { type: 'task', task: 'work' };
const human = { type: 'human', title: 'Look', assignees: { users: ['ada'] } };
const event = { type: 'event', event: 'paid', key: 'k' };

describe('The timeout of a task or http node', () => {
  it('counts in the worker, from the start of each attempt: the database holds no timer for it', () => {
    const scenario = new Scenario(nodeOf({ ...task, timeout: '5s' }));
    expect(scenario.task('n')).toMatchObject({ payload: { timeoutMs: 5_000, queueTimeoutMs: null } });
    expect(scenario.timers).toEqual({});
  });

  it('may be an expression', () => {
    expect(new Scenario(nodeOf({ ...task, timeout: '${ input.limit }' }), { limit: 'PT1M' }).task('n')).toMatchObject({
      payload: { timeoutMs: 60_000 },
    });
  });

  it.each([7, 'soon', '0s', null])('brings the node under incident when the expression gives %j', (limit) => {
    const scenario = new Scenario(nodeOf({ ...task, timeout: '${ input.limit }' }), { limit });
    expect(scenario.incidents).toMatchObject({ n: { phase: 'open', error: { code: 'MR_VALUE_UNFIT' } } });
    expect(scenario.dispatched).toEqual([]);
  });
});

describe('queueTimeout', () => {
  const document = nodeOf({ ...task, timeout: '5s', queueTimeout: '1m' });

  it('is a timer from dispatch to outcome', () => {
    const scenario = new Scenario(document);
    expect(scenario.effectsOf('armTimer')).toMatchObject([{ timerId: 'n#queueTimeout', kind: 'queueTimeout', dueAt: T0 + 60_000 }]);
    scenario.completes('n');
    expect(scenario.effectsOf('disarmTimer')).toMatchObject([{ timerId: 'n#queueTimeout' }]);
  });

  it('times the attempt out, which is retried like a failed one, with a timer of its own', () => {
    const scenario = new Scenario(document);
    const late = scenario.outcome('n', { status: 'completed', output: 'late' });
    scenario.timer('n#queueTimeout');
    expect(scenario.task('n')).toMatchObject({ status: 'retrying', lastError: { code: 'TIMEOUT' } });
    expect(Object.keys(scenario.timers)).toEqual(['n#retry']);
    scenario.send(late);
    expect(scenario.rejected).toEqual(['MR_OUTCOME_STALE']);
    scenario.timer('n#retry');
    expect(scenario.timers).toMatchObject({ 'n#queueTimeout': { attempt: 2, dueAt: scenario.now + 60_000 } });
  });

  it('that is final is no failure: only edges for timeouts are taken', () => {
    const once = { ...task, timeout: '5s', queueTimeout: '1m', retry: { maxAttempts: 1 } };
    const edges = [
      { from: 'a', to: 'b', on: 'timedOut' },
      { from: 'a', to: 'c', on: 'failed' },
    ];
    const scenario = new Scenario(graphOf({ a: once, b: task, c: task }, edges)).timer('a#queueTimeout');
    expect(scenario.statuses).toEqual({ a: 'timedOut', b: 'scheduled', c: 'skipped' });
  });

  it('runs on when the same attempt is sent again', () => {
    const scenario = new Scenario(document).after(30_000);
    const { path } = scenario.task('n');
    scenario.command({ type: 'redispatch', path, attempt: 1 });
    expect(scenario.dispatched).toEqual(['n']);
    expect(scenario.timers).toMatchObject({ 'n#queueTimeout': { dueAt: T0 + 60_000 } });
  });

  it('is never shorter than the timeout', () => {
    const scenario = new Scenario(nodeOf({ ...task, timeout: '${ input.limit }', queueTimeout: '1m' }), { limit: '10m' });
    expect(scenario.effectsOf('armTimer')).toMatchObject([{ dueAt: T0 + 600_000 }]);
  });

  it('may be an expression', () => {
    const scenario = new Scenario(nodeOf({ ...task, timeout: '5s', queueTimeout: '${ input.limit }' }), { limit: 'PT1H30M' });
    expect(scenario.effectsOf('armTimer')).toMatchObject([{ timerId: 'n#queueTimeout', kind: 'queueTimeout', dueAt: T0 + 5_400_000 }]);
    expect(scenario.task('n')).toMatchObject({ payload: { timeoutMs: 5_000, queueTimeoutMs: 5_400_000 } });
  });

  it.each([7, 'soon', '0s', null])('brings the node under incident when the expression gives %j', (limit) => {
    const scenario = new Scenario(nodeOf({ ...task, timeout: '5s', queueTimeout: '${ input.limit }' }), { limit });
    expect(scenario.incidents).toMatchObject({ n: { phase: 'open', error: { code: 'MR_VALUE_UNFIT' } } });
    expect(scenario.timers).toEqual({});
    expect(scenario.dispatched).toEqual([]);
  });
});

describe('The timeout of a person’s task', () => {
  it('withdraws it and is final', () => {
    const document = graphOf({ a: { ...human, timeout: '2d' }, late: task }, [{ from: 'a', to: 'late', on: 'timedOut' }]);
    const scenario = new Scenario(document).timer('a#timeout');
    expect(scenario.now).toBe(T0 + 2 * 86_400_000);
    expect(scenario.effectsOf('closeHumanTask')).toMatchObject([{ path: 'a' }]);
    expect(scenario.statuses).toEqual({ a: 'timedOut', late: 'scheduled' });
    expect(scenario.approves('a', {}).rejected).toEqual(['MR_TASK_NOT_OPEN']);
  });

  it('without a fitting edge is an incident, and its retry opens the task anew', () => {
    const scenario = new Scenario(nodeOf({ ...human, timeout: '1h' })).timer('n#timeout');
    expect(scenario.incidents).toMatchObject({ n: { phase: 'failed', error: { code: 'TIMEOUT' } } });
    scenario.command({ type: 'retry', path: null });
    expect(scenario.task('n')).toMatchObject({ status: 'open', attempt: 2 });
    expect(scenario.timers).toMatchObject({ 'n#timeout': { attempt: 2, dueAt: scenario.now + 3_600_000 } });
  });

  it('may be an expression', () => {
    const scenario = new Scenario(nodeOf({ ...human, timeout: '${ input.limit }' }), { limit: 'P1DT2H30M' });
    expect(scenario.effectsOf('armTimer')).toMatchObject([{ timerId: 'n#timeout', kind: 'timeout', path: 'n', dueAt: T0 + 95_400_000 }]);
  });
});

it('the timeout of an event wait ends it', () => {
  const document = graphOf({ a: { ...event, timeout: '1h' }, late: task }, [{ from: 'a', to: 'late', on: 'timedOut' }]);
  const scenario = new Scenario(document).timer('a#timeout');
  expect(scenario.effectsOf('closeSubscriptions')).toMatchObject([{ path: 'a' }]);
  expect(scenario.open).toEqual(['late']);
});

it('the timeout of an event wait may be an expression', () => {
  const scenario = new Scenario(nodeOf({ ...event, timeout: '${ input.limit }' }), { limit: '90s' });
  expect(scenario.effectsOf('armTimer')).toMatchObject([{ timerId: 'n#timeout', kind: 'timeout', path: 'n', dueAt: T0 + 90_000 }]);
});

it.each<[string, JsonObject]>([
  ['a person’s task', human],
  ['an event wait', event],
])('the timeout of %s brings it under incident when the expression gives no duration', (_, node) => {
  for (const limit of [7, 'soon', '0s', null]) {
    const scenario = new Scenario(nodeOf({ ...node, timeout: '${ input.limit }' }), { limit });
    expect(scenario.incidents).toMatchObject({ n: { phase: 'open', error: { code: 'MR_VALUE_UNFIT' } } });
    expect(scenario.timers).toEqual({});
  }
});

describe('The timeout of an instance', () => {
  it('ends its open nodes, fails it, and says why', () => {
    const scenario = new Scenario(graphOf({ a: task, b: human, c: step }, [], { timeout: '1d' }));
    expect(scenario.effectsOf('armTimer')).toMatchObject([{ timerId: 'instanceTimeout', path: null, dueAt: T0 + 86_400_000 }]);
    scenario.timer('instanceTimeout');
    expect(scenario.status).toBe('failed');
    expect(scenario.state.error).toMatchObject({ code: 'TIMEOUT' });
    expect(scenario.statuses).toEqual({ a: 'cancelled', b: 'cancelled', c: 'completed' });
  });

  it('runs on under incident', () => {
    const scenario = new Scenario(nodeOf(task, { timeout: '1d' })).fails('n', 'X', { retryable: false });
    expect(scenario.status).toBe('incident');
    expect(scenario.timer('instanceTimeout').status).toBe('failed');
    expect(scenario.incidents).toEqual({});
  });

  it('is gone when the instance ends', () => {
    const scenario = new Scenario(nodeOf(task, { timeout: '1d' })).completes('n');
    expect(scenario.effectsOf('disarmTimer')).toMatchObject([{ timerId: 'instanceTimeout' }]);
  });

  it('may be an expression; one that fails for this input refuses the start', () => {
    const document = nodeOf(task, { timeout: '${ input.limit }' });
    expect(new Scenario(document, { limit: '2h' }).timers).toMatchObject({ instanceTimeout: { dueAt: T0 + 7_200_000 } });
    expect(() => new Scenario(document, {})).toThrow('MR_EXPRESSION_FAILED');
  });
});

it('a timer that was disarmed or armed anew meanwhile changes nothing', () => {
  const scenario = new Scenario(nodeOf({ ...task, queueTimeout: '10m' }));
  const fired = { type: 'TimerFired', timerId: 'n#queueTimeout', kind: 'queueTimeout', dueAt: T0 + 600_000 } as const;
  scenario.fails('n').send(fired);
  expect(scenario.rejected).toEqual(['MR_TIMER_STALE']);
  scenario.after(5_000).timer('n#retry').send(fired);
  expect(scenario.rejected).toEqual(['MR_TIMER_STALE']);
  expect(scenario.task('n')).toMatchObject({ status: 'scheduled', attempt: 2 });
});
