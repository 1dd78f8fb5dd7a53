/** Waiting for events (language, "Nodes" and "Events and triggers"; protocol, "Events"). */
import { describe, expect, it } from 'vitest';
import { INSTANCE_ID, Scenario } from '../../../../test/support/scenario.ts';
import { graphOf, nodeOf } from '../../definition/testing/documents.ts';
import type { TaskPath } from '../../ids.ts';
import type { Json } from '../../json.ts';

const task = { type: 'task', task: 'work' };
const paid = (id: string, data: Json = {}) => ({ id, type: 'paid', source: 'bank', key: 'k', time: null, data });
const waitFor = { type: 'event', event: 'paid', key: '${ input.order }' };

describe('An event node', () => {
  it('opens a subscription of its type and evaluated key', () => {
    const scenario = new Scenario(nodeOf(waitFor), { order: 'o-1' });
    expect(scenario.effectsOf('openSubscription')).toEqual([
      { type: 'openSubscription', path: 'n', attempt: 1, wait: 0, count: 1, event: 'paid', key: 'o-1', where: null },
    ]);
  });

  it('gives the whole event as its output', () => {
    const scenario = new Scenario(nodeOf(waitFor, { output: '${ nodes.n.output }' }), { order: 'o-1' });
    expect(scenario.event('n', paid('1', { amount: 7 })).state.output).toEqual(paid('1', { amount: 7 }));
    expect(scenario.effectsOf('closeSubscriptions')).toEqual([{ type: 'closeSubscriptions', path: 'n' }]);
  });

  it('takes a key as long as an event can have, counted in characters', () => {
    const order = '🦊'.repeat(500);
    expect(new Scenario(nodeOf(waitFor), { order }).effectsOf('openSubscription')).toMatchObject([{ key: order }]);
  });

  it('takes a key that is a number as text', () => {
    expect(new Scenario(nodeOf(waitFor), { order: 22 }).effectsOf('openSubscription')).toMatchObject([{ key: '22' }]);
  });

  it.each([[null], [['o']], [''], ['x'.repeat(501)], ['a\u0000b']])('comes under incident for the key %j', (order) => {
    const scenario = new Scenario(nodeOf(waitFor), { order });
    expect(scenario.incidents).toMatchObject({ n: { phase: 'open', error: { code: 'MR_VALUE_UNFIT' } } });
    expect(scenario.effectsOf('openSubscription')).toEqual([]);
  });

  it('evaluates where with the values that it mentions as they were when the wait opened', () => {
    const where = { ...waitFor, where: 'event.data.amount >= vars.least' };
    const document = graphOf({ n: where, a: { ...task, set: { least: 100 } } }, [], { vars: { least: 5 } });
    const scenario = new Scenario(document, { order: 'o-1' });
    expect(scenario.effectsOf('openSubscription')).toMatchObject([
      { where: { source: 'event.data.amount >= vars.least', scope: { vars: { least: 5 } } } },
    ]);
    scenario.completes('a');
    expect(scenario.task('n')).toMatchObject({ waits: [{ where: { scope: { vars: { least: 5 } } } }] });
  });

  it('takes along whatever where mentions: input, nodes and the instance', () => {
    const where = 'event.data.id == nodes.a.output.id && event.key == instance.id && event.data.n > input.least';
    const document = graphOf({ a: { type: 'transform', output: { id: 7 } }, n: { ...waitFor, where } }, ['a>n']);
    const scenario = new Scenario(document, { order: 'o-1', least: 3 });
    expect(scenario.effectsOf('openSubscription')).toMatchObject([
      { where: { source: where, scope: { nodes: { a: { output: { id: 7 } } }, instance: { id: INSTANCE_ID }, input: { least: 3 } } } },
    ]);
  });

  it('comes under incident, with the expression, when where fails on an event', () => {
    const scenario = new Scenario(nodeOf({ ...waitFor, where: 'event.data.amount > 1' }), { order: 'o-1' });
    scenario.event('n', paid('1'), { whereError: 'There is no key.' });
    expect(scenario.incidents).toMatchObject({
      n: { error: { code: 'MR_EXPRESSION_FAILED', message: 'There is no key.' }, expression: 'event.data.amount > 1' },
    });
    scenario.command({ type: 'retry', path: null });
    expect(scenario.effectsOf('openSubscription')).toMatchObject([{ path: 'n', attempt: 2 }]);
    expect(scenario.event('n', paid('2', { amount: 2 })).status).toBe('completed');
  });
});

