import { describe, expect, it } from 'vitest';
import { createQueues } from './queues.ts';

function maker(fail: { next: Error | null } = { next: null }) {
  const done: string[] = [];
  const note = (what: string) => async (queue: string) => {
    const failure = fail.next;
    fail.next = null;
    if (failure !== null) throw failure;
    done.push(`${what} ${queue}`);
  };
  return { done, ensure: createQueues({ makeTopic: note('topic'), register: note('subject'), admit: note('row') }) };
}

describe('The queues of a definition', () => {
  it('get their topic, then their subject, then their row, once', async () => {
    const { done, ensure } = maker();
    await ensure(['a', 'b']);
    await ensure(['b', 'a']);
    expect(done).toEqual(['topic a', 'subject a', 'row a', 'topic b', 'subject b', 'row b']);
  });

  it('are made by one deploy at a time', async () => {
    const { done, ensure } = maker();
    await Promise.all([ensure(['a']), ensure(['a', 'b']), ensure(['b'])]);
    expect(done).toEqual(['topic a', 'subject a', 'row a', 'topic b', 'subject b', 'row b']);
  });

  it('are made by the next deploy when one failed', async () => {
    const fail: { next: Error | null } = { next: new Error('away') };
    const { done, ensure } = maker(fail);
    const failing = ensure(['a']);
    const next = ensure(['a']);
    await expect(failing).rejects.toThrow('away');
    await next;
    expect(done).toEqual(['topic a', 'subject a', 'row a']);
  });
});
