/** Dead-path elimination and the three joins (language, "Graph"). */
import { describe, expect, it } from 'vitest';
import { Scenario } from '../../../../test/support/scenario.ts';
import { graphOf, step } from '../../definition/testing/documents.ts';
import type { Json, JsonObject } from '../../json.ts';

const task = { type: 'task', task: 'work' };
const once = { ...task, retry: { maxAttempts: 1 } };

/** a, b and c at the start, j behind them. */
function joined(join: Json, more: JsonObject = {}): JsonObject {
  return graphOf({ a: task, b: task, c: task, j: { ...task, join, ...more } }, ['a>j', 'b>j', 'c>j']);
}

it('nodes without incoming edges start, whatever their join', () => {
  expect(new Scenario(graphOf({ a: task, b: { ...task, join: 'any' }, c: task }, ['a>c'])).open).toEqual(['a', 'b']);
});

describe('A node that waits for all', () => {
  it('runs once its edges are all resolved, in whatever order', () => {
    for (const order of ['abc', 'cba', 'bac']) {
      const scenario = new Scenario(joined('all'));
      const [x = '', y = '', z = ''] = order;
      expect(scenario.completes(x).completes(y).open).toEqual([z]);
      expect(scenario.completes(z).dispatched).toEqual(['j']);
    }
  });

  it('runs if at least one edge was taken: an exclusive merge needs no gateway', () => {
    const edges = [{ from: 'a', to: 'b', when: 'input.left' }, { from: 'a', to: 'c', otherwise: true }, 'b>d', 'c>d'];
    const scenario = new Scenario(graphOf({ a: step, b: task, c: task, d: task }, edges), { left: true });
    expect(scenario.completes('b').statuses).toEqual({ a: 'completed', b: 'completed', c: 'skipped', d: 'scheduled' });
  });

  it('is skipped when every edge is dead, and so is what lies behind it', () => {
    const edges = [{ from: 'a', to: 'b', when: 'false' }, { from: 'a', to: null, otherwise: true }, 'b>c', 'c>d'];
    const scenario = new Scenario(graphOf({ a: step, b: step, c: step, d: step }, edges));
    expect(scenario.statuses).toEqual({ a: 'completed', b: 'skipped', c: 'skipped', d: 'skipped' });
    expect(scenario.status).toBe('completed');
  });

  it('waits for an edge whose node is under incident, while other branches go on', () => {
    const scenario = new Scenario(graphOf({ a: once, b: task, j: task, c: task }, ['a>j', 'b>j', 'b>c']));
    scenario.fails('a').completes('b');
    expect(scenario.status).toBe('incident');
    expect(scenario.open).toEqual(['c']);
    scenario.completes('c');
    expect(scenario.status).toBe('incident');
    scenario.command({ type: 'retry', path: null }).completes('a');
    expect(scenario.open).toEqual(['j']);
    expect(scenario.completes('j').status).toBe('completed');
  });

  it('counts a branch that dies in the very step that has looked at it before', () => {
    const edges = ['a>j', { from: 's', to: 'b', when: 'false' }, { from: 's', to: null, otherwise: true }, 'b>j'];
    expect(new Scenario(graphOf({ a: step, s: step, b: step, j: task }, edges)).open).toEqual(['j']);
  });

  it('counts two edges from one node', () => {
    const edges = [
      { from: 'a', to: 'b', when: 'input.x' },
      { from: 'a', to: 'b', otherwise: true },
    ];
    expect(new Scenario(graphOf({ a: step, b: task }, edges), { x: false }).open).toEqual(['b']);
  });
});

describe('join: "any"', () => {
  it('starts at the first taken edge; later arrivals are absorbed and run to their end', () => {
    const scenario = new Scenario(joined('any')).completes('b');
    expect(scenario.open).toEqual(['a', 'c', 'j']);
    scenario.completes('j');
    expect(scenario.status).toBe('running');
    expect(scenario.completes('a').dispatched).toEqual([]);
    expect(scenario.completes('c').status).toBe('completed');
    expect(scenario.eventTypes.filter((type) => type === 'TaskScheduled')).toHaveLength(4);
  });

  it('is not started by a dead edge', () => {
    const edges = [{ from: 'a', to: 'j', when: 'false' }, { from: 'a', to: null, otherwise: true }, 'b>j'];
    const scenario = new Scenario(graphOf({ a: step, b: task, j: { ...task, join: 'any' } }, edges));
    expect(scenario.open).toEqual(['b']);
    expect(scenario.completes('b').open).toEqual(['j']);
  });

  it('is skipped when all its edges are dead', () => {
    const nowhere = [
      { from: 'a', to: 'j', when: 'false' },
      { from: 'a', to: null, otherwise: true },
    ];
    expect(new Scenario(graphOf({ a: step, j: { ...task, join: 'any' } }, nowhere)).statuses.j).toBe('skipped');
  });
});