describe('An event wait that times out without a fitting edge', () => {
  const document = nodeOf({ ...waitFor, count: 2, timeout: '1h' }, { output: '${ nodes.n.output }' });
  const timedOut = () => new Scenario(document, { order: 'o-1' }).event('n', paid('1')).timer('n#timeout');

  it('comes under incident and waits no more', () => {
    const scenario = timedOut();
    expect(scenario.status).toBe('incident');
    expect(scenario.incidents).toMatchObject({ n: { phase: 'failed', error: { code: 'TIMEOUT' }, expression: null } });
    expect(scenario.task('n')).toMatchObject({ status: 'timedOut', error: { code: 'TIMEOUT' } });
    expect(scenario.effectsOf('closeSubscriptions')).toEqual([{ type: 'closeSubscriptions', path: 'n' }]);
    expect(scenario.timers).toEqual({});
  });

  it('comes under incident when the condition of its edge does not hold', () => {
    const edges = [{ from: 'a', to: 'b', on: 'timedOut', when: 'input.goOn' }];
    const document = graphOf({ a: { ...waitFor, timeout: '1h' }, b: task }, edges);
    const scenario = new Scenario(document, { order: 'o-1', goOn: false }).timer('a#timeout');
    expect(scenario.incidents).toMatchObject({ a: { phase: 'failed', error: { code: 'TIMEOUT' } } });
    expect(scenario.statuses).toEqual({ a: 'timedOut' });
  });

  it('is opened anew by a retry, with its whole time before it', () => {
    const scenario = timedOut().after(60_000).command({ type: 'retry', path: null });
    expect(scenario.status).toBe('running');
    expect(scenario.effectsOf('openSubscription')).toMatchObject([{ path: 'n', attempt: 2, event: 'paid', key: 'o-1' }]);
    expect(scenario.effectsOf('armTimer')).toMatchObject([{ timerId: 'n#timeout', attempt: 2, dueAt: scenario.now + 3_600_000 }]);
    expect(scenario.task('n')).toMatchObject({ status: 'open', attempt: 2 });
    expect(scenario.timer('n#timeout').incidents).toMatchObject({ n: { phase: 'failed', error: { code: 'TIMEOUT' } } });
  });

  it('takes events again after a retry', () => {
    const scenario = timedOut().command({ type: 'retry', path: null }).event('n', paid('2')).event('n', paid('3'));
    expect(scenario.status).toBe('completed');
    expect(scenario.state.output).toEqual([paid('2'), paid('3')]);
    expect(scenario.timers).toEqual({});
  });
});

describe('anyOf', () => {
  const anyOf = [
    { event: 'paid', key: 'k' },
    { event: 'refused', key: 'k' },
  ];

  it('waits for all of them and takes the first', () => {
    const scenario = new Scenario(nodeOf({ type: 'event', anyOf }));
    expect(scenario.effectsOf('openSubscription')).toMatchObject([
      { wait: 0, event: 'paid' },
      { wait: 1, event: 'refused' },
    ]);
    expect(scenario.event('n', paid('1'), { wait: 1 }).status).toBe('completed');
  });
});

