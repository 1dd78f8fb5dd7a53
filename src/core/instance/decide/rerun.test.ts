/** A node that has ended runs again: what lies behind it follows anew, and nothing else changes. */
import { describe, expect, it } from 'vitest';
import { Scenario } from '../../../../test/support/scenario.ts';
import { graphOf } from '../../definition/testing/documents.ts';
import type { ScopePath, TaskPath } from '../../ids.ts';
import { step } from '../index.ts';
import type { InstanceState } from '../state/state.ts';
import { LazyCopy } from '../testing/lazy-copy.ts';

const work = { type: 'task', task: 'work', retry: { maxAttempts: 1 } };
const transform = { type: 'transform', output: 1 };
const human = { type: 'human', title: 'Look', assignees: { users: ['ada'] } };
const event = { type: 'event', event: 'paid', key: 'k' };

const rerun = (path: string, attempt = 1) => ({ type: 'rerunNode', path: path as TaskPath, attempt, reason: 'it was wrong' }) as const;
const refusal = (scenario: Scenario): unknown => scenario.effectsOf('commandRefused').map(({ code, reason }) => `${code} ${reason}`);

describe('A node that runs again', () => {
  it('does so under its next attempt as other work, and what lies behind it follows anew', () => {
    const b = { ...work, input: '${ nodes.a.output }' };
    const scenario = new Scenario(graphOf({ a: work, b, c: human }, ['a>b', 'b>c'], { output: '${ nodes.b.output }' }));
    const first = scenario.task('a');
    scenario.completes('a', 1).completes('b', 1);
    expect(scenario.open).toEqual(['c']);
    scenario.command(rerun('a'));
    expect(scenario.statuses).toEqual({ a: 'scheduled' });
    expect(scenario.task('a')).toMatchObject({ attempt: 2 });
    expect(scenario.task('a').basis).not.toBe(first.basis);
    expect(scenario.dispatched).toEqual(['a']);
    expect(scenario.effectsOf('closeHumanTask')).toMatchObject([{ path: 'c' }]);
    expect(scenario.history.map((entry) => entry.event)).toContainEqual(
      expect.objectContaining({ type: 'NodeRerun', path: 'a', attempt: 1, reset: ['b', 'c'], by: 'operator', reason: 'it was wrong' }),
    );
    scenario.completes('a', 2);
    expect(scenario.task('b')).toMatchObject({ attempt: 2, payload: { input: 2 } });
    expect(scenario.completes('b', 3).approves('c', {}).state).toMatchObject({ phase: 'completed', output: 3 });
  });

  it('has its edges weighed anew: another way may be taken', () => {
    const edges = [
      { from: 'a', to: 'b', when: 'nodes.a.output == 1' },
      { from: 'a', to: 'c', otherwise: true },
    ];
    const scenario = new Scenario(graphOf({ a: work, b: work, c: work }, edges)).completes('a', 1);
    const late = scenario.outcome('b', { status: 'completed', output: null });
    scenario.command(rerun('a')).completes('a', 2);
    expect(scenario.statuses).toEqual({ a: 'completed', b: 'skipped', c: 'scheduled' });
    expect(scenario.send(late).rejected).toEqual(['MR_OUTCOME_STALE']);
  });

  it('leaves other branches as they are, and a join of all waits for both again', () => {
    const scenario = new Scenario(graphOf({ a: work, b: work, j: work }, ['a>j', 'b>j'])).completes('a').completes('b', 'kept');
    scenario.command(rerun('a'));
    expect(scenario.statuses).toEqual({ a: 'scheduled', b: 'completed' });
    expect(scenario.completes('a').task('j')).toMatchObject({ status: 'scheduled', attempt: 2 });
  });

  it('may be one that failed, was skipped, or is under an incident, which ends', () => {
    const failed = new Scenario(graphOf({ a: { ...work, input: '${ vars.x }' } }, [], { vars: { x: 1 } })).fails('a');
    failed.command({ type: 'setVars', vars: { x: 2 }, reason: null }).command(rerun('a'));
    expect(failed.incidents).toEqual({});
    expect(failed.task('a')).toMatchObject({ status: 'scheduled', attempt: 2, payload: { input: 2 } });
    const skipped = new Scenario(
      graphOf({ a: transform, b: work, c: work }, [
        { from: 'a', to: 'b', when: 'false' },
        { from: 'a', to: null, otherwise: true },
      ]),
    );
    skipped.command(rerun('b', 0));
    expect(skipped.task('b')).toMatchObject({ status: 'scheduled', attempt: 1 });
  });

  it('leaves an incident that retry resolves if it cannot open', () => {
    const scenario = new Scenario(
      graphOf({ a: { type: 'transform', output: '${ vars.x.y }' }, b: work }, ['a>b'], { vars: { x: { y: 1 } } }),
    );
    scenario
      .command({ type: 'pause' })
      .command({ type: 'setVars', vars: { x: 1 }, reason: null })
      .command({ type: 'resume' });
    scenario.command(rerun('a'));
    expect(scenario.incidents).toMatchObject({ a: { phase: 'open' } });
    scenario.command({ type: 'setVars', vars: { x: { y: 2 } }, reason: null }).command({ type: 'retry', path: null });
    expect(scenario.statuses).toEqual({ a: 'completed', b: 'scheduled' });
  });

  it('takes back incidents, waits and loops behind it', () => {
    const loop = { type: 'forEach', items: [1, 2], body: { nodes: { w: work } } };
    const scenario = new Scenario(graphOf({ a: work, e: event, f: work, l: loop }, ['a>e', 'a>f', 'a>l'])).completes('a').fails('f');
    expect(scenario.open).toEqual(['e', 'l', 'l.0.w', 'l.1.w']);
    scenario.command(rerun('a'));
    expect([scenario.incidents, scenario.open]).toEqual([{}, ['a']]);
    expect(scenario.effectsOf('closeSubscriptions')).toMatchObject([{ path: 'e' }]);
    scenario.completes('a');
    expect(scenario.open).toEqual(['e', 'f', 'l', 'l.0.w', 'l.1.w']);
    expect(scenario.task('l.0.w').attempt).toBeGreaterThan(1);
  });

  it('may be a loop with loops in it, whose attempts were never used either: what the first run asked for answers none of the second', () => {
    const child = { type: 'workflow', definition: 'child', input: '${ item }', detached: true };
    const inner = { type: 'forEach', items: [1], body: { nodes: { w: child } } };
    const outer = { type: 'forEach', items: [1], body: { nodes: { inner } } };
    const scenario = new Scenario(graphOf({ l: outer, z: human }, ['l>z']));
    scenario.command(rerun('l'));
    const again = scenario.task('l.0.inner.0.w');
    expect(again.attempt).toBeGreaterThan(1);
    expect(scenario.task('l.0.inner').attempt).toBeGreaterThan(1);
  });

  it('may be a loop, which begins from the start under attempts that were never used', () => {
    const loop = { type: 'forEach', items: [1, 2], body: { nodes: { w: work }, output: '${ nodes.w.output }' } };
    const rounds = { type: 'repeat', until: 'index == 1', max: 3, body: { nodes: { w: work } } };
    const scenario = new Scenario(graphOf({ l: loop, r: rounds, z: human }, ['l>z', 'r>z'], { output: '${ nodes.l.output }' }));
    scenario.completes('l.0.w', 'a').completes('l.1.w', 'b').completes('r.0.w').completes('r.1.w');
    scenario.command(rerun('l')).command(rerun('r'));
    expect(scenario.open).toEqual(['l', 'l.0.w', 'l.1.w', 'r', 'r.0.w']);
    scenario.completes('l.0.w', 'c').completes('l.1.w', 'd').completes('r.0.w').completes('r.1.w');
    expect(scenario.approves('z', {}).state).toMatchObject({ phase: 'completed', output: ['c', 'd'] });
    const attempts = scenario.history.flatMap(({ event: each }) => (each.type === 'TaskScheduled' ? [`${each.path}#${each.attempt}`] : []));
    expect(new Set(attempts).size).toBe(attempts.length);
  });

  it('is undone once for each run if the instance fails', () => {
    const undoable = { ...work, compensation: { type: 'task', task: 'undo', input: '${ node.output }' } };
    const scenario = new Scenario(graphOf({ a: undoable, b: human }, ['a>b'], { onFailure: 'compensate' })).completes('a', 1);
    scenario.command(rerun('a')).completes('a', 2).command({ type: 'cancel', reason: null });
    expect(scenario.task('a.compensation')).toMatchObject({ payload: { input: 2 } });
    scenario.completes('a.compensation');
    expect(scenario.task('a.compensation')).toMatchObject({ payload: { input: 1 } });
    expect(scenario.completes('a.compensation').status).toBe('cancelled');
  });

  it('asks for another child, when the one before has left the books', () => {
    const child = { type: 'workflow', definition: 'child' };
    const scenario = new Scenario(graphOf({ a: work, c: child }, ['a>c'])).completes('a');
    const [first] = scenario.effectsOf('bookChild');
    expect(first).toMatchObject({ path: 'c', message: 'start' });
    scenario.command(rerun('a'));
    expect(scenario.effectsOf('bookChild')).toMatchObject([{ path: 'c', message: 'word' }]);
    scenario.completes('a');
    expect(scenario.task('c')).toMatchObject({ attempt: 2, childId: null });
  });
});

