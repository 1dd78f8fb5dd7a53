/** A workflow node: its child is asked for, told what is wanted of it, and its end is heard. */
import { describe, expect, it } from 'vitest';
import { graphOf, nodeOf } from '../../definition/testing/documents.ts';
import type { TaskPath } from '../../ids.ts';
import { areBooksEmpty } from '../../instance/children/books.ts';
import { step } from '../../instance/index.ts';
import type { InstanceState } from '../../instance/state/state.ts';
import { LazyCopy } from '../../instance/testing/lazy-copy.ts';
import type { JsonObject } from '../../json.ts';
import { done, Parent } from './testing/parent.ts';

const child = { type: 'workflow', definition: 'ship', input: { to: '${ input.to }' } };
const caught = [{ from: 'n', to: 'after', on: 'any' }];
const after = { type: 'transform', output: '${ nodes.n.error }' };

describe('A workflow node', () => {
  it('puts a child into the books and asks for it, with its input', () => {
    const parent = new Parent(nodeOf(child), { to: 'Oslo' });
    expect(parent.book()).toMatchObject({ definitionId: 'ship', version: null, wish: 'run', number: 1, input: { to: 'Oslo' } });
    expect(parent.said).toEqual([['n', 'start']]);
    expect(parent.task('n')).toMatchObject({ status: 'open', childId: parent.childOf() });
    expect(areBooksEmpty(parent.state)).toBe(false);
  });

  it('completes with the output of its child, which leaves the books', () => {
    const parent = new Parent(nodeOf(child), { to: 'Oslo' });
    const id = parent.childOf();
    parent.hears(done({ parcel: 7 }));
    expect(parent.task('n')).toMatchObject({ status: 'completed', output: { parcel: 7 } });
    expect(parent.effectsOf('strikeChild')).toEqual([{ type: 'strikeChild', childId: id }]);
    expect(areBooksEmpty(parent.state)).toBe(true);
    expect(parent.status).toBe('completed');
  });

  it('fails with the code of the failed child, and says which child it was and why', () => {
    const parent = new Parent(graphOf({ n: child, after }, caught), { to: 'Oslo' });
    const id = parent.childOf();
    parent.hears({ status: 'failed', error: { code: 'SOLD_OUT', message: 'there is no more' } });
    expect(parent.task('after')).toMatchObject({
      output: { code: 'SOLD_OUT', message: `The child ${id} of ship failed: there is no more` },
    });
  });

  it.each([
    [{ status: 'cancelled' } as const, 'CHILD_CANCELLED'],
    [{ status: 'gone' } as const, 'MR_CHILD_GONE'],
  ])('fails when its child is %j', (result, code) => {
    const parent = new Parent(nodeOf(child), { to: 'Oslo' }).hears(result);
    expect(parent.task('n')).toMatchObject({ status: 'failed', error: { code } });
    expect(parent.status).toBe('incident');
  });

  it('sends the start again, with its present wish, when its child is unknown', () => {
    const parent = new Parent(nodeOf(child), { to: 'Oslo' }).command({ type: 'pause' });
    parent.hears({ status: 'unknown' });
    expect(parent.effects).toEqual([{ type: 'startChild', path: 'n' }]);
    expect(parent.book()).toMatchObject({ wish: 'pause', number: 2 });
  });

  it('hears an end once', () => {
    const parent = new Parent(graphOf({ n: child, next: { type: 'task', task: 'x' } }, ['n>next']), { to: 'Oslo' });
    const childId = parent.childOf();
    parent.hears(done(1)).hears(done(2), { childId });
    expect(parent.rejected).toEqual(['MR_CHILD_STALE']);
    expect(parent.task('n')).toMatchObject({ output: 1 });
  });

  it('takes an end in while the instance is paused, and goes on when it is resumed', () => {
    const parent = new Parent(graphOf({ n: child, next: { type: 'task', task: 'x' } }, ['n>next']), { to: 'Oslo' });
    parent.command({ type: 'pause' }).hears(done(1));
    expect(parent.statuses).toEqual({ n: 'completed' });
    expect(parent.command({ type: 'resume' }).open).toEqual(['next']);
  });

  it('times out, and its child is cancelled', () => {
    const parent = new Parent(nodeOf({ ...child, timeout: '1h' }), { to: 'Oslo' }).timer('n#timeout');
    expect(parent.task('n')).toMatchObject({ status: 'timedOut', error: { code: 'TIMEOUT' } });
    expect(parent.book()).toMatchObject({ wish: 'cancel', number: 2 });
    expect(parent.said).toEqual([['n', 'word']]);
  });

  it('completes at once where it is detached, with the id of its child, and forgets it when that has started', () => {
    const parent = new Parent(nodeOf({ ...child, detached: true }), { to: 'Oslo' });
    const childId = parent.childOf();
    expect(parent.task('n')).toMatchObject({ status: 'completed', output: { instanceId: childId } });
    expect(parent.status).toBe('completed');
    expect(areBooksEmpty(parent.state)).toBe(true);
    parent.hears({ status: 'started' });
    expect(parent.book()).toBeUndefined();
  });

  it('tells a detached child neither to pause nor to end', () => {
    const parent = new Parent(graphOf({ n: { ...child, detached: true }, w: { type: 'task', task: 'x' } }), { to: 'Oslo' });
    parent.command({ type: 'pause' });
    expect(parent.said).toEqual([]);
    parent.command({ type: 'cancel', reason: null });
    expect(parent.said).toEqual([]);
    expect(parent.book()).toMatchObject({ wish: 'run' });
  });

  it('is under incident where its input cannot be evaluated, and asks for nothing', () => {
    const parent = new Parent(nodeOf(child), {});
    expect(parent.incidents.n).toMatchObject({ phase: 'open', error: { code: 'MR_EXPRESSION_FAILED' } });
    expect(parent.book()).toBeUndefined();
  });
});