describe('anyOf, each with its own where', () => {
  const anyOf = [
    { event: 'paid', key: 'k', where: 'event.data.n > input.least' },
    { event: 'refused', key: 'k', where: 'event.data.why == vars.why' },
  ];

  it('freezes for each what it mentions, and names the one that failed', () => {
    const scenario = new Scenario(nodeOf({ type: 'event', anyOf }, { vars: { why: 'late' } }), { least: 1 });
    expect(scenario.effectsOf('openSubscription')).toMatchObject([
      { wait: 0, where: { source: 'event.data.n > input.least', scope: { input: { least: 1 } } } },
      { wait: 1, where: { source: 'event.data.why == vars.why', scope: { vars: { why: 'late' } } } },
    ]);
    scenario.event('n', paid('1'), { wait: 1, whereError: 'There is no why.' });
    expect(scenario.incidents).toMatchObject({ n: { expression: 'event.data.why == vars.why' } });
  });

  it('with a count takes whichever come, in their order, and leaves all of its subscriptions open until it has them all', () => {
    const scenario = new Scenario(nodeOf({ type: 'event', anyOf, count: 2 }, { vars: { why: 'late' }, output: '${ nodes.n.output }' }), {
      least: 1,
    });
    expect(scenario.effectsOf('openSubscription').map(({ wait, count }) => [wait, count])).toEqual([
      [0, 2],
      [1, 2],
    ]);
    expect(scenario.event('n', paid('1'), { wait: 1 }).effects).toEqual([]);
    expect(scenario.event('n', paid('2'), { wait: 0 }).state.output).toEqual([paid('1'), paid('2')]);
    expect(scenario.effectsOf('closeSubscriptions')).toHaveLength(1);
  });
});

describe('count', () => {
  it('takes n events and gives them as a list, oldest first', () => {
    const scenario = new Scenario(nodeOf({ ...waitFor, count: 3 }, { output: '${ nodes.n.output }' }), { order: 'o-1' });
    expect(scenario.effectsOf('openSubscription')).toMatchObject([{ count: 3 }]);
    scenario.event('n', paid('1'));
    expect(scenario.effects).toEqual([]);
    expect(scenario.task('n')).toMatchObject({ received: [{ event: paid('1') }] });
    expect(scenario.event('n', paid('2')).event('n', paid('3')).state.output).toEqual([paid('1'), paid('2'), paid('3')]);
  });

  it('of one still gives a list', () => {
    const scenario = new Scenario(nodeOf({ ...waitFor, count: 1 }, { output: '${ nodes.n.output }' }), { order: 'o-1' });
    expect(scenario.event('n', paid('1')).state.output).toEqual([paid('1')]);
  });

  it('counts an event once, however often it is handed over', () => {
    const scenario = new Scenario(nodeOf({ ...waitFor, count: 2 }), { order: 'o-1' }).event('n', paid('1')).event('n', paid('1'));
    expect(scenario.rejected).toEqual(['MR_EVENT_REPEATED']);
    expect(scenario.task('n')).toMatchObject({ received: [{ event: paid('1') }] });
  });

  it('tells two events with the same id apart by their source', () => {
    const scenario = new Scenario(nodeOf({ ...waitFor, count: 2 }), { order: 'o-1' });
    expect(scenario.event('n', paid('1')).event('n', { ...paid('1'), source: 'cash desk' }).status).toBe('completed');
  });
});

