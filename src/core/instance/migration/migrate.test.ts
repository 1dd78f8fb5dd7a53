/** An instance moves to another version wherever it stands, and goes on by it; or it stays, with every reason. */
import { describe, expect, it } from 'vitest';
import { Scenario } from '../../../../test/support/scenario.ts';
import { graphOf } from '../../definition/testing/documents.ts';
import type { Json, JsonObject } from '../../json.ts';

const work = { type: 'task', task: 'work', retry: { maxAttempts: 1 } };
const transform = { type: 'transform', output: 1 };
const human = { type: 'human', title: 'Look', assignees: { users: ['ada'] } };
const undo = { type: 'task', task: 'undo', input: '${ node.output }' };

const refusal = (scenario: Scenario): unknown => scenario.effectsOf('commandRefused').map(({ code, reason }) => `${code} ${reason}`);
const refused = (before: Scenario, document: Json): unknown => {
  const { state } = before;
  before.migrates(document);
  expect(before.state.definitionVersion).toBe(state.definitionVersion);
  return refusal(before);
};

describe('An instance that moves to another version', () => {
  it('goes on by it, and its history says who moved it from where, and why', () => {
    const scenario = new Scenario(graphOf({ a: work, b: work }, ['a>b']));
    scenario.migrates(graphOf({ a: work, b: human }, ['a>b']), 'a person looks now');
    expect(scenario.state.definitionVersion).toBe(2);
    expect(scenario.history.at(-1)?.event).toMatchObject({
      ...{ type: 'InstanceMigrated', fromVersion: 1, toVersion: 2, by: 'operator', reason: 'a person looks now' },
    });
    expect(scenario.effects).toContainEqual(expect.objectContaining({ type: 'commandApplied' }));
    expect(scenario.effectsOf('lifecycle')).toMatchObject([{ change: 'migrated', status: 'running' }]);
    expect(scenario.completes('a').open).toEqual(['b']);
    expect(scenario.task('b')).toMatchObject({ type: 'human' });
  });

  it('keeps what is open as it was opened: an outcome that is on its way fits', () => {
    const scenario = new Scenario(graphOf({ a: { ...work, input: 'old' } }, [], { output: '${ nodes.a.output }' }));
    const outcome = scenario.outcome('a', { status: 'completed', output: 5 });
    const before = scenario.task('a');
    scenario.migrates(graphOf({ a: { ...work, input: 'new' } }, [], { output: '${ [nodes.a.output] }' }));
    expect(scenario.task('a')).toBe(before);
    expect(scenario.send(outcome).state).toMatchObject({ phase: 'completed', output: [5] });
  });

  it('keeps the deadlines of timers', () => {
    const scenario = new Scenario(graphOf({ a: { type: 'wait', for: '1h' } }, [], { timeout: '2h' }));
    const { timers } = scenario;
    scenario.after(60_000).migrates(graphOf({ a: { type: 'wait', for: '9h' } }, [], { timeout: '9h' }));
    expect(scenario.timers).toEqual(timers);
    expect(scenario.effectsOf('armTimer')).toEqual([]);
    expect(scenario.timer('a#wait').status).toBe('completed');
  });

  it('has the version in each new basis: what a worker decided by the version before is not taken for its', () => {
    const document = graphOf({ a: work, b: { ...work, input: '${ nodes.a.output }' } }, ['a>b']);
    const [moved, stayed] = [new Scenario(document), new Scenario(document)];
    moved.migrates({ ...document, title: 'another' }).completes('a', 1);
    stayed.completes('a', 1);
    expect(moved.task('b').basis).not.toBe(stayed.task('b').basis);
    expect(moved.task('b')).toMatchObject({ attempt: 1, payload: { input: 1 } });
  });

  it('moves while it is paused, and goes on by the new version when it is resumed', () => {
    const join = { ...work, join: 'any' };
    const scenario = new Scenario(graphOf({ a: work, b: work, c: work }, ['a>c', 'b>c'])).completes('a');
    expect(scenario.open).toEqual(['b']);
    scenario.command({ type: 'pause' }).migrates(graphOf({ a: work, b: work, c: join }, ['a>c', 'b>c']));
    expect(scenario.open).toEqual(['b']);
    expect(scenario.command({ type: 'resume' }).open).toEqual(['b', 'c']);
  });

  it('opens nodes in the order of edges when it is resumed, as an instance does that has not moved', () => {
    const sets = { type: 'transform', output: '${ 1 }', set: { x: 4 } };
    const reads = { type: 'transform', output: '${ vars.x }' };
    // "reads" stands before "sets" among the nodes, and behind it among the edges.
    const definition = graphOf({ a: work, reads, sets }, ['a>sets', 'a>reads'], { vars: { x: 0 }, output: '${ nodes.reads.output }' });
    const paused = new Scenario(definition).command({ type: 'pause' }).completes('a');
    expect(paused.migrates(definition).command({ type: 'resume' }).state.output).toBe(
      new Scenario(definition).command({ type: 'pause' }).completes('a').command({ type: 'resume' }).state.output,
    );
  });

  it('retries an incident by the new version', () => {
    const scenario = new Scenario(graphOf({ a: { type: 'transform', output: '${ input.missing }' } }));
    scenario.migrates(graphOf({ a: { type: 'transform', output: '${ input }' } })).command({ type: 'retry', path: null });
    expect(scenario.status).toBe('completed');
  });

  it('evaluates edges anew that had failed', () => {
    const edges = (when: string) => [
      { from: 'a', to: 'b', when },
      { from: 'a', to: null, otherwise: true },
    ];
    const scenario = new Scenario(graphOf({ a: work, b: work }, edges('nodes.a.output.ok'))).completes('a', {});
    scenario.migrates(graphOf({ a: work, b: work }, edges('has(nodes.a.output.ok)'))).command({ type: 'retry', path: null });
    expect(scenario.status).toBe('completed');
  });

  it('gets the variables that are new, and keeps the others', () => {
    const scenario = new Scenario(graphOf({ a: work }, [], { vars: { x: 1 } }), { n: 4 });
    const vars = { x: 9, y: '${ input.n + 1 }' };
    scenario.migrates(graphOf({ a: work }, [], { vars, output: '${ [vars.x, vars.y] }' }));
    expect(scenario.completes('a').state.output).toEqual([1, 5]);
  });

  it('skips a new node that it has passed, and runs one that is still ahead', () => {
    const scenario = new Scenario(graphOf({ a: work, b: work, c: work }, ['a>b', 'b>c'])).completes('a');
    scenario.migrates(graphOf({ first: work, a: work, x: work, b: work, y: work, c: work }, ['first>a', 'a>x', 'x>b', 'b>y', 'y>c']));
    expect(scenario.statuses).toEqual({ a: 'completed', b: 'scheduled', first: 'skipped', x: 'skipped' });
    expect(scenario.completes('b').open).toEqual(['y']);
    expect(scenario.completes('y').completes('c').status).toBe('completed');
  });

  it('may leave out nodes that were still to come, or had been skipped', () => {
    const edges = [
      { from: 'a', to: 'b', when: 'false' },
      { from: 'a', to: 'c', otherwise: true },
      { from: 'c', to: 'd' },
    ];
    const scenario = new Scenario(graphOf({ a: transform, b: work, c: work, d: work }, edges));
    scenario.migrates(graphOf({ a: transform, c: work }, ['a>c']));
    expect(scenario.completes('c').status).toBe('completed');
  });

  it('runs a join at once that waits for fewer branches now', () => {
    const scenario = new Scenario(graphOf({ a: work, b: work, c: work }, ['a>c', 'b>c'])).completes('a');
    scenario.migrates(graphOf({ a: work, b: work, c: { ...work, join: { atLeast: 1 } } }, ['a>c', 'b>c']));
    expect(scenario.open).toEqual(['b', 'c']);
  });

  it('moves within loops, whose bodies go on by the new version', () => {
    const loop = (body: JsonObject) =>
      graphOf({ l: { type: 'forEach', items: '${ input }', concurrency: 1, body } }, [], { output: '${ nodes.l.output }' });
    const scenario = new Scenario(loop({ nodes: { a: work } }), [1, 2]);
    scenario.migrates(loop({ nodes: { a: work, b: transform }, edges: [{ from: 'a', to: 'b' }], output: '${ nodes.b.output }' }));
    scenario.completes('l.0.a', 'x').completes('l.1.a', 'y');
    expect(scenario.state).toMatchObject({ phase: 'completed', output: [1, 1] });
  });

  it('shows the form of the new version for a task that is open', () => {
    const scenario = new Scenario(graphOf({ a: human }));
    scenario.migrates(graphOf({ a: { ...human, form: { type: 'object' } } }));
    expect(scenario.effectsOf('reassignHumanTask')).toMatchObject([{ path: 'a', assignees: { users: ['ada'], roles: [] } }]);
  });

  it('may move back', () => {
    const [one, two] = [graphOf({ a: work, b: work }, ['a>b']), graphOf({ a: work, b: human }, ['a>b'])];
    const scenario = new Scenario(one).migrates(two).command({ type: 'migrate', version: 1, reason: null });
    expect(scenario.state.definitionVersion).toBe(1);
    expect(scenario.completes('a').task('b')).toMatchObject({ type: 'task' });
  });
});

