/** A child as a compensation: it is asked for, told and heard as any other, and the undoing waits for its end. */
import { describe, expect, it } from 'vitest';
import { areBooksEmpty } from '../../instance/children/books.ts';
import { cancel, compensating, decidedLazily, undoable, work } from '../../instance/testing/compensating.ts';
import type { JsonObject } from '../../json.ts';
import { done, Parent } from './testing/parent.ts';

const PATH = 'a.compensation';
const refund = { type: 'workflow', definition: 'refund', version: 3, input: { of: '${ node.output }', was: '${ node.input }' } };
const failed = { status: 'failed', error: { code: 'BANK_AWAY', message: 'nobody is there' } } as const;

/** `b` was done first, then `a`, which a child undoes. */
function undoing(more: JsonObject = {}): Parent {
  const a = { ...work, input: { order: 7 }, compensation: { ...refund, ...more } };
  return new Parent(compensating({ a, b: undoable, z: work })).completes('b').completes('a', 'paid').fails('z');
}

describe('A child that undoes', () => {
  it('is asked for with what its node was given and gave, and the undoing goes on when it has ended', () => {
    const parent = undoing();
    expect(parent.said).toEqual([[PATH, 'start']]);
    expect(parent.book(PATH)).toMatchObject({
      ...{ definitionId: 'refund', version: 3, wish: 'run', detached: false, attempt: 1 },
      input: { of: 'paid', was: { order: 7 } },
    });
    expect(parent.status).toBe('undoing');
    expect(parent.open).toEqual([PATH]);
    parent.hears(done('refunded'), { path: PATH });
    expect(areBooksEmpty(parent.state)).toBe(true);
    expect(parent.open).toEqual(['b.compensation']);
    expect(parent.completes('b.compensation').status).toBe('failed');
  });

  it('can be that of a node that ran a child, and sees the output of that one', () => {
    const ship = { type: 'workflow', definition: 'ship', input: { to: 'Oslo' }, compensation: refund };
    const parent = new Parent(compensating({ a: ship, z: work })).hears(done({ parcel: 1 }), { path: 'a' }).fails('z');
    expect(parent.book(PATH)).toMatchObject({ definitionId: 'refund', input: { of: { parcel: 1 }, was: { to: 'Oslo' } } });
    expect(parent.hears(done(null), { path: PATH }).status).toBe('failed');
  });

  it('undoes an item of a loop whose scope is over', () => {
    const body = { nodes: { ship: { ...work, compensation: { ...refund, input: '${ item }' } } } };
    const parent = new Parent(compensating({ l: { type: 'forEach', items: ['x', 'y'], body }, z: work }))
      .completes('l.0.ship')
      .completes('l.1.ship')
      .fails('z');
    for (const [path, item] of [
      ['l.1.ship.compensation', 'y'],
      ['l.0.ship.compensation', 'x'],
    ] as const) {
      expect(parent.book(path)?.input).toBe(item);
      parent.hears(done(null), { path });
    }
    expect(parent.status).toBe('failed');
  });

  it.each([
    [failed, 'BANK_AWAY'],
    [{ status: 'cancelled' } as const, 'CHILD_CANCELLED'],
    [{ status: 'gone' } as const, 'MR_CHILD_GONE'],
  ])('and ends with %j is an incident; retry opens its next attempt, with another child', (result, code) => {
    const parent = undoing();
    const first = parent.childOf(PATH);
    parent.hears(result, { path: PATH });
    expect(parent.incidents).toMatchObject({ [PATH]: { phase: 'failed', error: { code } } });
    expect(parent.open).toEqual([]);
    parent.command({ type: 'retry', path: PATH as never });
    expect(parent.task(PATH)).toMatchObject({ status: 'open', attempt: 2 });
    expect(parent.childOf(PATH)).not.toBe(first);
    // What comes once more of the first one changes nothing.
    parent.hears(done(null), { path: PATH, childId: first });
    expect(parent.rejected).toEqual(['MR_CHILD_STALE']);
    expect(parent.hears(done(null), { path: PATH, attempt: 2 }).open).toEqual(['b.compensation']);
  });

  it('is retried below, where it is open: under an incident of its own', () => {
    const parent = undoing();
    const childId = parent.childOf(PATH);
    for (const path of [null, PATH as never]) {
      parent.command({ type: 'retry', path });
      expect(parent.effectsOf('commandChild')).toMatchObject([{ childId }]);
    }
    expect(parent.task(PATH)).toMatchObject({ status: 'open', attempt: 1 });
  });

  it('is paused and let run with its parent, and a cancel of that is refused', () => {
    const parent = undoing().command({ type: 'pause' });
    expect(parent.said).toEqual([[PATH, 'word']]);
    expect(parent.book(PATH)).toMatchObject({ wish: 'pause', number: 2 });
    parent.command({ type: 'resume' });
    expect(parent.book(PATH)).toMatchObject({ wish: 'run', number: 3 });
    parent.command(cancel);
    expect(parent.effectsOf('commandRefused')).toMatchObject([{ code: 'MR_ENDING' }]);
    expect(parent.book(PATH)).toMatchObject({ wish: 'run', number: 3 });
  });

  it('and ends while its parent is paused is taken in, and the next begins with the resume', () => {
    const parent = undoing().command({ type: 'pause' }).hears(done(null), { path: PATH });
    expect(parent.open).toEqual([]);
    expect(parent.command({ type: 'resume' }).open).toEqual(['b.compensation']);
  });

  it('is cancelled by the timeout of its compensation; the next attempt asks for its child when the first has ended', () => {
    const parent = undoing({ timeout: '1h' }).timer(`${PATH}#timeout`);
    expect(parent.incidents).toMatchObject({ [PATH]: { error: { code: 'TIMEOUT' } } });
    expect(parent.book(PATH)).toMatchObject({ wish: 'cancel' });
    const first = parent.childOf(PATH);
    parent.command({ type: 'retry', path: null });
    expect(parent.task(PATH)).toMatchObject({ status: 'open', attempt: 2, childId: null });
    // The end of the first is heard during a pause, so the resume has to ask for the second.
    parent.command({ type: 'pause' }).hears({ status: 'cancelled' }, { path: PATH, childId: first });
    expect(parent.book(PATH)).toBeUndefined();
    parent.command({ type: 'resume' });
    expect(parent.book(PATH)).toMatchObject({ attempt: 2, wish: 'run' });
    expect(parent.hears(done(null), { path: PATH, attempt: 2 }).open).toEqual(['b.compensation']);
  });

  it('holds up the next compensation until it has ended, also when a person has skipped it', () => {
    const parent = undoing().command({ type: 'skipNode', path: PATH as never, attempt: 1, reason: 'done by hand' });
    expect(parent.book(PATH)).toMatchObject({ wish: 'cancel' });
    expect(parent.open).toEqual([]);
    expect(parent.status).toBe('undoing');
    expect(parent.hears({ status: 'cancelled' }, { path: PATH }).open).toEqual(['b.compensation']);
  });

  it('whose end cannot be applied is an incident, and its end comes again', () => {
    const parent = undoing();
    const childId = parent.childOf(PATH);
    const end = { kind: 'instance', instanceId: parent.state.instanceId, path: PATH as never, attempt: 1 } as const;
    const notification = { type: 'ChildEnd', childId, parent: end, result: done(null) } as const;
    parent.unapplied(notification, { code: 'MR_STATE_TOO_LARGE', message: 'too large' });
    expect(parent.incidents).toMatchObject({ [PATH]: { phase: 'message' } });
    expect(parent.send(notification).open).toEqual(['b.compensation']);
  });

  it('is decided alike on a state of which only the needed scopes are loaded', () => {
    const parent = undoing();
    const end = { kind: 'instance', instanceId: parent.state.instanceId, path: PATH as never, attempt: 1 } as const;
    const after = decidedLazily(parent, { type: 'ChildEnd', childId: parent.childOf(PATH), parent: end, result: done(1) });
    expect(areBooksEmpty(after)).toBe(true);
  });
});
