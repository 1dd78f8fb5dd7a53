/** Undoing (`onFailure: "compensate"`): what ends first, what is undone, in which order, and what a person can do meanwhile. */
import { describe, expect, it } from 'vitest';
import { Scenario } from '../../../../test/support/scenario.ts';
import { graphOf } from '../../definition/testing/documents.ts';
import { cancel, compensating, inputOf, undo, undoable, work } from '../testing/compensating.ts';

const three = compensating({ a: undoable, b: undoable, c: undoable, z: work });

describe('What was done', () => {
  it('is undone in reverse order of completion, one at a time, and then the instance has failed', () => {
    const scenario = new Scenario(three).completes('c', 'C').completes('a', 'A').completes('b', 'B').fails('z', 'NO_STOCK');
    expect(scenario.status).toBe('undoing');
    for (const [path, output] of [
      ['b', 'B'],
      ['a', 'A'],
      ['c', 'C'],
    ] as const) {
      expect(scenario.open).toEqual([`${path}.compensation`]);
      expect(scenario.dispatched).toEqual([`${path}.compensation`]);
      expect(inputOf(scenario, `${path}.compensation`)).toBe(output);
      scenario.completes(`${path}.compensation`);
    }
    expect(scenario.status).toBe('failed');
    expect(scenario.state.error).toMatchObject({ code: 'NO_STOCK' });
    expect(scenario.history.at(-1)?.event).toMatchObject({ type: 'InstanceFailed', nodeId: 'z' });
  });

  it.each(['cancel', 'timeout'] as const)('is undone after a %s too', (how) => {
    const scenario = new Scenario({ ...three, timeout: '1h' }).completes('a').completes('b').completes('c');
    if (how === 'cancel') scenario.command(cancel);
    else scenario.timer('instanceTimeout');
    // `z` has no compensation and is awaited all the same: nothing is undone while something may still be done.
    expect(scenario.status).toBe('ending');
    scenario.send(scenario.outcomeOfAwaited('z', { status: 'completed', output: 1 }));
    for (const path of ['c', 'b', 'a']) scenario.completes(`${path}.compensation`);
    expect(scenario.status).toBe(how === 'cancel' ? 'cancelled' : 'failed');
    expect(scenario.history.at(-1)?.event).toMatchObject(
      how === 'cancel'
        ? { type: 'InstanceCancelled', by: 'operator', reason: 'no longer wanted' }
        : { type: 'InstanceFailed', error: { code: 'TIMEOUT' } },
    );
  });

  it('stays done when the instance completes', () => {
    const scenario = new Scenario(three);
    for (const path of ['a', 'b', 'c', 'z']) scenario.completes(path);
    expect(scenario.status).toBe('completed');
    expect(scenario.eventTypes).not.toContain('CompensationStarted');
  });

  it('is all that is undone: an instance that has done nothing ends at once', () => {
    const failed = new Scenario(compensating({ a: undoable, z: work }, ['z>a'])).fails('z');
    expect(failed.status).toBe('failed');
    expect(failed.eventTypes).not.toContain('InstanceEnding');
    expect(new Scenario(compensating({ z: work })).command(cancel).status).toBe('cancelled');
  });

  it('is undone by any type of compensation, after any type of node', () => {
    const told = { type: 'publish', event: 'undone', key: '${ instance.id }', data: { was: '${ node.output }' } };
    const called = { type: 'http', method: 'DELETE', url: 'https://x/${ node.output.id }' };
    const scenario = new Scenario(
      compensating({
        t: { type: 'transform', output: { id: 7 }, compensation: called },
        h: { type: 'human', title: 'x', assignees: { users: ['ada'] }, compensation: told },
        e: { type: 'event', event: 'paid', key: 'k', compensation: told },
        p: { type: 'publish', event: 'done', key: 'k', compensation: told },
        z: work,
      }),
    )
      .approves('h', { ok: true })
      .event('e', { id: '1', source: 's' })
      .fails('z');
    // Both events leave in the step that began to undo; the request is the last.
    expect(scenario.effectsOf('publishEvent').map(({ data }) => data)).toEqual([
      { was: { id: '1', source: 's' } },
      { was: { ok: true } },
      { was: null },
    ]);
    expect(scenario.open).toEqual(['t.compensation']);
    expect(inputOf(scenario, 't.compensation')).toMatchObject({ method: 'DELETE', url: 'https://x/7' });
    expect(scenario.completes('t.compensation').status).toBe('failed');
  });
});