describe('What a parent wants of a child', () => {
  it('is told when the parent is paused, resumed and cancelled, each under a higher number', () => {
    const parent = new Parent(nodeOf(child), { to: 'Oslo' });
    const wishes = [parent.book()];
    for (const command of [{ type: 'pause' }, { type: 'resume' }, { type: 'cancel', reason: null }] as const)
      wishes.push(parent.command(command).book());
    expect(wishes.map((book) => [book?.wish, book?.number])).toEqual([
      ['run', 1],
      ['pause', 2],
      ['run', 3],
      ['cancel', 4],
    ]);
    expect(parent.said).toEqual([['n', 'word']]);
    expect(parent.status).toBe('cancelled');
  });

  it('stays to end where the node was cancelled, whatever happens to the parent: the row goes when the end is heard', () => {
    const join = { type: 'task', task: 'x', join: 'any', cancelRest: true };
    const parent = new Parent(graphOf({ n: child, a: { type: 'task', task: 'x' }, join }, ['n>join', 'a>join']), { to: 'Oslo' });
    parent.completes('a').command({ type: 'pause' }).command({ type: 'resume' });
    expect(parent.book()).toMatchObject({ wish: 'cancel', number: 2 });
    const childId = parent.childOf();
    parent.completes('join');
    expect(parent.status).toBe('completed');
    expect(areBooksEmpty(parent.state)).toBe(false);
    parent.hears({ status: 'cancelled' }, { childId });
    expect(areBooksEmpty(parent.state)).toBe(true);
    expect(parent.task('n')).toMatchObject({ status: 'cancelled' });
  });

  it('an end that comes after the cancel changes nothing but the books', () => {
    const parent = new Parent(nodeOf(child), { to: 'Oslo' }).command({ type: 'cancel', reason: null }).hears(done(1));
    expect(parent.book()).toBeUndefined();
    expect(parent.task('n')).toMatchObject({ status: 'cancelled' });
    expect(parent.status).toBe('cancelled');
  });
});

