/** Children that are paused while they undo, that the database refuses, and of which nobody knows anything. */
import { describe, expect, it, vi } from 'vitest';
import { MillraceError } from '../../core/error.ts';
import type { ChildEnd } from '../../core/instance/children/messages.ts';
import { allBooks, tasksOf } from '../../core/instance/state/scopes.ts';
import type { InstanceState } from '../../core/instance/state/state.ts';
import type { JsonObject } from '../../core/json.ts';
import { Family } from '../testing/family.ts';
import { Fixture, instanceIdOf, memoryCodec, T0 } from '../testing/fixture.ts';

const { codec } = await memoryCodec();

const work = { type: 'task', task: 'work', retry: { maxAttempts: 1 } };
const child = { type: 'workflow', definition: 'leaf' };
const rootWith = (node: JsonObject = child) => ({ id: 'root', nodes: { n: node }, output: '${ nodes.n.output }' });

describe('A child that undoes its work', () => {
  const leaf = {
    id: 'leaf',
    nodes: { a: { ...work, compensation: { type: 'task', task: 'undo' } }, b: work },
    edges: [{ from: 'a', to: 'b' }],
    onFailure: 'compensate',
  };
  const leafOf = (family: Family): InstanceState => {
    const [state] = family.of('leaf');
    if (state === undefined) throw new Error('there is no child');
    return state;
  };

  /** `a` has completed, `b` waits to be withdrawn: it is with no worker, since the child is paused before it opens. */
  async function pausedBehindA(...pauses: readonly ('by its parent' | 'by a person')[]): Promise<Family> {
    const family = await (await new Family(codec, [rootWith(), leaf]).begin('root')).applyAll();
    for (const pause of pauses) await family.command(pause === 'by a person' ? leafOf(family).instanceId : family.root, { type: 'pause' });
    await family.applyAll();
    await family.works(leafOf(family).instanceId);
    return await family.applyAll();
  }
  const openPaths = (family: Family) => [...tasksOf(leafOf(family))].filter(({ status }) => status === 'scheduled').map(({ path }) => path);

  it('is let go by the cancel when its parent paused it: or it would wait for ever', async () => {
    const family = await pausedBehindA('by its parent');
    expect(leafOf(family)).toMatchObject({ phase: 'running', paused: null, pausedByParent: { at: expect.any(Number) } });
    await family.command(family.root, { type: 'cancel', reason: null });
    await family.applyAll();
    expect(leafOf(family)).toMatchObject({ phase: 'undoing', pausedByParent: null });
    expect(openPaths(family)).toEqual(['a.compensation']);
    await family.works(leafOf(family).instanceId);
    await family.applyAll();
    expect(leafOf(family).phase).toBe('cancelled');
    expect(family.tables.children.size).toBe(0);
  });

  it.each([
    ['a person', ['by a person'] as const],
    ['a person and its parent', ['by its parent', 'by a person'] as const],
  ])('waits for the person when %s paused it: that pause stays, holds the undoing, and shows', async (_, pauses) => {
    const family = await pausedBehindA(...pauses);
    await family.command(family.root, { type: 'cancel', reason: null });
    await family.applyAll();
    expect(leafOf(family)).toMatchObject({ phase: 'ending', paused: { by: 'ada' }, pausedByParent: null });
    expect(openPaths(family)).toEqual([]);
    expect(family.tables.children.size, 'its end is awaited').toBe(1);
    await family.command(leafOf(family).instanceId, { type: 'resume' });
    await family.applyAll();
    expect(openPaths(family)).toEqual(['a.compensation']);
    await family.rests();
    expect(leafOf(family).phase).toBe('cancelled');
  });
});

describe('A child whose start the database', () => {
  const leaf = { id: 'leaf', nodes: { n: work }, output: '${ nodes.n.output }' };
  const begin = async () => await new Family(codec, [rootWith({ ...child, input: { text: 'x' } }), leaf]).begin('root');
  const refused = new MillraceError('MR_DATA_REFUSED', 'The row is no good.', { retryable: false });
  const failed = { kind: 'failed', error: refused } as const;

  it('refuses is there as failed, without the input, and its node says why', async () => {
    const family = await begin();
    vi.spyOn(family.store, 'start').mockResolvedValueOnce([failed]);
    await family.applyAll();
    const [there] = family.of('leaf');
    expect(there).toMatchObject({ phase: 'failed', input: null, error: { code: 'MR_DATA_REFUSED', message: 'The row is no good.' } });
    expect(family.unprocessable).toEqual([]);
    expect(family.tables.children.size).toBe(0);
    const message = expect.stringContaining('The row is no good.');
    expect(family.state().scopes['' as never]).toMatchObject({
      tasks: { n: { status: 'failed', error: { code: 'MR_DATA_REFUSED', message } } },
    });
  });

  it.each([
    ['refuses even as failed', () => vi.fn().mockResolvedValueOnce([failed]).mockResolvedValueOnce([failed])],
    [
      'cannot take now, since it is away,',
      () => vi.fn().mockRejectedValueOnce(new MillraceError('MR_DATABASE_UNAVAILABLE', 'away', { retryable: true })),
    ],
  ])('%s is not there, and starts when the message comes again', async (_, unlucky) => {
    const family = await begin();
    const { start } = family.store;
    family.store.start = unlucky().mockImplementation(start);
    const messages = [...family.bag];
    await expect(family.applyAll()).rejects.toThrow(MillraceError);
    expect(family.of('leaf')).toEqual([]);
    expect(family.state().childCount).toBe(1);
    // Its offset was not committed.
    await family.apply(messages);
    await family.rests();
    expect(family.of('leaf')).toMatchObject([{ phase: 'completed', input: { text: 'x' } }]);
  });
});

describe('A child of which nobody can tell whether it ran', () => {
  it.each([
    ['that is waited for, and its node fails', {}, { status: 'failed', error: { code: 'MR_CHILD_GONE' } }],
    ['that is detached, whose node has completed', { detached: true }, { status: 'completed' }],
  ])('raises an alarm, once: one %s', async (_, more, task) => {
    const document = { id: 'order', nodes: { n: { ...child, ...more }, wait: { type: 'wait', for: '1d' } }, onFailure: 'incident' };
    const fixture = await Fixture.start({}, 1, document);
    const [book] = allBooks(fixture.begin());
    if (book === undefined) throw new Error('no child was asked for');
    const { childId } = book;
    const parent: ChildEnd['parent'] = { kind: 'instance', instanceId: instanceIdOf(1), path: 'n' as never, attempt: 1 };
    const end: ChildEnd = { type: 'ChildEnd', childId, parent, result: { status: 'gone' } };
    expect(await fixture.counted('children_gone_total', {})).toBe(0);
    await fixture.process(fixture.sent(0, 1, fixture.outgoing.ofChildEnd(end, T0)));
    await fixture.process(fixture.sent(1, 1, fixture.outgoing.ofChildEnd(end, T0)));
    expect(await fixture.counted('children_gone_total', {})).toBe(1);
    expect(fixture.state().tasks['n' as never]).toMatchObject(task);
  });
});
