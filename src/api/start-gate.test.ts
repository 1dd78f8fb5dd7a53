import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { StartGate, type StartLimits, type Ticket } from './start-gate.ts';

function openGate(limits: Partial<StartLimits> = {}) {
  const world = { now: 0, oldestWaitMs: 0, backlogSeconds: 0 };
  const gate = new StartGate({
    ...{ waitMsMax: 100, bytesMax: 1_000, backlogSecondsMax: 30, ...limits },
    oldestWaitMs: () => world.oldestWaitMs,
    backlogSeconds: () => world.backlogSeconds,
    monotonic: () => world.now,
  });
  const inside: Ticket[] = [];
  /** @returns how many of them were taken. */
  const arrive = (count: number, bytes = 0): number => {
    let taken = 0;
    for (let n = 0; n < count; n++) {
      if (gate.refusalOf(bytes) !== null) continue;
      inside.push(gate.enter(bytes));
      taken++;
    }
    return taken;
  };
  const end = (count: number): void => {
    for (const ticket of inside.splice(0, count)) ticket.leave();
  };
  return { gate, world, arrive, end };
}

describe('The gate of starts', () => {
  it('takes as many as keep the database busy while nothing is known of its rate', () => {
    const { arrive } = openGate();
    expect(arrive(1_000)).toBe(400);
  });

  it('takes more where starts end faster: what ends within the longest wait', () => {
    const { world, arrive, end } = openGate();
    for (let window = 0; window < 40; window++) {
      arrive(1_000);
      world.now += 100;
      end(300);
    }
    // 3 a millisecond, for 100 ms, beside the 400.
    end(1_000);
    const taken = arrive(2_000);
    expect(taken).toBeGreaterThan(650);
    expect(taken).toBeLessThanOrEqual(800);
  });

  it('refuses while the first of the queue waits for longer than it should, and takes starts as soon as it does not', () => {
    const { gate, world, arrive } = openGate();
    world.oldestWaitMs = 101;
    expect(arrive(1_000)).toBe(200);
    expect(gate.refusalOf(0)).toEqual({
      why: 'wait',
      reason: 'A start would wait for the database for more than 100 ms.',
      retryAfterS: 1,
    });
    world.oldestWaitMs = 99;
    expect(arrive(1)).toBe(1);
  });

  it('counts a start that ended once, however often it says so', () => {
    const { gate } = openGate();
    const ticket = gate.enter(10);
    expect([gate.inside, gate.bytes]).toEqual([1, 10]);
    ticket.leave();
    ticket.leave();
    expect([gate.inside, gate.bytes]).toEqual([0, 0]);
  });

  it('counts no start whose body comes slowly, until it is there', () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const { gate } = openGate();
    const [quick, slow, gone] = [gate.enter(1), gate.enter(10), gate.enter(100)];
    quick.bodyIsThere();
    vi.advanceTimersByTime(100);
    expect([gate.inside, gate.bytes]).toEqual([1, 1]);
    slow.bodyIsThere();
    slow.bodyIsThere();
    gone.leave();
    gone.bodyIsThere();
    expect([gate.inside, gate.bytes]).toEqual([2, 11]);
    quick.leave();
    slow.leave();
    expect([gate.inside, gate.bytes]).toEqual([0, 0]);
  });

  it('takes no more bytes than it may, but always one start', () => {
    const { gate, arrive, end } = openGate();
    expect(arrive(1, 5_000)).toBe(1);
    expect(gate.refusalOf(1)).toMatchObject({ why: 'bytes', retryAfterS: 1 });
    end(1);
    expect(arrive(5, 300)).toBe(3);
  });

  it.each([
    [31, 1],
    [45, 15],
    [4_000, 30],
  ])('refuses at a backlog of %i s, and says to come again in %i s', (backlogSeconds, retryAfterS) => {
    const { gate, world, arrive } = openGate();
    world.backlogSeconds = backlogSeconds;
    expect(gate.refusalOf(0)).toMatchObject({ why: 'backlog', retryAfterS, reason: expect.stringContaining(`about ${backlogSeconds} s`) });
    expect(gate.inside).toBe(0);
    world.backlogSeconds = 30;
    expect(arrive(1)).toBe(1);
  });
});
