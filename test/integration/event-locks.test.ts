/**
 * Every transaction on events or waits of a key takes the key's lock first, and several locks in one order, so that there is no
 * deadlock (protocol, "Events" 1 and 4). The tests hold one lock and look at who waits for it.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createInstanceStore, createMaintenance, createPool, type Pool } from '../../src/store/postgres/index.ts';
import { type EventLock, eventLocks, holdingEventLocks } from '../support/event-locks.ts';
import { eventually } from '../support/eventually.ts';
import { createFreshDatabases, type FreshDatabases } from '../support/fresh-databases.ts';
import { eventOf, httpNode, matcher, newDefinition, openLab, type SentMessage, type StoreLab } from '../support/store-lab.ts';

const TYPE = 'paid';

let databases: FreshDatabases;
let pool: Pool;
let lab: StoreLab;
/** Two keys of this test's own, by the number of their lock. */
let lower: string;
let higher: string;
let made = 0;

beforeAll(async () => {
  databases = await createFreshDatabases('event_locks_test');
  await databases.migrate({ replication: null });
  pool = createPool(databases.config.databases.instances, { connections: 5 });
  const store = createInstanceStore(pool, matcher, { eventTtlMs: 3_600_000 });
  lab = await openLab({ store, queries: undefined as never, sent });
  await store.registerEventTypes([TYPE]);
});
afterAll(async () => {
  await pool.end();
  await databases.drop();
});
beforeEach(async () => {
  const keys = new Map<number, string>();
  while (keys.size < 2) keys.set((await lockOf(`key-${++made}`)).lock, `key-${made}`);
  [lower, higher] = [...keys].sort(([a], [b]) => a - b).map(([, key]) => key) as [string, string];
});

async function sent(key: string): Promise<readonly SentMessage[]> {
  const rows = await databases.query<Omit<SentMessage, 'payload'> & { payload: Buffer }>(
    'SELECT topic, key, message_type AS type, partition, payload FROM outbox WHERE key = $1 ORDER BY id',
    [key],
  );
  return rows.map(({ payload, ...row }) => ({ ...row, payload: JSON.parse(payload.toString()) }));
}

async function lockOf(key: string): Promise<EventLock> {
  return await holding(key, async () => {
    const [lock] = await eventLocks(databases);
    if (lock === undefined) throw new Error('a key has a lock');
    return lock;
  });
}

/** Runs `work` while somebody else holds the lock of a key. */
async function holding<T>(key: string, work: () => Promise<T>): Promise<T> {
  return await holdingEventLocks(pool, [{ type: TYPE, key }], work);
}

/** @returns what `act` gives once it was seen to hold the lower lock and to wait for the higher one. */
async function expectSorted<T>(act: () => Promise<T>): Promise<T> {
  const [low, high] = [(await lockOf(lower)).lock, (await lockOf(higher)).lock];
  const { acting } = await holding(higher, async () => {
    const acting = act();
    // An early failure is told by the caller's await.
    acting.catch(() => undefined);
    await eventually(async () => {
      const all = await eventLocks(databases);
      const waiting = all.find(({ lock, granted }) => lock === high && !granted);
      expect(waiting).toBeDefined();
      expect(all).toContainEqual({ ...waiting, lock: low, granted: true });
    });
    return { acting };
  });
  return await acting;
}

const bothWays = () => [
  [lower, higher],
  [higher, lower],
];

function waitsFor(keys: readonly string[]) {
  return { type: 'event', anyOf: keys.map((key) => ({ event: TYPE, key })) };
}

describe('Locks of several keys are taken in one order', () => {
  it('by whoever correlates events', async () => {
    for (const keys of bothWays()) {
      const events = keys.map((key) => eventOf(TYPE, key));
      expect(await expectSorted(() => lab.store.correlate(events, matcher))).toMatchObject({ buffered: 2 });
    }
  });

  it('by a start that opens waits', async () => {
    for (const keys of bothWays()) {
      const decided = await lab.decideStart(newDefinition({ nodes: { hear: waitsFor(keys) }, edges: [] }));
      expect(await expectSorted(() => lab.store.start([decided]))).toEqual([{ kind: 'started' }]);
    }
  });

  it('by a step that opens waits', async () => {
    for (const keys of bothWays()) {
      const definition = newDefinition({ nodes: { work: httpNode, hear: waitsFor(keys) }, edges: [{ from: 'work', to: 'hear' }] });
      const id = await lab.start(definition);
      const { attempt, basis, path } = await lab.task(id, 'work');
      const result = { status: 'completed', output: null } as const;
      const decided = await lab.decide(definition, id, { type: 'TaskOutcome', path, attempt, basis, result });
      expect(await expectSorted(() => lab.apply(decided))).toEqual([id]);
    }
  });

  it('by a step that returns events', async () => {
    for (const keys of bothWays()) {
      const hear = (key: string | undefined) => ({ type: 'event', event: TYPE, key: key ?? '', timeout: '1h' });
      const definition = newDefinition({ nodes: { one: hear(keys[0]), two: hear(keys[1]) }, edges: [] });
      const id = await lab.start(definition);
      await lab.store.correlate(
        keys.map((key) => eventOf(TYPE, key)),
        matcher,
      );
      for (const timerId of ['one#timeout', 'two#timeout']) {
        const timer = (await lab.stateOf(id)).timers[timerId];
        if (timer?.state !== 'armed') throw new Error('no timer');
        await lab.step(definition, id, { type: 'TimerFired', timerId, kind: 'timeout', dueAt: timer.dueAt });
      }
      const refusal = await lab.decide(definition, id, ...(await lab.matchesOf(id)));
      expect(refusal.effects).toMatchObject([{ type: 'returnEvent' }, { type: 'returnEvent' }]);
      expect(await expectSorted(() => lab.apply(refusal))).toEqual([id]);
    }
  });

  it('by who expires events', async () => {
    const maintenance = createMaintenance(pool, {
      slot: databases.slot,
      outboxRetentionMs: 3_600_000,
      retention: { jobsMs: 3_600_000, instancesMs: null },
      eventTtlMs: 3_600_000,
      log: databases.log,
    });
    for (const keys of bothWays()) {
      await pool.query('TRUNCATE event_buffer, event_delivery');
      await lab.store.correlate(
        keys.map((key) => eventOf(TYPE, key)),
        matcher,
      );
      await pool.query('UPDATE event_buffer SET expires_at = now()');
      expect(await expectSorted(() => maintenance.run())).toMatchObject({ deleted: { event_buffer: 2 }, failed: [] });
    }
  });
});
