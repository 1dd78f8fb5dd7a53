/** A forEach with `workflow` in place of `body`: a child for each item. */
import { describe, expect, it } from 'vitest';
import { Scenario } from '../../../../test/support/scenario.ts';
import { nodeOf } from '../../definition/testing/documents.ts';
import type { InstanceId, TaskPath } from '../../ids.ts';
import type { ChildResult } from '../../instance/children/messages.ts';
import { allBooks, bookAt, openScopeAt, rootPath, taskOfBook } from '../../instance/state/scopes.ts';

const each = {
  type: 'forEach',
  items: '${ input.items }',
  as: 'parcel',
  workflow: { definition: 'ship', input: { at: '${ index }', to: '${ parcel }' } },
};
const done = (output: string): ChildResult => ({ status: 'completed', output });
const failed: ChildResult = { status: 'failed', error: { code: 'LOST', message: 'nobody knows where' } };

class Items extends Scenario {
  constructor(more: object, count: number) {
    super(nodeOf({ ...each, ...more }), { items: Array.from({ length: count }, (_, index) => `town ${index}`) });
  }

  hears(index: number, result: ChildResult): this {
    const path = `n.${index}.workflow` as TaskPath;
    const childId = bookAt(this.state, path)?.childId ?? this.state.instanceId;
    const parent = { kind: 'instance', instanceId: this.state.instanceId, path, attempt: 1 } as const;
    return this.send({ type: 'ChildEnd', childId, parent, result });
  }

  /** Wishes of the children in the books, by item. */
  get books(): Readonly<Record<string, string>> {
    return Object.fromEntries(allBooks(this.state).map((book) => [taskOfBook(book).split('.')[1], book.wish]));
  }

  childOf(index: number): InstanceId | undefined {
    return bookAt(this.state, `n.${index}.workflow` as TaskPath)?.childId;
  }
}

describe('A forEach of children', () => {
  it('asks for a child for each item, which sees the item, and gives their outputs in the order of the items', () => {
    const items = new Items({}, 3);
    expect(allBooks(items.state).map(({ input }) => input)).toEqual([0, 1, 2].map((at) => ({ at, to: `town ${at}` })));
    items.hears(2, done('c')).hears(0, done('a')).hears(1, done('b'));
    expect(items.task('n')).toMatchObject({ status: 'completed', output: ['a', 'b', 'c'] });
  });

  it('runs as many children at a time as `concurrency` says', () => {
    const items = new Items({ concurrency: 2 }, 4);
    expect(items.books).toEqual({ 0: 'run', 1: 'run' });
    expect(items.hears(1, done('b')).books).toEqual({ 0: 'run', 2: 'run' });
  });

  it('counts a child that is still ending', () => {
    const items = new Items({ concurrency: 1, onItemFailure: 'continue', workflow: { ...each.workflow, timeout: '1h' } }, 2);
    items.timer('n.0.workflow#timeout');
    expect(items.books).toEqual({ 0: 'cancel' });
    expect(items.task('n')).toMatchObject({ running: 0, failed: 1, ending: 1 });
    expect(items.hears(0, { status: 'cancelled' }).books).toEqual({ 1: 'run' });
    expect(items.task('n')).toMatchObject({ running: 1, ending: 0 });
    expect(items.hears(1, done('b')).task('n')).toMatchObject({ status: 'completed', output: [null, 'b'] });
  });

  it('that fails cancels its other children, and begins no more', () => {
    const items = new Items({ concurrency: 2, onItemFailure: 'fail' }, 4).hears(0, failed);
    expect(items.task('n')).toMatchObject({ status: 'failed', error: { code: 'ITEMS_FAILED' }, ending: 1 });
    expect(items.books).toEqual({ 1: 'cancel' });
  });

  it('is retried for the items that did not complete, each when its child before has ended', () => {
    const items = new Items({ concurrency: 2, onItemFailure: { maxFailures: 1 } }, 4).hears(0, done('a')).hears(1, failed);
    const before = items.childOf(3);
    items.hears(2, failed).command({ type: 'retry', path: null });
    // The child of item 3 is still ending, and takes a place of two.
    expect(items.books).toEqual({ 1: 'run', 3: 'cancel' });
    items.hears(3, { status: 'cancelled' }).hears(1, done('b'));
    expect(items.books).toEqual({ 2: 'run', 3: 'run' });
    expect(items.childOf(3)).not.toBe(before);
    items.hears(2, done('c')).hears(3, done('d'));
    expect(items.task('n')).toMatchObject({ status: 'completed', output: ['a', 'b', 'c', 'd'] });
  });

  it('that a retry opens anew waits at an item whose child is still ending', () => {
    const items = new Items({ onItemFailure: 'fail' }, 2).hears(0, failed).command({ type: 'retry', path: null });
    expect(items.task('n.1.workflow')).toMatchObject({ status: 'open', attempt: 2, childId: null });
    expect(items.books).toEqual({ 0: 'run', 1: 'cancel' });
    expect(items.hears(1, done('late')).books).toEqual({ 0: 'run', 1: 'run' });
  });

  it('ends early, and takes in what its children come to afterwards', () => {
    const items = new Items({ atLeast: 1 }, 3).hears(1, done('b'));
    expect(items.task('n')).toMatchObject({ status: 'completed', output: [null, 'b', null] });
    expect(items.books).toEqual({ 0: 'cancel', 2: 'cancel' });
    expect(items.status).toBe('completed');
    expect(items.hears(0, done('a')).hears(2, { status: 'cancelled' }).state.childCount).toBe(0);
  });

  it('says 500 things in a step at the most: what is left is due at once for whoever asks after children', () => {
    const items = new Items({}, 1_200);
    expect(items.effectsOf('bookChild')).toHaveLength(500);
    items.timer('n#loop').timer('n#loop').command({ type: 'cancel', reason: null });
    const told = items.effectsOf('bookChild').map(({ message }) => message);
    expect(told.filter((message) => message === 'word')).toHaveLength(500);
    expect(told.filter((message) => message === null)).toHaveLength(700);
  });

  it('keeps in its own state nothing of its children', () => {
    const items = new Items({}, 60);
    const size = () => JSON.stringify(openScopeAt(items.state, rootPath), (key, value: unknown) => (key === 'items' ? null : value)).length;
    const before = size();
    for (let index = 0; index < 59; index++) items.hears(index, done('x'.repeat(100)));
    expect(size() - before).toBeLessThan(20);
  });
});
