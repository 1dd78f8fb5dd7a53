/** What a person corrects in a running instance: variables, the output of a node, a node that is not to run. */
import { describe, expect, it } from 'vitest';
import { Scenario } from '../../../../test/support/scenario.ts';
import { graphOf } from '../../definition/testing/documents.ts';
import type { TaskPath } from '../../ids.ts';
import type { Json, JsonObject } from '../../json.ts';

const work = { type: 'task', task: 'work', retry: { maxAttempts: 1 } };
const undoable = { ...work, compensation: { type: 'task', task: 'undo', input: '${ node.output }', retry: { maxAttempts: 1 } } };
const human = { type: 'human', title: 'Look', assignees: { users: ['ada'] } };

const complete = (path: string, output: Json, attempt = 1) =>
  ({ type: 'completeNode', path: path as TaskPath, attempt, output, reason: 'done by hand' }) as const;
const skip = (path: string, attempt = 1) => ({ type: 'skipNode', path: path as TaskPath, attempt, reason: null }) as const;
const setVars = (vars: JsonObject) => ({ type: 'setVars', vars, reason: 'a typo' }) as const;

function refusalOf(scenario: Scenario): unknown {
  return scenario.effectsOf('commandRefused').map(({ code, reason }) => `${code} ${reason}`);
}

describe('A node that a person completes', () => {
  it('goes on with that output, after its attempts have failed', () => {
    const scenario = new Scenario(graphOf({ a: work, b: { ...work, input: '${ nodes.a.output.id }' } }, ['a>b'])).fails('a');
    scenario.command(complete('a', { id: 7 }));
    expect(scenario.incidents).toEqual({});
    expect(scenario.statuses).toMatchObject({ a: 'completed', b: 'scheduled' });
    expect(scenario.task('b')).toMatchObject({ payload: { input: 7 } });
    expect(scenario.history.map(({ event }) => event)).toContainEqual(
      expect.objectContaining({ type: 'NodeCorrected', path: 'a', action: 'complete', by: 'operator', reason: 'done by hand' }),
    );
  });

  it('need not have opened: its own expression had failed', () => {
    const scenario = new Scenario(
      graphOf({ a: { type: 'transform', output: '${ input.missing }' } }, [], { output: '${ nodes.a.output }' }),
    );
    expect(scenario.command(complete('a', 1)).status).toBe('completed');
    expect(scenario.state.output).toBe(1);
  });

  it('has its edges evaluated anew, where they had failed on its output', () => {
    const edges = [
      { from: 'a', to: 'b', when: 'nodes.a.output.ok' },
      { from: 'a', to: null, otherwise: true },
    ];
    const scenario = new Scenario(graphOf({ a: work, b: work }, edges)).completes('a', {});
    expect(scenario.incidents).toMatchObject({ a: { phase: 'exit' } });
    expect(scenario.command(complete('a', { ok: true })).statuses).toMatchObject({ b: 'scheduled' });
  });

  it('may be one that is open: what was waited for does not come any more', () => {
    const scenario = new Scenario(
      graphOf({ e: { type: 'event', event: 'paid', key: 'k', timeout: '1d' }, w: { type: 'wait', for: '1h' }, t: work }, [], {
        output: '${ [nodes.e.output, nodes.w.output, nodes.t.output] }',
      }),
    );
    const late = scenario.outcome('t', { status: 'completed', output: 'late' });
    scenario.command(complete('e', { id: 'x' })).command(complete('w', null));
    expect(scenario.timers).toEqual({});
    expect(scenario.command(complete('t', 2)).status).toBe('completed');
    expect(scenario.state.output).toEqual([{ id: 'x' }, null, 2]);
    expect(scenario.send(late).rejected).toEqual(['MR_INSTANCE_ENDED']);
  });

  it('may be a wait: an event that it took is known when it comes again', () => {
    const event = { id: '1', type: 'paid', source: 'bank', key: 'k', time: null, data: null };
    const counting = { type: 'event', event: 'paid', key: 'k', count: 2 };
    const open = new Scenario(graphOf({ e: counting, t: work })).event('e', event).command(complete('e', 'by hand'));
    // Its edges could not be evaluated on the events, so a person gives another output.
    const edges = [
      { from: 'e', to: 't', when: 'nodes.e.output[0].data.ok' },
      { from: 'e', to: null, otherwise: true },
    ];
    const ended = new Scenario(graphOf({ e: { ...counting, count: 1 }, t: work }, edges)).event('e', event);
    expect(ended.status).toBe('incident');
    for (const scenario of [open, ended.command(complete('e', [{ data: { ok: true } }]))]) {
      expect(scenario.event('e', event).rejected).toEqual(['MR_EVENT_REPEATED']);
      expect(scenario.effects).toEqual([]);
    }
  });

  it('may be a loop: what runs in it ends with it', () => {
    const loop = { type: 'forEach', items: [1, 2], body: { nodes: { a: work } } };
    const scenario = new Scenario(graphOf({ loop, z: work }, ['loop>z'])).completes('loop.0.a', 1).command(complete('loop', ['by hand']));
    expect(scenario.open).toEqual(['z']);
    expect(scenario.task('loop')).toMatchObject({ output: ['by hand'] });
  });

  it('is undone with that output, and once only', () => {
    const edges = [
      { from: 'a', to: 'z', when: 'nodes.a.output.ok' },
      { from: 'a', to: null, otherwise: true },
    ];
    const scenario = new Scenario(graphOf({ a: undoable, z: work }, edges, { onFailure: 'compensate' })).completes('a', {});
    scenario.command(complete('a', { ok: true })).fails('z');
    expect(scenario.open).toEqual(['a.compensation']);
    expect(scenario.completes('a.compensation').status).toBe('failed');
  });

  it('may be a compensation, so that undoing goes on with the next one', () => {
    const scenario = new Scenario(graphOf({ a: undoable, b: undoable, z: work }, [], { onFailure: 'compensate' }));
    scenario.completes('a').completes('b').fails('z').fails('b.compensation');
    expect(scenario.status).toBe('incident');
    expect(scenario.command(complete('b.compensation', null)).open).toEqual(['a.compensation']);
    expect(scenario.command(skip('a.compensation')).status).toBe('failed');
  });
});