describe('A retry', () => {
  it('of a failed child asks for another one, under the next attempt', () => {
    const parent = new Parent(nodeOf(child), { to: 'Oslo' });
    const first = parent.childOf();
    parent.hears({ status: 'failed', error: { code: 'X', message: 'x' } }).command({ type: 'retry', path: null });
    expect(parent.task('n')).toMatchObject({ status: 'open', attempt: 2 });
    expect(parent.book()).toMatchObject({ attempt: 2, wish: 'run', number: 1 });
    expect(parent.childOf()).not.toBe(first);
  });

  it('after a timeout waits until the child before has ended, and the task says so', () => {
    const parent = new Parent(nodeOf({ ...child, timeout: '1h' }), { to: 'Oslo' }).timer('n#timeout');
    const first = parent.childOf();
    parent.command({ type: 'retry', path: 'n' as TaskPath });
    expect(parent.task('n')).toMatchObject({ status: 'open', attempt: 2, childId: null });
    expect(parent.book()).toMatchObject({ childId: first, wish: 'cancel' });
    parent.hears(done('late'), { childId: first });
    expect(parent.book()).toMatchObject({ attempt: 2, wish: 'run' });
    expect(parent.childOf()).not.toBe(first);
    expect(parent.effectsOf('strikeChild')).toEqual([{ type: 'strikeChild', childId: first }]);
    expect(parent.hears(done('new'), { attempt: 2 }).task('n')).toMatchObject({ output: 'new' });
  });

  it('that waits for the end of a child goes on though that comes while the instance is paused', () => {
    const parent = new Parent(nodeOf({ ...child, timeout: '1h' }), { to: 'Oslo' }).timer('n#timeout');
    parent.command({ type: 'retry', path: null }).command({ type: 'pause' }).hears({ status: 'cancelled' });
    expect(parent.book()).toBeUndefined();
    expect(parent.command({ type: 'resume' }).book()).toMatchObject({ attempt: 2, wish: 'run' });
  });

  it('goes down to a child that runs, as a command with one id however often it is sent', () => {
    const parent = new Parent(nodeOf(child), { to: 'Oslo' });
    const retry = parent.issued({ type: 'retry', path: null });
    parent.send(retry);
    const [sent] = parent.effectsOf('commandChild');
    expect(sent).toMatchObject({ childId: parent.childOf(), by: 'operator' });
    expect(parent.send(retry).rejected).toEqual(['MR_COMMAND_REPEATED']);
    expect(parent.effectsOf('commandChild')).toEqual([]);
  });

  it('of one task goes down to its child alone', () => {
    const parent = new Parent(graphOf({ n: child, m: child }), { to: 'Oslo' }).command({ type: 'retry', path: 'm' as TaskPath });
    expect(parent.effectsOf('commandChild').map(({ childId }) => childId)).toEqual([parent.childOf('m')]);
  });

  it('is refused where there is neither an incident nor a child', () => {
    const parent = new Parent(nodeOf({ type: 'task', task: 'x' })).command({ type: 'retry', path: null });
    expect(parent.rejected).toEqual(['MR_NO_INCIDENT']);
  });
});

describe('What a child has done', () => {
  const undo = { type: 'task', task: 'undo', input: { was: '${ node.input.to }', gave: '${ node.output }' }, retry: { maxAttempts: 1 } };
  const undoable = { ...child, compensation: undo };
  const work = { type: 'task', task: 'x', retry: { maxAttempts: 1 } };
  const compensating = (nodes: JsonObject, edges: readonly string[] = []) =>
    new Parent(graphOf(nodes, edges, { onFailure: 'compensate' }), { to: 'Oslo' });
  const undoing = (parent: Parent) => {
    const task = parent.task('n.compensation');
    return 'payload' in task ? task.payload?.input : undefined;
  };

  it('is undone when its parent fails', () => {
    const parent = compensating({ n: undoable, z: work })
      .hears(done({ parcel: 7 }))
      .fails('z');
    expect(undoing(parent)).toEqual({ was: 'Oslo', gave: { parcel: 7 } });
    expect(parent.completes('n.compensation').status).toBe('failed');
  });

  it.each([
    ['completes', done({ parcel: 7 })],
    ['fails', { status: 'failed', error: { code: 'X', message: 'x' } } as const],
    ['is cancelled', { status: 'cancelled' } as const],
    ['is gone', { status: 'gone' } as const],
  ])('is awaited when its parent ends meanwhile: it %s', (_, result) => {
    const parent = compensating({ n: undoable }).command({ type: 'cancel', reason: null });
    expect(parent.status).toBe('ending');
    expect(parent.book()).toMatchObject({ wish: 'cancel' });
    parent.hears(result);
    if (result.status !== 'completed') return expect(parent.status).toBe('cancelled');
    expect(undoing(parent)).toEqual({ was: 'Oslo', gave: { parcel: 7 } });
    expect(parent.completes('n.compensation').status).toBe('cancelled');
  });

  it('is undone too where a join cancelled the node, and its child completed all the same', () => {
    const join = { ...work, join: 'any', cancelRest: true };
    const parent = compensating({ n: undoable, a: { type: 'wait', for: '1h' }, join }, ['n>join', 'a>join']).timer('a#wait');
    expect(parent.task('n').status).toBe('cancelled');
    parent.hears(done(1)).fails('join');
    expect(undoing(parent)).toEqual({ was: 'Oslo', gave: 1 });
  });

  it('is awaited though it has no compensation, before anything else is undone', () => {
    const nodes = { n: child, a: { ...work, compensation: { ...undo, input: '${ node.output }' } }, z: work };
    const parent = compensating(nodes).completes('a').fails('z');
    expect(parent.status).toBe('ending');
    parent.hears(done(1));
    expect(parent.open).toEqual(['a.compensation']);
  });
});