describe('join: {"atLeast": n}', () => {
  it('starts at the n-th taken edge', () => {
    const scenario = new Scenario(joined({ atLeast: 2 })).completes('c');
    expect(scenario.open).toEqual(['a', 'b']);
    expect(scenario.completes('a').open).toEqual(['b', 'j']);
    expect(scenario.completes('b').open).toEqual(['j']);
  });

  it('is skipped as soon as it can no longer be reached', () => {
    const one = [{ from: 'a', to: 'j', when: 'false' }, { from: 'a', to: null, otherwise: true }, 'b>j', 'c>j'];
    const scenario = new Scenario(graphOf({ a: task, b: task, c: task, j: { ...task, join: { atLeast: 3 } } }, one)).completes('a');
    expect(scenario.statuses).toEqual({ a: 'completed', b: 'scheduled', c: 'scheduled', j: 'skipped' });
    expect(scenario.completes('b').completes('c').status).toBe('completed');
  });
});

describe('atLeast', () => {
  const counting = (edges: readonly string[], n: number) => {
    const conditions = edges.map((when) => ({ from: 'a', to: 'j', when }));
    return new Scenario(
      graphOf({ a: task, j: { ...task, join: { atLeast: n } } }, [...conditions, { from: 'a', to: null, otherwise: true }]),
    ).completes('a');
  };

  it('counts edges that were taken, also of one node', () => {
    expect(counting(['true', '1 == 1'], 2).dispatched).toEqual(['j']);
    expect(counting(['true', '1 == 2'], 2).statuses).toEqual({ a: 'completed', j: 'skipped' });
  });

  it('runs once, however many more are taken', () => {
    const scenario = counting(['true', '1 == 1', '2 == 2'], 2);
    expect(scenario.dispatched).toEqual(['j']);
    expect(scenario.completes('j').status).toBe('completed');
  });
});

