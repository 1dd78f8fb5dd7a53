import type { Kafka } from 'kafkajs';
import { describe, expect, test } from 'vitest';
import { Assignment } from '../assignment.ts';
import { type ConsumerOptions, groupTimes, runSession } from './session.ts';

test.each([6_000, 30_000, 300_000])(
  'a group with a session of %i ms is held up by a dead member for half of it, while live ones are heard of',
  (session) => {
    const { rebalanceTimeout, heartbeatInterval } = groupTimes(session);
    expect(rebalanceTimeout).toBe(session / 2);
    // A live member has several tries to hear of a rebalance and join before it counts as dead.
    expect(rebalanceTimeout / heartbeatInterval).toBeGreaterThanOrEqual(6);
  },
);

describe('a session whose group rebalances', () => {
  const handlers = { onBatch: () => undefined, onAssigned: () => undefined, onRevoked: () => undefined };
  const options: ConsumerOptions = { groupId: 'g', topics: ['t'], fetchWaitMs: 1, metadataMaxAgeMs: 1, handlers };
  const joined = { memberAssignment: { t: [0] } };

  /** As kafkajs tells it, after the first join. */
  async function told(...events: readonly (readonly [string, object])[]): Promise<string> {
    const listeners = new Map<string, (event: { readonly payload: object }) => void>();
    const consumer = {
      events: new Proxy({}, { get: (_, name) => name }),
      on: (name: string, listener: (event: { readonly payload: object }) => void) => void listeners.set(name, listener),
      connect: async () => undefined,
      subscribe: async () => undefined,
      run: async () => undefined,
      disconnect: async () => undefined,
      paused: () => [],
      resume: () => undefined,
    };
    const kafka = { consumer: () => consumer } as unknown as Kafka;
    const ending = new AbortController();
    const session = runSession(kafka, options, new Assignment(handlers), ending.signal, {
      ...{ opened: () => undefined, joined: () => undefined, skipped: () => undefined, leaving: () => undefined },
    });
    for (const [name, payload] of [['GROUP_JOIN', joined], ['FETCH_START', {}], ...events] as const) listeners.get(name)?.({ payload });
    ending.abort();
    return await session.then(
      () => 'ended in order',
      (error: unknown) => String(error),
    );
  }

  test('goes on when it has joined again', async () => {
    expect(await told(['REBALANCING', {}], ['GROUP_JOIN', joined], ['FETCH_START', {}])).toBe('ended in order');
  });

  test('ends, so that another is opened, when kafkajs fetches without having joined: no assignment would come any more', async () => {
    expect(await told(['REBALANCING', {}], ['FETCH_START', {}])).toContain('could not be joined again');
  });
});