it('a task that a person completes or skips cancels its child', () => {
  for (const command of [
    { type: 'completeNode', path: 'n' as TaskPath, attempt: 1, output: 'by hand', reason: null },
    { type: 'skipNode', path: 'n' as TaskPath, attempt: 1, reason: null },
  ] as const) {
    const parent = new Parent(graphOf({ n: child, z: { type: 'task', task: 'x' } }), { to: 'Oslo' }).command(command);
    expect(parent.book()).toMatchObject({ wish: 'cancel', number: 2 });
    expect(parent.said).toEqual([['n', 'word']]);
  }
});

it('in an item that runs again, the child of its first run leaves before the next is asked for, though the attempt counts anew', () => {
  // The condition fails after the first item, so that a retry runs the second one again.
  const inner = { type: 'forEach', items: [1], concurrency: 1, workflow: { definition: 'ship' } };
  const outer = { type: 'forEach', items: ['x', 'y'], until: 'item.bad', body: { nodes: { inner } } };
  const parent = new Parent(graphOf({ outer }), {});
  const [path, own] = ['outer.1.inner.0.workflow', 'outer.0.inner.0.workflow'];
  const first = parent.childOf(path);
  parent.hears(done(1), { path: own }).command({ type: 'retry', path: null });
  expect(parent.book(path)).toMatchObject({ childId: first, wish: 'cancel' });
  expect(parent.task('outer.1.inner')).toMatchObject({ running: 0, ending: 1 });
  parent.hears({ status: 'cancelled' }, { path, childId: first });
  expect(parent.childOf(path)).not.toBe(first);
  expect(parent.task('outer.1.inner')).toMatchObject({ running: 1, ending: 0 });
  expect(parent.effectsOf('strikeChild')).toEqual([{ type: 'strikeChild', childId: first }]);
});

it('a child that has left the books is known to have left them, though the loop around it exits in the same step', () => {
  const body = { nodes: { n: { ...child, detached: true }, b: { type: 'task', task: 'x' } } };
  const parent = new Parent(graphOf({ r: { type: 'repeat', max: 1, until: 'index == 0', body } }), { to: 'Oslo' });
  const [path, childId] = ['r.0.n' as TaskPath, parent.childOf('r.0.n')];
  parent.hears({ status: 'started' }, { path });
  const { instanceId } = parent.state;
  const again = {
    type: 'ChildEnd',
    childId,
    parent: { kind: 'instance', instanceId, path, attempt: 1 },
    result: { status: 'started' },
  } as const;
  const batch = [parent.outcome('r.0.b', { status: 'completed', output: null }), again].map((notification, index) => ({
    ...{ instanceId, cause: `n/0@${index}`, notification },
  }));
  const decide = (state: InstanceState) => step(parent.definition, state, batch, parent.now);
  const decided = decide(parent.state);
  expect(decided.state.phase).toBe('completed');
  new LazyCopy().check(parent.state, batch, decided, decide);
});