describe('A node that a person skips', () => {
  it('ends as if no edge had led to it', () => {
    const scenario = new Scenario(graphOf({ a: work, b: work, c: work, j: work }, ['a>b', 'b>j', 'c>j'])).fails('a').command(skip('a'));
    expect(scenario.statuses).toMatchObject({ a: 'cancelled', b: 'skipped', c: 'scheduled' });
    expect(scenario.completes('c').statuses).toMatchObject({ j: 'scheduled' });
  });

  it('may be open: its message, its wait or its task is withdrawn', () => {
    const scenario = new Scenario(
      graphOf({
        h: human,
        e: { type: 'event', event: 'paid', key: 'k' },
        r: { type: 'repeat', until: 'true', max: 2, body: { nodes: { a: work } } },
      }),
    );
    expect(scenario.command(skip('h')).effectsOf('closeHumanTask')).toHaveLength(1);
    expect(scenario.command(skip('e')).effectsOf('closeSubscriptions')).toHaveLength(1);
    expect(scenario.command(skip('r')).status).toBe('completed');
  });

  it('may be one node in one item of a loop', () => {
    const loop = {
      type: 'forEach',
      items: [1, 2],
      body: { nodes: { a: work, b: work }, edges: [{ from: 'a', to: 'b' }], output: '${ nodes.a.output }' },
    };
    const scenario = new Scenario(graphOf({ loop }, [], { output: '${ nodes.loop.output }' })).fails('loop.0.a').command(skip('loop.0.a'));
    expect(scenario.completes('loop.1.a', 1).completes('loop.1.b').state.output).toEqual([null, 1]);
  });

  it('is undone all the same, when a worker had done it', () => {
    const scenario = new Scenario(graphOf({ a: undoable, z: work }, [], { onFailure: 'compensate' })).command(skip('a')).fails('z');
    expect(scenario.status).toBe('ending');
    scenario.send(scenario.outcomeOfAwaited('a', { status: 'completed', output: 1 }));
    expect(scenario.open).toEqual(['a.compensation']);
  });
});

