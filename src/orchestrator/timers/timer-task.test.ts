import { expect, test } from 'vitest';
import type { DueTimer } from '../../core/due-timer.ts';
import type { OutboxMessage } from '../../core/outbox-message.ts';
import { instanceIdOf, T0 } from '../testing/fixture.ts';
import { createTimerTask } from './timer-task.ts';

const timer: DueTimer = { instanceId: instanceIdOf(1), timerId: 't', kind: 'wait', path: null, attempt: 1, dueAt: T0 };
const message: OutboxMessage = { topic: 't', key: 'k', messageType: 'TimerFired', partition: 0, payload: Buffer.alloc(1) };

const noEvents = { until: 0, look: async () => 0 };

function turnOf(due: number, nextDueAt: number | null, onFired: (kind: string) => void = () => undefined): () => Promise<number> {
  return createTimerTask({
    store: {
      fireTimers: async (limit, encode) => {
        const fired = Math.min(due, limit);
        for (let n = 0; n < fired; n++) encode(timer);
        return { fired, held: false, nextDueAt, now: T0 };
      },
    },
    outgoing: { ofTimer: () => message as never },
    events: noEvents,
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
    events: noEvents,
    intervalMs: 250,
    onFired: (kind) => void kinds.push(kind),
  });
  await expect(turn()).rejects.toThrow('rolled back');
  expect(kinds).toEqual([]);
});

test('fires the timeouts of waits again and again until the events before them are correlated', async () => {
  let correlatedUntil = 0;
  const asked: number[] = [];
  const turn = createTimerTask({
    store: {
      fireTimers: async (_, encode, eventsReadUntil) => {
        asked.push(eventsReadUntil);
        const held = eventsReadUntil < T0;
        if (!held) encode(timer);
        return { fired: held ? 0 : 1, held, nextDueAt: null, now: T0 };
      },
    },
    outgoing: { ofTimer: () => message as never },
    events: {
      get until() {
        return correlatedUntil;
      },
      look: async () => correlatedUntil,
    },
    intervalMs: 250,
    onFired: () => undefined,
  });
  expect(await turn()).toBe(50);
  correlatedUntil = T0;
  expect(await turn()).toBe(250);
  expect(asked).toEqual([0, T0]);
});

test('comes back at once when the look that it takes shows that they are', async () => {
  const turn = createTimerTask({
    store: { fireTimers: async () => ({ fired: 0, held: true, nextDueAt: null, now: T0 }) },
    outgoing: { ofTimer: () => message as never },
    events: { until: 0, look: async (now) => now },
    intervalMs: 250,
    onFired: () => undefined,
  });
  expect(await turn()).toBe(0);
});