describe('An event that comes too late', () => {
  const document = graphOf({ a: { ...waitFor, timeout: '1h' }, b: task }, [{ from: 'a', to: 'b', on: 'timedOut' }]);

  it('goes back to where it waited, for this instance', () => {
    const scenario = new Scenario(document, { order: 'o-1' }).timer('a#timeout').event('a', paid('1'), { rowId: '77' });
    expect(scenario.rejected).toEqual(['MR_EVENT_REFUSED']);
    expect(scenario.effects).toEqual([{ type: 'returnEvent', eventRowId: '77', path: 'a', attempt: 1 }]);
  });

  it('goes back when the instance has ended', () => {
    const scenario = new Scenario(document, { order: 'o-1' }).command({ type: 'cancel', reason: null }).event('a', paid('1'));
    expect(scenario.rejected).toEqual(['MR_INSTANCE_ENDED']);
    expect(scenario.effectsOf('returnEvent')).toHaveLength(1);
  });

  it('does not go back when this instance has had it', () => {
    const scenario = new Scenario(graphOf({ a: waitFor, b: task }), { order: 'o-1' }).event('a', paid('1')).event('a', paid('1'));
    expect(scenario.rejected).toEqual(['MR_EVENT_REPEATED']);
    expect(scenario.effects).toEqual([]);
    expect(scenario.completes('b').status).toBe('completed');
    scenario.event('a', paid('1'));
    expect(scenario.rejected).toEqual(['MR_EVENT_REPEATED']);
    expect(scenario.effects).toEqual([]);
  });

  it('does not go back when it was counted before the wait ended', () => {
    const counting = graphOf({ a: { ...waitFor, count: 2, timeout: '1h' }, b: task }, [{ from: 'a', to: 'b', on: 'timedOut' }]);
    const counted = () => new Scenario(counting, { order: 'o-1' }).event('a', paid('1'));
    for (const ended of [counted().timer('a#timeout'), counted().command({ type: 'cancel', reason: null })]) {
      ended.event('a', paid('1'));
      expect(ended.rejected).toEqual(['MR_EVENT_REPEATED']);
      expect(ended.effects).toEqual([]);
    }
  });

  it('does not go back when it was counted by an earlier attempt, and is not counted again', () => {
    const scenario = new Scenario(nodeOf({ ...waitFor, count: 2, timeout: '1h' }), { order: 'o-1' })
      .event('n', paid('1'))
      .timer('n#timeout');
    scenario.command({ type: 'retry', path: null }).event('n', paid('1'));
    expect(scenario.rejected).toEqual(['MR_EVENT_REPEATED']);
    expect(scenario.task('n')).toMatchObject({ status: 'open', attempt: 2, received: [] });
    expect(scenario.event('n', paid('2')).event('n', paid('3')).status).toBe('completed');
    expect(scenario.event('n', paid('1')).rejected).toEqual(['MR_EVENT_REPEATED']);
  });

  it.each([
    ['one event', waitFor, 1],
    ['a list', { ...waitFor, count: 2 }, 2],
  ])('does not go back when a join cancelled the wait that had completed with %s', (_, wait, count) => {
    // The edges of the wait were never evaluated: its `set` failed, and stood as an incident when the join fired.
    const nodes = { a: { ...wait, set: { x: '${ input.missing }' } }, b: task, j: { ...task, join: 'any', cancelRest: true } };
    const scenario = new Scenario(graphOf(nodes, ['a>j', 'b>j'], { vars: { x: 0 } }), { order: 'o-1' });
    for (let id = 1; id <= count; id++) scenario.event('a', paid(String(id)));
    expect(scenario.completes('b').task('a').status).toBe('cancelled');
    for (let id = 1; id <= count; id++) {
      scenario.event('a', paid(String(id)));
      expect(scenario.rejected).toEqual(['MR_EVENT_REPEATED']);
      expect(scenario.effects).toEqual([]);
    }
  });

  it('does not go back when an earlier run of the same item took it', () => {
    // The condition fails after the first item, so that a retry runs the second one again.
    const body = { nodes: { a: { type: 'event', event: 'paid', key: 'k' }, b: task }, edges: [{ from: 'a', to: 'b' }] };
    const scenario = new Scenario(graphOf({ items: { type: 'forEach', items: ['x', 'y'], until: 'item.bad', body } }));
    const repeated = () => scenario.send({ type: 'EventMatched', ...again, event: paid('1') });
    const again = { path: 'items.1.a' as TaskPath, attempt: 1, wait: 0, eventRowId: '1', whereError: null };
    scenario.event('items.1.a', paid('1')).event('items.0.a', paid('2')).completes('items.0.b');
    scenario.command({ type: 'retry', path: null });
    expect(scenario.task('items.1.a')).toMatchObject({ status: 'open', attempt: 2 });
    expect(repeated().rejected).toEqual(['MR_EVENT_REPEATED']);
    scenario.event('items.1.a', paid('3')).completes('items.1.b');
    expect(scenario.status).toBe('incident');
    expect(repeated().rejected).toEqual(['MR_EVENT_REPEATED']);
    expect(scenario.effects).toEqual([]);
  });

  it('does not go back when "where" failed on it, before a retry and after', () => {
    const failed = { whereError: 'no such member' };
    const scenario = new Scenario(nodeOf(waitFor), { order: 'o-1' }).event('n', paid('1'), failed);
    expect(scenario.history.map(({ event }) => event.type).slice(-3)).toEqual(['EventReceived', 'TaskFailed', 'IncidentRaised']);
    const again = {
      type: 'EventMatched',
      path: scenario.task('n').path,
      attempt: 1,
      wait: 0,
      eventRowId: '1',
      event: paid('1'),
      whereError: 'x',
    } as const;
    expect(scenario.send(again).rejected).toEqual(['MR_EVENT_REPEATED']);
    expect(scenario.effects).toEqual([]);
    expect(scenario.command({ type: 'retry', path: null }).send(again).rejected).toEqual(['MR_EVENT_REPEATED']);
    expect(scenario.effects).toEqual([]);
    expect(scenario.event('n', paid('2')).status).toBe('completed');
  });

  it('of another attempt of the wait is refused', () => {
    const scenario = new Scenario(nodeOf({ ...waitFor, timeout: '1h' }), { order: 'o-1' }).timer('n#timeout');
    scenario.command({ type: 'retry', path: null });
    scenario.send({
      type: 'EventMatched',
      path: scenario.task('n').path,
      attempt: 1,
      wait: 0,
      eventRowId: '1',
      event: paid('1'),
      whereError: null,
    });
    expect(scenario.rejected).toEqual(['MR_EVENT_REFUSED']);
    expect(scenario.event('n', paid('1')).status).toBe('completed');
  });
});

