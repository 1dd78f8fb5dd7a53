/** What no record announced is found by one query for all that wait. */
import { describe, expect, it } from 'vitest';
import type { InstanceId } from '../core/ids.ts';
import { createInstanceWatch } from './instance-watch.ts';
import { lookAtWaited } from './look-at-waited.ts';

const LONG_MS = 600_000;
const [a, b] = ['a' as InstanceId, 'b' as InstanceId];

function open() {
  const versions = new Map([
    [a, 1],
    [b, 1],
  ]);
  const asked: (readonly InstanceId[])[] = [];
  const watch = createInstanceWatch();
  const look = lookAtWaited(watch, {
    versionsOf: async (ids) => {
      asked.push(ids);
      return new Map(ids.map((id) => [id, versions.get(id) ?? 0]));
    },
  });
  const wait = (id: InstanceId) => watch.next(id, LONG_MS, new AbortController().signal);
  return { versions, asked, watch, look, wait };
}

describe('A look at what is waited for', () => {
  it('asks nothing while nobody waits', async () => {
    const { asked, look } = open();
    await look();
    expect(asked).toEqual([]);
  });

  it('wakes who has just begun to wait: the instance may have ended between their own look and this one', async () => {
    const { versions, watch, look, wait } = open();
    // They looked, and saw version 1; no record of what follows is read, since the topic is not read yet.
    const waiting = wait(a);
    versions.set(a, 2);
    await look();
    await waiting;
    expect(watch.waiting).toBe(0);
  });

  it('is one query for all, and wakes those alone whose instance has changed since', async () => {
    const { versions, asked, watch, look, wait } = open();
    const first = [wait(a), wait(a), wait(b)];
    await look();
    await Promise.all(first);
    const again = wait(a);
    const other = wait(b);
    await look();
    expect(watch.ids()).toEqual([a, b]);
    versions.set(b, 2);
    await look();
    await other;
    expect(watch.ids()).toEqual([a]);
    expect(asked).toEqual([
      [a, b],
      [a, b],
      [a, b],
    ]);
    watch.changed('a');
    await again;
  });
});