describe('A node does not run again', () => {
  it('while it is open, under another attempt, while the instance is paused, or where there is none', () => {
    const scenario = new Scenario(graphOf({ a: work, b: work, c: work }, ['a>b'])).completes('a');
    expect(refusal(scenario.command(rerun('b')))).toEqual([
      'MR_RERUN_REFUSED The task b is open: only a node that has ended can run again.',
    ]);
    expect(refusal(scenario.command(rerun('a', 2)))).toEqual(['MR_RERUN_REFUSED The task a has run again meanwhile: it is at attempt 1.']);
    expect(refusal(scenario.command(rerun('x')))).toEqual(['MR_TASK_UNKNOWN The instance has no task x, or its item or round is over.']);
    expect(refusal(scenario.command({ type: 'pause' }).command(rerun('a')))).toEqual([
      'MR_PAUSED The instance is paused: resume it first.',
    ]);
  });

  it('where a join behind it would not wait for it, since other branches let it run', () => {
    const scenario = new Scenario(graphOf({ a: work, b: work, j: { ...work, join: 'any' } }, ['a>j', 'b>j'])).completes('a').completes('b');
    expect(refusal(scenario.command(rerun('a')))).toEqual([
      'MR_RERUN_REFUSED Other branches let "j" run, which lies behind "a" and would not wait for it: run "j" again.',
    ]);
    const alone = new Scenario(graphOf({ a: work, b: work, j: { ...work, join: 'any' } }, ['a>j', 'b>j'])).completes('a');
    expect(alone.command(rerun('a')).open).toEqual(['a', 'b']);
  });

  it('once its instance has ended, or is being ended', () => {
    const undoable = { ...work, compensation: { type: 'task', task: 'undo', input: 1 } };
    const scenario = new Scenario(graphOf({ a: undoable, b: work }, [], { onFailure: 'compensate' })).completes('a', 1);
    scenario.command({ type: 'cancel', reason: null });
    expect(refusal(scenario.command(rerun('a')))).toEqual(['MR_ENDING The instance is being ended already: it is ending.']);
  });
});

it('a loop that exits and is taken back in the same step is not loaded again', () => {
  const loop = { type: 'forEach', items: [1], body: { nodes: { w: work } } };
  const scenario = new Scenario(graphOf({ a: work, l: loop, z: human }, ['a>l', 'l>z'])).completes('a');
  const { instanceId } = scenario.state;
  const outcome = scenario.outcome('l.0.w', { status: 'completed', output: null });
  const batch = [outcome, scenario.issued(rerun('a'))].map((notification, index) => ({
    ...{ instanceId, cause: `n/0@${index}`, notification },
  }));
  const decide = (state: InstanceState) => step(scenario.definition, state, batch, scenario.now);
  const decided = decide(scenario.state);
  expect(decided.state.scopes['l.0' as ScopePath]).toBeUndefined();
  new LazyCopy().check(scenario.state, batch, decided, decide);
});