describe('An instance that is ending', () => {
  it('opens nothing, withdraws waits and people, and makes failed attempts final', () => {
    const scenario = new Scenario(
      compensating(
        {
          a: undoable,
          r: { ...work, retry: { maxAttempts: 3 } },
          w: { type: 'wait', for: '1h' },
          h: { type: 'human', title: 'x', assignees: { users: ['ada'] }, reminder: '1d' },
          e: { type: 'event', event: 'paid', key: 'k' },
          out: undoable,
          after: work,
        },
        ['out>after'],
      ),
    )
      .completes('a')
      .fails('r')
      .command(cancel);
    expect(scenario.status).toBe('ending');
    expect(scenario.open).toEqual([]);
    expect(scenario.timers).toEqual({});
    expect(scenario.effects.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['closeHumanTask', 'closeSubscriptions', 'disarmTimer']),
    );
    scenario.send(scenario.outcomeOfAwaited('out', { status: 'completed', output: 'done after all' }));
    expect(scenario.statuses).not.toHaveProperty('after');
    expect(scenario.open).toEqual(['out.compensation']);
    expect(inputOf(scenario, 'out.compensation')).toBe('done after all');
  });

  it.each<[string, Parameters<Scenario['outcomeOfAwaited']>[1]]>([
    ['failed', { status: 'failed', error: { code: 'BUSY', message: 'x' }, retryable: true, retryAfterMs: null }],
    ['timed out', { status: 'timedOut', error: { code: 'TIMEOUT', message: 'x' }, retryable: true, retryAfterMs: null }],
    ['was given back', { status: 'returned' }],
  ])('does not undo what %s, and tries it no more', (_, result) => {
    const scenario = new Scenario(compensating({ a: undoable, out: { ...undoable, retry: { maxAttempts: 5 } }, z: work }))
      .completes('a')
      .fails('z');
    scenario.send(scenario.outcomeOfAwaited('out', result));
    expect(scenario.open).toEqual(['a.compensation']);
    expect(scenario.timers).toEqual({});
    expect(scenario.completes('a.compensation').status).toBe('failed');
  });

  it('sends again what a worker has, and takes each outcome once', () => {
    const scenario = new Scenario(compensating({ out: undoable, z: work })).fails('z');
    const outcome = scenario.outcomeOfAwaited('out', { status: 'completed', output: 1 });
    scenario.command({ type: 'redispatch', path: outcome.path, attempt: 1 });
    expect(scenario.effectsOf('dispatchTask')).toEqual([{ type: 'dispatchTask', path: 'out', attempt: 1 }]);
    scenario.send(outcome, outcome);
    expect(scenario.rejected).toEqual(['MR_OUTCOME_STALE']);
    expect(scenario.open).toEqual(['out.compensation']);
  });

  it('refuses a cancel, as it does while it is undoing', () => {
    const scenario = new Scenario(compensating({ out: undoable, z: work })).fails('z').command(cancel);
    expect(scenario.effectsOf('commandRefused')).toMatchObject([{ code: 'MR_ENDING' }]);
    scenario.send(scenario.outcomeOfAwaited('out', { status: 'completed', output: 1 })).command(cancel);
    expect(scenario.effectsOf('commandRefused')).toMatchObject([{ code: 'MR_ENDING' }]);
    expect(scenario.completes('out.compensation').status).toBe('failed');
  });

  it('takes its incidents with it', () => {
    const scenario = new Scenario(compensating({ a: undoable, bad: { type: 'transform', output: '${ input.missing }' } })).completes('a');
    expect(scenario.status).toBe('incident');
    scenario.command(cancel);
    expect(scenario.incidents).toEqual({});
    expect(scenario.completes('a.compensation').status).toBe('cancelled');
  });

  it('tells so in the lifecycle, as it does when it begins to undo', () => {
    const scenario = new Scenario(compensating({ out: undoable, z: work })).fails('z');
    expect(scenario.effectsOf('lifecycle')).toMatchObject([{ change: 'ending', status: 'ending' }]);
    scenario.send(scenario.outcomeOfAwaited('out', { status: 'completed', output: 1 }));
    expect(scenario.effectsOf('lifecycle')).toMatchObject([{ change: 'undoing', status: 'undoing' }]);
  });
});

describe('What a join cancelled with `cancelRest`', () => {
  const race = compensating({ slow: undoable, fast: work, j: { ...work, join: 'any', cancelRest: true } }, ['slow>j', 'fast>j']);

  it('is undone too, when its worker had done it', () => {
    const scenario = new Scenario(race);
    const late = scenario.outcome('slow', { status: 'completed', output: 'late' });
    scenario.completes('fast').send(late);
    expect(scenario.statuses).toMatchObject({ slow: 'cancelled', j: 'scheduled' });
    scenario.fails('j');
    expect(inputOf(scenario, 'slow.compensation')).toBe('late');
    expect(scenario.completes('slow.compensation').status).toBe('failed');
  });

  it('is awaited when the instance ends before its worker has answered', () => {
    const scenario = new Scenario(race).completes('fast').fails('j');
    expect(scenario.status).toBe('ending');
    scenario.send(scenario.outcomeOfAwaited('slow', { status: 'completed', output: 1 }));
    expect(scenario.open).toEqual(['slow.compensation']);
  });

  it('holds up nothing when the instance completes', () => {
    expect(new Scenario(race).completes('fast').completes('j').status).toBe('completed');
  });
});