describe('cancelRest', () => {
  it('cancels every unfinished node from which the join can be reached', () => {
    const document = graphOf({ a: task, b: task, c: step, d: task, j: { ...task, join: 'any', cancelRest: true }, x: task }, [
      'a>j',
      'b>c',
      'c>d',
      'd>j',
    ]);
    const scenario = new Scenario(document).completes('a');
    expect(scenario.statuses).toEqual({ a: 'completed', b: 'cancelled', c: 'cancelled', d: 'cancelled', j: 'scheduled', x: 'scheduled' });
    expect(scenario.completes('x').completes('j').status).toBe('completed');
  });

  it('drops what comes late from a cancelled node', () => {
    const scenario = new Scenario(joined('any', { cancelRest: true }));
    const late = scenario.outcome('b', { status: 'completed', output: 1 });
    scenario.completes('a').send(late);
    expect(scenario.rejected).toEqual(['MR_OUTCOME_STALE']);
    expect(scenario.statuses.b).toBe('cancelled');
  });

  it('closes the incidents of what it cancels', () => {
    const document = graphOf({ a: once, b: task, j: { ...task, join: 'any', cancelRest: true } }, ['a>j', 'b>j']);
    const scenario = new Scenario(document).fails('a');
    expect(scenario.status).toBe('incident');
    expect(scenario.completes('b').status).toBe('running');
    expect(scenario.statuses).toEqual({ a: 'cancelled', b: 'completed', j: 'scheduled' });
  });

  it.each<[string, Json, string]>([
    ['any', 'any', 'c'],
    ['atLeast', { atLeast: 2 }, 'cd'],
  ])('with %s closes incidents and disarms the timer of a next attempt', (_, join, arriving) => {
    const nodes = { a: once, b: task, c: task, d: task, j: { ...task, join, cancelRest: true } };
    const scenario = new Scenario(graphOf(nodes, ['a>j', 'b>j', 'c>j', 'd>j'])).fails('a').fails('b');
    expect(Object.keys(scenario.incidents)).toEqual(['a']);
    const retry = scenario.timers['b#retry'];
    for (const path of arriving) scenario.completes(path);
    expect(scenario.status).toBe('running');
    expect(scenario.incidents).toEqual({});
    expect(scenario.timers).toEqual({});
    expect(scenario.effectsOf('disarmTimer')).toEqual([{ type: 'disarmTimer', timerId: 'b#retry' }]);
    expect(scenario.statuses).toMatchObject({ a: 'cancelled', b: 'cancelled', c: 'completed', j: 'scheduled' });
    expect(scenario.command({ type: 'retry', path: null }).rejected).toEqual(['MR_NO_INCIDENT']);
    const dueAt = retry?.state === 'armed' ? retry.dueAt : -1;
    scenario.after(60_000).send({ type: 'TimerFired', timerId: 'b#retry', kind: 'retry', dueAt });
    expect(scenario.rejected).toEqual(['MR_TIMER_STALE']);
    expect(scenario.completes('j').status).toBe('completed');
  });

  it.each<[string, JsonObject]>([
    ['whose variables could not be set', { type: 'transform', output: 1, set: { x: '${ input.missing }' } }],
    ['that could not be opened', { ...task, input: '${ input.missing }' }],
  ])('cancels a node %s, with its incident and its edges', (_, a) => {
    const document = graphOf({ a, b: task, j: { ...task, join: 'any', cancelRest: true }, x: task }, ['a>j', 'a>x', 'b>j']);
    const scenario = new Scenario(document);
    expect(scenario.status).toBe('incident');
    expect(scenario.completes('b').statuses).toEqual({ a: 'cancelled', b: 'completed', j: 'scheduled', x: 'skipped' });
    expect(scenario.incidents).toEqual({});
    expect(scenario.completes('j').status).toBe('completed');
  });

  it('with atLeast leaves incidents and retries alone until enough have arrived', () => {
    const nodes = { a: once, b: task, c: task, d: task, j: { ...task, join: { atLeast: 2 }, cancelRest: true } };
    const scenario = new Scenario(graphOf(nodes, ['a>j', 'b>j', 'c>j', 'd>j'])).fails('a').fails('b').completes('c');
    expect(scenario.status).toBe('incident');
    expect(Object.keys(scenario.timers)).toEqual(['b#retry']);
    expect(scenario.statuses).toMatchObject({ a: 'failed', b: 'retrying', d: 'scheduled' });
  });

  it('leaves the incidents and retries of nodes that do not lead to the join', () => {
    const nodes = { a: task, b: task, x: once, y: task, j: { ...task, join: 'any', cancelRest: true } };
    const scenario = new Scenario(graphOf(nodes, ['a>j', 'b>j'])).fails('x').fails('y').completes('a');
    expect(Object.keys(scenario.incidents)).toEqual(['x']);
    expect(Object.keys(scenario.timers)).toEqual(['y#retry']);
    expect(scenario.statuses).toEqual({ a: 'completed', b: 'cancelled', x: 'failed', y: 'retrying', j: 'scheduled' });
  });

  it('ends timers, waits and the work of people', () => {
    const human = { type: 'human', title: 'Look', assignees: { users: ['ada'] }, timeout: '1h' };
    const event = { type: 'event', event: 'paid', key: 'k' };
    const wait = { type: 'wait', for: '1d' };
    const document = graphOf({ a: task, human, event, wait, j: { ...task, join: 'any', cancelRest: true } }, [
      'a>j',
      'human>j',
      'event>j',
      'wait>j',
    ]);
    const scenario = new Scenario(document);
    expect(Object.keys(scenario.timers)).toEqual(['human#timeout', 'wait#wait']);
    scenario.completes('a');
    expect(scenario.timers).toEqual({});
    expect(scenario.effectsOf('disarmTimer').map(({ timerId }) => timerId)).toEqual(['human#timeout', 'wait#wait']);
    expect(scenario.effectsOf('closeHumanTask')).toMatchObject([{ path: 'human' }]);
    expect(scenario.effectsOf('closeSubscriptions')).toMatchObject([{ path: 'event' }]);
  });

  it('kills the edges of what it cancels: another join goes on without them', () => {
    const document = graphOf({ a: task, b: task, c: task, j: { ...task, join: 'any', cancelRest: true }, k: task, only: task }, [
      'a>j',
      'b>j',
      'b>k',
      'c>k',
      'b>only',
    ]);
    const scenario = new Scenario(document).completes('a');
    expect(scenario.statuses.only).toBe('skipped');
    expect(scenario.completes('c').statuses.k).toBe('scheduled');
  });

  it('lets a node that ended in the same step finish', () => {
    const document = graphOf({ a: step, b: step, j: { ...task, join: 'any', cancelRest: true }, k: task }, ['a>j', 'b>j', 'b>k']);
    expect(new Scenario(document).statuses).toEqual({ a: 'completed', b: 'completed', j: 'scheduled', k: 'scheduled' });
  });

  it('lets a node that ended during a pause finish', () => {
    const document = graphOf({ a: task, b: task, j: { ...task, join: 'any', cancelRest: true }, k: task }, ['a>j', 'b>j', 'b>k']);
    const scenario = new Scenario(document).command({ type: 'pause' }).completes('a').completes('b').command({ type: 'resume' });
    expect(scenario.statuses).toEqual({ a: 'completed', b: 'completed', j: 'scheduled', k: 'scheduled' });
  });
});

it('an instance ends when nothing is open, retrying or under incident', () => {
  const scenario = new Scenario(graphOf({ a: task, b: once, c: task }));
  expect(scenario.completes('a').status).toBe('running');
  expect(scenario.fails('b').status).toBe('incident');
  expect(scenario.fails('c').status).toBe('incident');
  expect(scenario.command({ type: 'retry', path: null }).status).toBe('running');
  expect(scenario.completes('b').status).toBe('running');
  expect(scenario.task('c').status).toBe('retrying');
  expect(scenario.timer('c#retry').completes('c').status).toBe('completed');
  expect(scenario.timers).toEqual({});
});
