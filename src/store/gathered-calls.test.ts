import { describe, expect, it } from 'vitest';
import { MillraceError } from '../core/error.ts';
import type { InstanceId } from '../core/ids.ts';
import { gatherCalls } from './gathered-calls.ts';

type Item = { readonly id: InstanceId; readonly locks?: true; readonly bytes?: number };

const item = (id: string): Item => ({ id: id as InstanceId });

/** Statements that were run, by the ids of their items. */
function gathering(
  answer: (ids: readonly string[]) => Error | null = () => null,
  limits: { itemsMax?: number; bytesMax?: number; apartMs?: number } = {},
) {
  const statements: string[] = [];
  const call = gatherCalls<Item, readonly InstanceId[], InstanceId>({
    run: async (items) => {
      const ids = items.map(({ id }) => id);
      statements.push(ids.join(' '));
      const error = answer(ids);
      if (error !== null) throw error;
      return ids;
    },
    idOf: ({ id }) => id,
    bytesOf: ({ bytes = 0 }) => bytes,
    isGathered: ({ locks }) => locks !== true,
    partOf: (found, ids) => found.filter((id) => ids.has(id)),
    ...limits,
  });
  return { call, statements };
}

const away = new MillraceError('MR_DATABASE_UNAVAILABLE', 'away', { retryable: true });
const refused = new MillraceError('MR_STATE_TOO_LARGE', 'too large', { retryable: false });

describe('Calls', () => {
  it('of one turn are one statement, and each gets its own part of the answer', async () => {
    const { call, statements } = gathering();
    expect(await Promise.all([call([item('a'), item('b')]), call([item('c')])])).toEqual([['a', 'b'], ['c']]);
    await call([item('d')]);
    expect(statements).toEqual(['a b c', 'd']);
  });

  it('that hold the same instance are not one statement', async () => {
    const { call, statements } = gathering();
    await Promise.all([call([item('a'), item('b')]), call([item('b')]), call([item('c')])]);
    expect(statements).toEqual(['a b c', 'b']);
  });

  it('are not more than fit into a statement, but a large one is made', async () => {
    const { call, statements } = gathering(undefined, { itemsMax: 2 });
    await Promise.all([call([item('a')]), call([item('b'), item('c'), item('d')]), call([item('e')])]);
    expect(statements).toEqual(['a e', 'b c d']);
  });

  it('have no more bytes than a statement may have, but a large one is made', async () => {
    const { call, statements } = gathering(undefined, { bytesMax: 10 });
    const calls = [4, 11, 5, 2].map((bytes, n) => call([{ ...item('abcd'.charAt(n)), bytes }]));
    await Promise.all(calls);
    expect(statements).toEqual(['a c', 'b', 'd']);
  });

  it('with what must be with its own call only are made alone', async () => {
    const { call, statements } = gathering();
    await Promise.all([call([item('a')]), call([{ ...item('b'), locks: true }]), call([item('c')])]);
    expect(statements.toSorted()).toEqual(['a c', 'b']);
  });

  it('are made alone when one of them may have failed all', async () => {
    const { call, statements } = gathering((ids) => (ids.includes('bad') ? refused : null));
    const results = await Promise.allSettled([call([item('a')]), call([item('bad')]), call([item('c')])]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(statements).toEqual(['a bad c', 'a', 'bad', 'c']);
  });

  it('all fail with an outage, and are made alone for a while', async () => {
    let isAway = true;
    const { call, statements } = gathering(() => (isAway ? away : null));
    const results = await Promise.allSettled([call([item('a')]), call([item('b')])]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    isAway = false;
    await Promise.all([call([item('a')]), call([item('b')])]);
    expect(statements).toEqual(['a b', 'a', 'b']);
  });

  it('are gathered again once the time after an outage is over', async () => {
    let isAway = true;
    const { call, statements } = gathering(() => (isAway ? away : null), { apartMs: 0 });
    await Promise.allSettled([call([item('a')]), call([item('b')])]);
    isAway = false;
    await Promise.all([call([item('a')]), call([item('b')])]);
    expect(statements).toEqual(['a b', 'a b']);
  });
});