describe('A compensation', () => {
  it('that fails is an incident; retry goes on with it, under its next attempt, and what is undone stays undone', () => {
    const scenario = new Scenario(three)
      .completes('a')
      .completes('b')
      .completes('c')
      .fails('z')
      .completes('c.compensation')
      .fails('b.compensation');
    expect(scenario.status).toBe('incident');
    expect(Object.keys(scenario.incidents)).toEqual(['b.compensation']);
    const { basis } = scenario.task('b.compensation');
    scenario.command({ type: 'retry', path: null });
    expect(scenario.task('b.compensation')).toMatchObject({ status: 'scheduled', attempt: 2, basis });
    expect(scenario.open).toEqual(['b.compensation']);
    scenario.completes('b.compensation').completes('a.compensation');
    expect(scenario.status).toBe('failed');
    expect(scenario.eventTypes.filter((type) => type === 'CompensationStarted')).toHaveLength(3);
  });

  it('has attempts of its own', () => {
    const patient = { ...work, compensation: { ...undo, retry: { maxAttempts: 2 } } };
    const scenario = new Scenario(compensating({ a: patient, z: work })).completes('a').fails('z').fails('a.compensation');
    expect(scenario.status).toBe('undoing');
    scenario.timer('a.compensation#retry').completes('a.compensation');
    expect(scenario.status).toBe('failed');
  });

  it('whose expression fails is an incident, and retry evaluates it anew', () => {
    const broken = { ...work, compensation: { ...undo, input: '${ node.output.id }' } };
    const scenario = new Scenario(compensating({ a: broken, z: work })).completes('a', {}).fails('z');
    expect(scenario.incidents).toMatchObject({ 'a.compensation': { phase: 'open', expression: ' node.output.id ' } });
    scenario.command({ type: 'retry', path: null });
    expect(scenario.task('a.compensation').attempt).toBe(2);
    expect(scenario.status).toBe('incident');
  });

  it('waits while the instance is paused, and the one that is out is taken in', () => {
    const scenario = new Scenario(three).completes('a').completes('b').completes('c').fails('z');
    scenario.command({ type: 'pause' }).completes('c.compensation');
    expect(scenario.status).toBe('paused');
    expect(scenario.open).toEqual([]);
    scenario.command({ type: 'resume' });
    expect(scenario.open).toEqual(['b.compensation']);
  });

  it('waits also when a paused instance is cancelled', () => {
    const scenario = new Scenario(compensating({ a: undoable, z: work })).completes('a').command({ type: 'pause' }).command(cancel);
    scenario.send(scenario.outcomeOfAwaited('z', { status: 'completed', output: 1 }));
    expect(scenario.status).toBe('paused');
    expect(scenario.open).toEqual([]);
    expect(scenario.command({ type: 'resume' }).completes('a.compensation').status).toBe('cancelled');
  });

  it('sees what its node was given and gave, the variables of now, and what ran before', () => {
    const input = {
      in: '${ node.input }',
      out: '${ node.output }',
      x: '${ vars.x }',
      first: '${ nodes.first.output }',
      me: '${ nodes.a.status }',
    };
    const scenario = new Scenario(
      compensating(
        { first: work, a: { ...undoable, input: { n: 1 }, compensation: { ...undo, input } }, z: { ...work, set: { x: 2 } }, y: work },
        ['first>a', 'a>z', 'z>y'],
        { vars: { x: 1 } },
      ),
    )
      .completes('first', 'F')
      .completes('a', 'A')
      .completes('z')
      .fails('y');
    expect(inputOf(scenario, 'a.compensation')).toEqual({ in: { n: 1 }, out: 'A', x: 2, first: 'F', me: 'completed' });
  });
});

describe('A deadline', () => {
  it('times the instance out at that time, or at its timeout if that is earlier', () => {
    const late = new Scenario(graphOf({ a: work }, [], { deadline: '2026-01-01T02:00:00+01:00' }));
    expect(late.armed('instanceTimeout').dueAt).toBe(Date.parse('2026-01-01T01:00:00Z'));
    expect(late.timer('instanceTimeout').state.error).toMatchObject({ code: 'TIMEOUT' });
    const both = new Scenario(graphOf({ a: work }, [], { deadline: '${ input.by }', timeout: '10m' }), { by: '2026-01-01T01:00:00Z' });
    expect(both.armed('instanceTimeout').dueAt).toBe(Date.parse('2026-01-01T00:10:00Z'));
  });

  it('that has passed is due at once', () => {
    const scenario = new Scenario(graphOf({ a: work }, [], { deadline: '2025-01-01T00:00:00Z' }));
    expect(scenario.timer('instanceTimeout').status).toBe('failed');
  });
});
