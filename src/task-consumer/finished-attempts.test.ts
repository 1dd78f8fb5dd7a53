import { describe, expect, it } from 'vitest';
import { FinishedAttempts } from './finished-attempts.ts';

const KIB = 1_024;
const headers = [{ key: 'type', value: Buffer.from('TaskOutcome') }];

function outcome(value: Buffer) {
  return { topic: 'notifications', key: 'instance', value, headers };
}

describe('the attempts that a worker has run', () => {
  it('are found with their outcomes and where their records stand', () => {
    const finished = new FinishedAttempts(64 * KIB, KIB);
    const at = { topic: 'tasks', partition: 3, offset: 7n };
    finished.set('a', at, outcome(Buffer.from('first')));
    finished.set('b', null, { topic: 'notifications', partition: 1, key: null, value: Buffer.from('second') });
    expect(finished.get('a')).toEqual({ at, outcome: outcome(Buffer.from('first')) });
    expect(finished.get('b')).toEqual({
      at: null,
      outcome: { topic: 'notifications', partition: 1, key: null, value: Buffer.from('second') },
    });
    expect([finished.has('a'), finished.has('c')]).toEqual([true, false]);
    expect(finished.get('c')).toBeUndefined();
  });

  it('are kept as they were, whatever becomes of the bytes that were given, and of the place where they lay', () => {
    const finished = new FinishedAttempts(64 * KIB, KIB);
    const value = Buffer.from('as it was');
    finished.set('a', null, outcome(value));
    value.fill(0);
    const found = finished.get('a');
    for (let n = 0; n < 1_000; n++) finished.set(`other ${n}`, null, outcome(Buffer.alloc(KIB)));
    expect(finished.has('a')).toBe(false);
    expect(found?.outcome.value?.toString()).toBe('as it was');
  });

  it('are the last ones: the older go first, and what is kept stays within its bytes', () => {
    const finished = new FinishedAttempts(256 * KIB, KIB);
    for (let n = 0; n < 10_000; n++) finished.set(`attempt ${n}`, null, outcome(Buffer.from(String(n).padEnd(300))));
    const kept = Array.from({ length: 10_000 }, (_, n) => n).filter((n) => finished.has(`attempt ${n}`));
    // Each counts as 700 bytes.
    expect(kept.length).toBeGreaterThan((256 * KIB * 7) / 8 / 700 - 8);
    expect(kept.length).toBeLessThanOrEqual((256 * KIB) / 700);
    expect(kept[0]).toBe(10_000 - kept.length);
    for (const n of kept) expect(finished.get(`attempt ${n}`)?.outcome.value?.toString().trim()).toBe(String(n));
  });

  it('are told with the outcome that came last', () => {
    const finished = new FinishedAttempts(64 * KIB, KIB);
    finished.set('a', null, outcome(Buffer.from('first')));
    for (let n = 0; n < 15; n++) finished.set(`other ${n}`, null, outcome(Buffer.alloc(KIB)));
    finished.set('a', null, outcome(Buffer.from('second')));
    expect(finished.get('a')?.outcome.value?.toString()).toBe('second');
  });

  it('are not kept when their outcome is too large, or has no value', () => {
    const finished = new FinishedAttempts(64 * KIB, KIB);
    finished.set('large', null, outcome(Buffer.alloc(KIB + 1)));
    finished.set('none', null, { topic: 'notifications', key: 'instance', value: null });
    finished.set('largest', null, outcome(Buffer.alloc(KIB, 1)));
    expect([finished.has('large'), finished.has('none'), finished.has('largest')]).toEqual([false, false, true]);
  });
});