describe('Variables that a person changes', () => {
  it('are seen by the retry of what failed', () => {
    const scenario = new Scenario(graphOf({ a: { ...work, input: '${ vars.rate.value }' } }, [], { vars: { rate: 1, kept: 2 } }));
    expect(scenario.status).toBe('incident');
    scenario.command(setVars({ rate: { value: 3 } })).command({ type: 'retry', path: null });
    expect(scenario.task('a')).toMatchObject({ payload: { input: 3 } });
    expect(scenario.state.vars).toEqual({ rate: { value: 3 }, kept: 2 });
    expect(scenario.history.map(({ event }) => event)).toContainEqual(
      expect.objectContaining({ type: 'VarsChanged', vars: { rate: { value: 3 } }, by: 'operator', reason: 'a typo' }),
    );
  });

  it('may be set by a node only, and are changed in a pause too', () => {
    const scenario = new Scenario(graphOf({ a: { ...work, set: { later: 1 } } })).command({ type: 'pause' }).command(setVars({ later: 2 }));
    expect(scenario.state.vars).toEqual({ later: 2 });
  });
});

describe('A correction is refused', () => {
  const scenario = () => new Scenario(graphOf({ a: work, b: work, h: human, z: work }, ['a>z'], { vars: { x: 1 } })).completes('a');
  const cases: readonly (readonly [what: string, run: (s: Scenario) => Scenario, refusal: string])[] = [
    ['for a task that is not there', (s) => s.command(skip('nowhere')), 'MR_TASK_UNKNOWN The instance has no task nowhere.'],
    [
      'for a node that has ended',
      (s) => s.command(complete('a', 1)),
      'MR_TASK_NOT_OPEN The task a is neither open nor under an incident: it is completed.',
    ],
    [
      'for an attempt that is over',
      (s) => s.fails('b').command({ type: 'retry', path: null }).command(complete('b', 1)),
      'MR_TASK_NOT_OPEN Attempt 1 of the task b is over; it is at attempt 2.',
    ],
    [
      'for the completion of a task that people can complete',
      (s) => s.command(complete('h', 1)),
      'MR_TASK_NOT_OPEN The task h is open for a person: complete it in the inbox, or skip its node.',
    ],
    ['during a pause', (s) => s.command({ type: 'pause' }).command(skip('b')), 'MR_PAUSED The instance is paused: resume it first.'],
    [
      'for variables while all is well',
      (s) => s.command(setVars({ x: 2 })),
      'MR_NO_INCIDENT Variables can be changed only while the instance is paused or under an incident.',
    ],
    [
      'for a variable that nobody knows',
      (s) => s.fails('b').command(setVars({ y: 2 })),
      'MR_VAR_UNKNOWN The definition has no variable "y": it neither declares nor sets one.',
    ],
  ];

  it.each(cases)('%s', (_, run, refusal) => {
    const before = scenario();
    expect(refusalOf(run(before))).toEqual([refusal]);
    expect(before.history.at(-1)?.event).toMatchObject({ type: 'CommandRefused', by: 'operator' });
  });

  it('when it comes again', () => {
    const twice = scenario().fails('b');
    const issued = twice.issued(complete('b', 1));
    expect(twice.send(issued).send(issued).rejected).toEqual(['MR_COMMAND_REPEATED']);
  });
});
