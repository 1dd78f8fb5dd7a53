/** A step does so much work and leaves the rest to a timer that is due at once (decision 51). */
import { describe, expect, it } from 'vitest';
import { Scenario } from '../../../test/support/scenario.ts';
import { graphOf } from '../definition/testing/documents.ts';
import type { JsonObject } from '../json.ts';
import { step } from './index.ts';

/** About 10,000 units: three of them are as much as one step may do. */
const heavy = { type: 'transform', output: '${ input.k.all(a, input.k.all(b, b >= 0)) }' };
const input = { k: Array.from({ length: 100 }, (_, index) => index) };
const names = (count: number) => Array.from({ length: count }, (_, index) => `n${index}`);
const wait = { type: 'event', event: 'go', key: 'k' };
const event = { id: '1', type: 'go', source: 's', key: 'k', time: null, data: null };

/** `go`, then all of these nodes beside each other, then one that joins them. */
function behindAnEvent(nodes: Readonly<Record<string, JsonObject>>, more: JsonObject = {}) {
  const all = Object.keys(nodes);
  return graphOf(
    { go: wait, ...nodes, end: { type: 'task', task: 'work' } },
    all.flatMap((name) => [`go>${name}`, `${name}>end`]),
    more,
  );
}

const many = (count: number, node: JsonObject = heavy) => Object.fromEntries(names(count).map((name) => [name, node]));
const completed = ({ statuses }: Scenario) => names(60).filter((name) => statuses[name] === 'completed').length;

/** Lets the timer of what is left come due until nothing is. @returns how many steps that took. */
function continued(scenario: Scenario, stepsMax = 200): number {
  for (let steps = 0; ; steps++) {
    if (scenario.timers.step === undefined) return steps;
    expect(steps).toBeLessThan(stepsMax);
    scenario.after(1).timer('step');
  }
}

describe('Sixty expensive transforms behind one event', () => {
  it('take many steps, none of which does more than a few of them', () => {
    const scenario = new Scenario(behindAnEvent(many(60)), input).event('go', event);
    for (let before = 0; scenario.timers.step !== undefined; before = completed(scenario)) {
      expect(completed(scenario) - before).toBeLessThanOrEqual(3);
      expect(scenario.statuses.end).toBeUndefined();
      scenario.after(1).timer('step');
    }
    expect(completed(scenario)).toBe(60);
    expect(scenario.eventTypes).not.toContain('IncidentRaised');
    expect(scenario.completes('end').status).toBe('completed');
  });

  it('one behind the other do as well', () => {
    const edges = names(60)
      .slice(1)
      .map((name, index) => `n${index}>${name}`);
    const scenario = new Scenario(graphOf(many(60), edges), input);
    expect(completed(scenario)).toBeLessThanOrEqual(3);
    expect(continued(scenario)).toBeGreaterThan(15);
    expect(scenario.status).toBe('completed');
  });

  it('go on when they start the instance, and an output that is asked for comes last', () => {
    const scenario = new Scenario(graphOf(many(20), [], { output: { last: '${ nodes.n19.output }' } }), input);
    expect(scenario.status).toBe('running');
    continued(scenario);
    expect(scenario.state.output).toEqual({ last: true });
  });

  it('go on in the items of a loop', () => {
    const loop = { type: 'forEach', items: '${ input.k }', body: { nodes: { heavy }, output: '${ nodes.heavy.output }' } };
    const scenario = new Scenario(graphOf({ loop }), { k: input.k.slice(0, 60) });
    expect(continued(scenario)).toBeGreaterThan(5);
    expect(scenario.status).toBe('completed');
  });
});

it('Copies of a large input count by their length: a step makes some, not nine hundred', () => {
  const text = 'x'.repeat(500_000);
  const scenario = new Scenario(behindAnEvent(many(900, { type: 'transform', output: '${ input.text }' })), { text });
  let length = scenario.history.length;
  scenario.event('go', event);
  for (let steps = 0; steps < 10; steps++) {
    expect(JSON.stringify(scenario.history.slice(length)).length).toBeLessThan(4_000_000);
    expect(scenario.timers.step).toBeDefined();
    length = scenario.history.length;
    scenario.after(1).timer('step');
  }
});

