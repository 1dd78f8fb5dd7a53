import { describe, expect, it } from 'vitest';
import type { InstanceId } from '../core/ids.ts';
import { createInstanceWatch } from './instance-watch.ts';

const LONG_MS = 600_000;
const a = 'a' as InstanceId;
const b = 'b' as InstanceId;

describe('Who waits for an instance', () => {
  it('is woken by its change, and by no other', async () => {
    const watch = createInstanceWatch();
    const { signal } = new AbortController();
    const both = [watch.next(a, LONG_MS, signal), watch.next(a, LONG_MS, signal)];
    const other = watch.next(b, LONG_MS, signal).then(() => 'woken');
    watch.changed('a');
    await Promise.all(both);
    expect(watch.waiting).toBe(1);
    expect(await Promise.race([other, Promise.resolve('asleep')])).toBe('asleep');
    watch.changed('b');
    expect(watch.waiting).toBe(0);
  });

  it('wakes by himself after a while, and when the signal aborts', async () => {
    const watch = createInstanceWatch();
    await watch.next(a, 1, new AbortController().signal);
    const end = new AbortController();
    const waiting = watch.next(a, LONG_MS, end.signal);
    end.abort();
    await waiting;
    await watch.next(a, LONG_MS, end.signal);
    expect(watch.waiting).toBe(0);
  });
});
