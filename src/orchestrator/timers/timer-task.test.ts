import { expect, test } from 'vitest';
import type { DueTimer } from '../../core/due-timer.ts';
import type { OutboxMessage } from '../../core/outbox-message.ts';
import { instanceIdOf, T0 } from '../testing/fixture.ts';
import { createTimerTask } from './timer-task.ts';

const timer: DueTimer = { instanceId: instanceIdOf(1), timerId: 't', kind: 'wait', path: null, attempt: 1, dueAt: T0 };
const message: OutboxMessage = { topic: 't', key: 'k', messageType: 'TimerFired', partition: 0, payload: Buffer.alloc(1) };

function turnOf(due: number, nextDueAt: number | null, onFired: (kind: string) => void = () => undefined): () => Promise<number> {
  return createTimerTask({
    store: {
      fireTimers: async (limit, encode) => {
        const fired = Math.min(due, limit);
        for (let n = 0; n < fired; n++) encode(timer);
        return { fired, nextDueAt, now: T0 };
      },
    },
    outgoing: { ofTimer: () => message as never },
    intervalMs: 250,
    onFired,
    pageSize: 3,
  });
}

test.each([
  ['comes back at once after a full page', 3, T0 + 5_000, 0],
  ['waits until the next timer is due', 1, T0 + 40, 40],
  ['waits no longer than the interval', 1, T0 + 5_000, 250],
  ['waits the interval when there is no timer', 0, null, 250],
  ['takes a breath while others have a timer in their hands', 0, T0 - 10, 10],
])('%s', async (_, due, nextDueAt, pauseMs) => {
  expect(await turnOf(due, nextDueAt)()).toBe(pauseMs);
});

test('counts timers by kind, once they are fired', async () => {
  const kinds: string[] = [];
  await turnOf(2, null, (kind) => void kinds.push(kind))();
  expect(kinds).toEqual(['wait', 'wait']);
});

test('counts nothing of a turn that failed', async () => {
  const kinds: string[] = [];
  const turn = createTimerTask({
    store: {
      fireTimers: async (_, encode) => {
        encode(timer);
        throw new Error('rolled back');
      },
    },
    outgoing: { ofTimer: () => message as never },
    intervalMs: 250,
    onFired: (kind) => void kinds.push(kind),
  });
  await expect(turn()).rejects.toThrow('rolled back');
  expect(kinds).toEqual([]);
});