describe('A wait with "onTimeout": "take"', () => {
  const take = { ...waitFor, count: 3, timeout: '1h', onTimeout: 'take' };
  const document = nodeOf(take, { output: '${ nodes.n.output }' });
  const open = () => new Scenario(document, { order: 'o-1' });

  it('completes at its timeout with the events that have come, in their order', () => {
    const scenario = open().event('n', paid('2')).event('n', paid('1')).timer('n#timeout');
    expect(scenario.state).toMatchObject({ phase: 'completed', output: [paid('2'), paid('1')] });
    expect(scenario.effectsOf('closeSubscriptions')).toEqual([{ type: 'closeSubscriptions', path: 'n' }]);
  });

  it('completes with an empty array where none has come', () => {
    expect(open().timer('n#timeout').state).toMatchObject({ phase: 'completed', output: [] });
  });

  it('completes before its timeout once it has them all', () => {
    const scenario = open().event('n', paid('1')).event('n', paid('2')).event('n', paid('3'));
    expect(scenario.state).toMatchObject({ phase: 'completed', output: [paid('1'), paid('2'), paid('3')] });
    expect(scenario.timers).toEqual({});
  });

  it('refuses what comes after it, and knows what it has taken', () => {
    const scenario = open().event('n', paid('1')).timer('n#timeout');
    expect(scenario.event('n', paid('2')).rejected).toEqual(['MR_INSTANCE_ENDED']);
    expect(scenario.effectsOf('returnEvent')).toHaveLength(1);
    expect(scenario.event('n', paid('1')).rejected).toEqual(['MR_EVENT_REPEATED']);
    expect(scenario.effectsOf('returnEvent')).toHaveLength(0);
  });

  it('fails at its timeout without it, as "fail" says in so many words', () => {
    for (const onTimeout of [undefined, 'fail']) {
      const fails = nodeOf({ ...waitFor, count: 3, timeout: '1h', ...(onTimeout === undefined ? {} : { onTimeout }) });
      const scenario = new Scenario(fails, { order: 'o-1' }).event('n', paid('1')).timer('n#timeout');
      expect(scenario.task('n').status).toBe('timedOut');
    }
  });
});
