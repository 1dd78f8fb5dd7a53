import { expect, test } from 'vitest';
import { groupTimes } from './session.ts';

test.each([6_000, 30_000, 300_000])(
  'a group with a session of %i ms is held up by a dead member for half of it, while live ones are heard of',
  (session) => {
    const { rebalanceTimeout, heartbeatInterval } = groupTimes(session);
    expect(rebalanceTimeout).toBe(session / 2);
    // A live member has several tries to hear of a rebalance and join before it counts as dead.
    expect(rebalanceTimeout / heartbeatInterval).toBeGreaterThanOrEqual(6);
  },
);