describe('While something is left', () => {
  const document = behindAnEvent({ ...many(8), other: { type: 'task', task: 'work' } });

  it('outcomes count, and nothing ends early', () => {
    const scenario = new Scenario(graphOf({ a: { type: 'task', task: 'work' }, ...many(8) }), input);
    expect(scenario.timers.step).toBeDefined();
    expect(scenario.completes('a').task('a').status).toBe('completed');
    expect(scenario.status).toBe('running');
    continued(scenario);
    expect(scenario.status).toBe('completed');
  });

  it('a pause holds it up, and a resume lets it go on', () => {
    const scenario = new Scenario(document, input).event('go', event).command({ type: 'pause' });
    expect(scenario.timers.step).toMatchObject({ state: 'stopped' });
    scenario.after(10_000).command({ type: 'resume' });
    continued(scenario);
    expect(scenario.completes('other').completes('end').status).toBe('completed');
  });

  it('a cancel ends all of it', () => {
    const scenario = new Scenario(document, input).event('go', event).command({ type: 'cancel', reason: null });
    expect(scenario.status).toBe('cancelled');
    expect(scenario.timers).toEqual({});
  });

  it('its timer counts once', () => {
    const scenario = new Scenario(document, input).event('go', event);
    const { dueAt } = scenario.armed('step');
    scenario.after(1).timer('step');
    scenario.send({ type: 'TimerFired', timerId: 'step', kind: 'step', dueAt });
    expect(scenario.rejected).toEqual(['MR_TIMER_STALE']);
  });
});

it('What cannot be left, the condition of a loop after each of its items, runs out of fuel instead of time', () => {
  const until = 'index >= 0 && input.k.all(a, input.k.all(b, b >= 0)) && input.k.size() == 0';
  const edges = [
    { from: 'n', to: 'work', when: 'index == 99' },
    { from: 'n', to: null, otherwise: true },
  ];
  const body = { nodes: { n: { type: 'transform', output: 1 }, work: { type: 'task', task: 'work' } }, edges };
  const loop = { type: 'forEach', items: '${ input.k }', until, body };
  const scenario = new Scenario(graphOf({ loop }), input);
  expect(scenario.incidents.loop).toMatchObject({ error: { code: 'MR_EXPRESSION_FUEL' } });
});

it('A retry of many incidents at once does what one step may; the others stand as before and say so', () => {
  const fails = { type: 'transform', output: '${ input.k.all(a, input.k.all(b, b >= 0)) && input.nope }' };
  const scenario = new Scenario(graphOf(many(10, fails)), input);
  continued(scenario);
  const count = () => Object.keys(scenario.incidents).length;
  expect(count()).toBe(10);
  scenario.command({ type: 'retry', path: null });
  expect(count()).toBe(10);
  const messages = Object.values(scenario.incidents).map(({ error }) => error.message);
  expect(messages.filter((message) => message.includes('Retry once more'))).toHaveLength(7);
  expect(scenario.task('n0')).toMatchObject({ attempt: 2 });
  expect(scenario.task('n9')).toMatchObject({ attempt: 1 });
});

it('Notifications that together did as much as one step may leave those behind them to another step', () => {
  const tasks = Object.fromEntries(names(6).map((name) => [name, { type: 'task', task: 'work', set: { [name]: heavy.output } }]));
  const scenario = new Scenario(graphOf(tasks), input);
  const outcomes = names(6).map((name) => scenario.outcome(name, { status: 'completed', output: null }));
  const addressed = outcomes.map((notification, index) => ({ instanceId: scenario.state.instanceId, cause: `n/0@${index}`, notification }));
  const { left } = step(scenario.definition, scenario.state, addressed, scenario.now);
  expect(left).toEqual(addressed.slice(3));
  expect(scenario.send(...outcomes).status).toBe('completed');
});