describe('A migration is refused', () => {
  const no = (...reasons: readonly string[]) => [`MR_MIGRATION_REFUSED ${reasons.join(' ')}`];

  it('to its own version, and to one that nobody deployed', () => {
    const scenario = new Scenario(graphOf({ a: work }));
    expect(refusal(scenario.command({ type: 'migrate', version: 1, reason: null }))).toEqual(no('The instance is on version 1 already.'));
    expect(refusal(scenario.command({ type: 'migrate', version: 7, reason: null }))).toEqual(
      no('Version 7 of test was never deployed, or this version of the engine cannot read it.'),
    );
  });

  it('of an instance that has ended, or is being ended', () => {
    const document = graphOf({ a: { ...work, compensation: undo }, b: work }, [], { onFailure: 'compensate' });
    const scenario = new Scenario(document).completes('a', 1).command({ type: 'cancel', reason: null });
    expect(refusal(scenario.migrates(document))).toEqual(['MR_ENDING The instance is being ended already: it is ending.']);
    const ended = new Scenario(graphOf({ a: transform }));
    expect(refusal(ended.migrates(graphOf({ a: transform })))).toEqual(['MR_INSTANCE_ENDED The instance has ended: it is completed.']);
  });

  it('with all reasons at once', () => {
    const scenario = new Scenario(graphOf({ a: work, b: work, c: work }, ['a>c']), {}).completes('a', 'x');
    const target = graphOf({ b: human, c: work, d: work }, ['b>c'], { input: { type: 'object', required: ['n'] } });
    expect(refused(scenario, target)).toEqual(
      no(
        '/input: The input of the instance does not fit. /: The property "n" is missing.',
        '/nodes/a: The node "a" has completed, and version 2 has no such node.',
        '/nodes/b/type: The node "b" is open as "task", and in version 2 it is "human".',
      ),
    );
  });

  it('where an edge has arrived at a join that the version does not have, or that leads elsewhere', () => {
    const standing = () =>
      new Scenario(
        graphOf({ a: work, b: work, c: work }, [
          { from: 'a', to: 'c', id: 'e' },
          { from: 'b', to: 'c' },
        ]),
      ).completes('a');
    const nodes = { a: work, b: work, c: work, d: work };
    expect(
      refused(
        standing(),
        graphOf(nodes, [
          { from: 'b', to: 'c' },
          { from: 'a', to: 'd' },
        ]),
      ),
    ).toEqual(no('/edges: The edge "e" was taken, and "c" waits behind it for others. Version 2 has no such edge.'));
    expect(
      refused(
        standing(),
        graphOf(nodes, [
          { from: 'a', to: 'd', id: 'e' },
          { from: 'b', to: 'c' },
        ]),
      ),
    ).toEqual(no('/edges/0: The edge "e" was taken, and in version 2 it leads to "d": give that edge another "id".'));
  });

  it('where a node that was still to come could not come any more', () => {
    const scenario = new Scenario(graphOf({ a: work, b: work, c: work }, ['a>b', 'b>c'])).completes('a');
    expect(refused(scenario, graphOf({ a: work, b: work, c: work }, ['a>c', 'c>b']))).toEqual(
      no('/nodes/c: The node "c" was still to come, and in version 2 nothing that is left leads to it.'),
    );
    const start = new Scenario(graphOf({ a: work, b: work }, ['a>b']));
    expect(refused(start, graphOf({ a: work, b: work }))).toEqual(
      no('/nodes/b: The node "b" was still to come, and in version 2 nothing that is left leads to it.'),
    );
  });

  it('within loops by the same rules, each reason once', () => {
    const loop = (body: JsonObject) => graphOf({ l: { type: 'forEach', items: '${ input }', body } });
    const scenario = new Scenario(loop({ nodes: { a: work } }), [1, 2, 3]);
    expect(refused(scenario, loop({ nodes: { b: work } }))).toEqual(
      no('/nodes/l/body/nodes/a: The node "l/a" is open, and version 2 has no such node.'),
    );
    expect(refused(scenario, graphOf({ l: { type: 'forEach', items: '${ input }', workflow: { definition: 'child' } } }))).toMatchObject([
      expect.stringContaining('/nodes/l: The node "l" is open: its items cannot change between a body and children.'),
    ]);
  });

  it('where the output of a node does not fit what is declared of it now', () => {
    const scenario = new Scenario(graphOf({ a: work, b: work }, ['a>b'])).completes('a', 'secret');
    const target = graphOf({ a: { ...work, outputSchema: { type: 'number' } }, b: work }, ['a>b']);
    expect(refused(scenario, target)).toEqual(
      no('/nodes/a/outputSchema: The node "a" has completed, and its output does not fit. /: This must be a number.'),
    );
  });

  it('where a person was offered other outcomes, or an event would become an array', () => {
    const people = new Scenario(graphOf({ a: { ...human, outcomes: ['yes', 'no'] } }));
    expect(refused(people, graphOf({ a: { ...human, outcomes: ['yes', 'later'] } }))).toEqual(
      no('/nodes/a/outcomes: The node "a" is open for a person, who was offered other outcomes.'),
    );
    const event = { type: 'event', event: 'paid', key: 'k' };
    expect(refused(new Scenario(graphOf({ a: event })), graphOf({ a: { ...event, count: 2 } }))).toEqual(
      no('/nodes/a/count: The node "a" is open: "count" decides whether its output is one event or an array, so it cannot come or go.'),
    );
  });

  it('where work would not be undone any more, or could not be', () => {
    const paid = { ...work, compensation: undo };
    const compensating = { onFailure: 'compensate' };
    const standing = () => new Scenario(graphOf({ a: paid, b: work }, ['a>b'], compensating)).completes('a', 1);
    expect(refused(standing(), graphOf({ a: work, b: work }, ['a>b']))).toEqual(
      no('/onFailure: Nodes of the instance would be undone if it failed: "onFailure" must stay "compensate".'),
    );
    expect(refused(standing(), graphOf({ a: work, b: work }, ['a>b'], compensating))).toEqual(
      no('/nodes/a/compensation: The node "a" would be undone if the instance failed, and version 2 has no compensation for it.'),
    );
    const nodes = { z: transform, a: work, b: work };
    const asking = { ...work, compensation: { ...undo, input: '${ nodes.z.output }' } };
    const scenario = new Scenario(graphOf({ ...nodes, a: paid }, ['z>a', 'a>b'], compensating)).completes('a', 1);
    expect(refused(scenario, graphOf({ ...nodes, a: asking }, ['z>a', 'a>b'], compensating))).toEqual(
      no(
        '/nodes/a/compensation: The node "a" would be undone if the instance failed. What its compensation asks for was kept when it ended, and this one asks for more.',
      ),
    );
    const without = new Scenario(graphOf({ a: work, b: work }, ['a>b'])).completes('a', 1);
    expect(refused(without, graphOf({ a: paid, b: work }, ['a>b'], compensating))).toEqual(
      no('/nodes/a/compensation: The node "a" may have completed without a compensation, and would not be undone.'),
    );
  });

  it('where the first values of its variables cannot be evaluated', () => {
    const scenario = new Scenario(graphOf({ a: work }));
    expect(refused(scenario, graphOf({ a: work }, [], { vars: { y: '${ input.missing }' } }))).toMatchObject([
      expect.stringContaining('/vars: The first values of its variables cannot be evaluated.'),
    ]);
  });
});
