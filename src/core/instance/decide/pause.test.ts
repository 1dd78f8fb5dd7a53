/** Pause and resume (language, "Time and retries"). */
import { describe, expect, it } from 'vitest';
import { Scenario } from '../../../../test/support/scenario.ts';
import { graphOf, nodeOf } from '../../definition/testing/documents.ts';
import type { TaskPath } from '../../ids.ts';
import type { JsonObject } from '../../json.ts';

const task = { type: 'task', task: 'work' };
const human = { type: 'human', title: 'Look', assignees: { users: ['ada'] } };
const pause = { type: 'pause' } as const;
const resume = { type: 'resume' } as const;

describe('Pause', () => {
  it('stops timers with what is left of them, and resume starts them with it', () => {
    const scenario = new Scenario(nodeOf({ type: 'wait', for: '1h' })).after(20 * 60_000).command(pause);
    expect(scenario.status).toBe('paused');
    expect(scenario.timers).toMatchObject({ 'n#wait': { state: 'stopped', remainingMs: 40 * 60_000 } });
    expect(scenario.effectsOf('disarmTimer')).toMatchObject([{ timerId: 'n#wait' }]);
    scenario.after(86_400_000).command(resume);
    const dueAt = scenario.now + 40 * 60_000;
    expect(scenario.effectsOf('armTimer')).toMatchObject([{ timerId: 'n#wait', dueAt }]);
    expect(scenario.task('n')).toMatchObject({ until: dueAt });
    expect(scenario.timer('n#wait').status).toBe('completed');
  });

  it('drops a timer that was on its way', () => {
    const scenario = new Scenario(nodeOf({ type: 'wait', for: '1h' }));
    const fired = { type: 'TimerFired', timerId: 'n#wait', kind: 'wait', dueAt: scenario.now + 3_600_000 } as const;
    scenario.after(3_600_000).command(pause).send(fired);
    expect(scenario.rejected).toEqual(['MR_TIMER_STALE']);
    expect(scenario.command(resume).effectsOf('armTimer')).toMatchObject([{ dueAt: scenario.now }]);
  });

  it('lets running attempts end normally and starts nothing behind them until resume', () => {
    const scenario = new Scenario(graphOf({ a: task, b: task }, ['a>b'])).command(pause).completes('a', 1);
    expect(scenario.statuses).toEqual({ a: 'completed' });
    expect(scenario.dispatched).toEqual([]);
    expect(scenario.command(resume).dispatched).toEqual(['b']);
  });

  it('holds back the next attempt, with its delay standing still', () => {
    const scenario = new Scenario(nodeOf(task)).command(pause).fails('n');
    expect(scenario.timers).toMatchObject({ 'n#retry': { state: 'stopped' } });
    expect(scenario.effectsOf('armTimer')).toEqual([]);
    const remaining = scenario.timers['n#retry'];
    scenario.after(3_600_000).command(resume);
    const left = remaining?.state === 'stopped' ? remaining.remainingMs : -1;
    expect(scenario.task('n')).toMatchObject({ status: 'retrying', retryAt: scenario.now + left });
    expect(scenario.timer('n#retry').dispatched).toEqual(['n']);
  });

  it('takes in events and what people do', () => {
    const document = graphOf({ a: human, e: { type: 'event', event: 'paid', key: 'k' }, b: task }, ['a>b', 'e>b']);
    const scenario = new Scenario(document).command(pause).approves('a', 1).event('e', { id: '1', source: 's' });
    expect(scenario.statuses).toEqual({ a: 'completed', e: 'completed' });
    expect(scenario.command(resume).open).toEqual(['b']);
  });

  it('does not send a message again', () => {
    const scenario = new Scenario(nodeOf(task)).command(pause);
    scenario.command({ type: 'redispatch', path: 'n' as TaskPath, attempt: 1 });
    expect(scenario.rejected).toEqual(['MR_PAUSED']);
  });

  it('does not resolve an incident: resume comes first', () => {
    const scenario = new Scenario(nodeOf({ ...task, retry: { maxAttempts: 1 } })).fails('n').command(pause);
    expect(scenario.status).toBe('paused');
    expect(scenario.command({ type: 'retry', path: null }).rejected).toEqual(['MR_PAUSED']);
    expect(scenario.command(resume).status).toBe('incident');
  });

  it('keeps an instance open whose last node ends meanwhile, until it is resumed', () => {
    const scenario = new Scenario(nodeOf(task)).command(pause).completes('n');
    expect(scenario.status).toBe('paused');
    expect(scenario.command(resume).status).toBe('completed');
  });

  it('is refused when the instance is paused, and resume when it is not', () => {
    const scenario = new Scenario(nodeOf(task)).command(resume);
    expect(scenario.rejected).toEqual(['MR_NOT_PAUSED']);
    expect(scenario.command(pause).command(pause).rejected).toEqual(['MR_ALREADY_PAUSED']);
  });

  it.each<[string, JsonObject, string, string]>([
    ['the timeout of a person’s task', { ...human, timeout: '1h' }, 'n#timeout', 'timedOut'],
    ['the timeout of an event wait', { type: 'event', event: 'paid', key: 'k', timeout: '1h' }, 'n#timeout', 'timedOut'],
    ['the queueTimeout of a task', { ...task, queueTimeout: '1h' }, 'n#queueTimeout', 'retrying'],
    ['an escalation', { ...human, escalate: { after: '1h', to: { roles: ['director'] } } }, 'n#escalation', 'open'],
    ['a reminder', { ...human, reminder: '1h' }, 'n#reminder', 'open'],
  ])('stops %s with what is left of it, and resume arms it again with that', (_, node, timerId, status) => {
    const scenario = new Scenario(nodeOf(node)).after(20 * 60_000).command(pause);
    expect(scenario.timers).toMatchObject({ [timerId]: { state: 'stopped', remainingMs: 40 * 60_000 } });
    expect(scenario.effectsOf('disarmTimer')).toEqual([{ type: 'disarmTimer', timerId }]);
    scenario.after(86_400_000).command(resume);
    const dueAt = scenario.now + 40 * 60_000;
    expect(scenario.timers).toMatchObject({ [timerId]: { state: 'armed', dueAt } });
    expect(scenario.effectsOf('armTimer')).toMatchObject([{ timerId, path: 'n', attempt: 1, dueAt }]);
    expect(scenario.timer(timerId).task('n').status).toBe(status);
    expect(scenario.now).toBe(dueAt);
  });

  it('counts only the time between pauses', () => {
    const scenario = new Scenario(nodeOf({ ...human, timeout: '1h' }))
      .after(20 * 60_000)
      .command(pause)
      .after(86_400_000)
      .command(resume);
    scenario
      .after(30 * 60_000)
      .command(pause)
      .after(86_400_000)
      .command(resume);
    expect(scenario.effectsOf('armTimer')).toMatchObject([{ timerId: 'n#timeout', dueAt: scenario.now + 10 * 60_000 }]);
  });

  it('ends for good the stopped timers of what is done meanwhile', () => {
    const escalate = { after: '3d', to: { roles: ['director'] } };
    const event = { type: 'event', event: 'paid', key: 'k', timeout: '1h' };
    const document = graphOf({ a: { ...human, timeout: '4d', escalate }, b: { ...task, queueTimeout: '1h' }, e: event, c: task });
    const scenario = new Scenario(document).command(pause).approves('a', 1).completes('b').event('e', { id: '1', source: 's' });
    expect(scenario.timers).toEqual({});
    expect(scenario.command(resume).effectsOf('armTimer')).toEqual([]);
  });

  it('stops the timeout of the instance too', () => {
    const scenario = new Scenario(nodeOf(task, { timeout: '1h' })).after(60_000).command(pause).after(86_400_000).command(resume);
    expect(scenario.timers).toMatchObject({ instanceTimeout: { dueAt: scenario.now + 59 * 60_000 } });
  });
});

describe('Resume', () => {
  it('leaves what ended meanwhile in the order in which it ended', () => {
    const set = (value: number) => ({ ...task, set: { last: value } });
    const scenario = new Scenario(graphOf({ a: set(1), b: set(2) }, [], { vars: { last: 0 }, output: '${ vars.last }' }));
    expect(scenario.command(pause).completes('b').completes('a').command(resume).state.output).toBe(1);
  });

  it('does so too when some of it came in the same batch', () => {
    const set = (value: number) => ({ ...task, set: { last: value } });
    const document = graphOf({ a: set(1), b: set(2) }, [], { vars: { last: 0 }, output: '${ vars.last }' });
    const scenario = new Scenario(document).command(pause).completes('b');
    scenario.send(scenario.outcome('a', { status: 'completed', output: null }), scenario.issued(resume));
    expect(scenario.state.output).toBe(1);
  });

  it('handles failures that came meanwhile', () => {
    const document = graphOf({ a: { ...task, retry: { maxAttempts: 1 } }, b: task }, [{ from: 'a', to: 'b', on: 'failed' }]);
    expect(new Scenario(document).command(pause).fails('a').command(resume).open).toEqual(['b']);
  });
});
