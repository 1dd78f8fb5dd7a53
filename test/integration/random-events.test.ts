/**
 * Events against waits that open, end and open anew, by several sessions at once on Postgres, with everything delivered
 * more than once. Whatever the order was, at the end every event has come to every instance that got it, exactly once.
 */

import fc from 'fast-check';
import { uuidv7 } from 'uuidv7';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Definition } from '../../src/core/definition/types.ts';
import type { ExternalEvent } from '../../src/core/external-event.ts';
import { eventView } from '../../src/core/external-event.ts';
import type { InstanceId } from '../../src/core/ids.ts';
import type { EventMatched } from '../../src/core/instance/decide/notification.ts';
import { numbers } from '../../src/core/instance/testing/arbitraries.ts';
import { Chance } from '../../src/core/instance/testing/chance.ts';
import { isJsonObject, type Json } from '../../src/core/json.ts';
import { createEventMatcher } from '../../src/engine/correlate/event-matcher.ts';
import { createPool, type Pool } from '../../src/store/postgres/index.ts';
import type { FlatState } from '../support/flat-state.ts';
import { createFreshDatabases, type FreshDatabases } from '../support/fresh-databases.ts';
import { storeOn } from '../support/postgres-store.ts';
import { eventOf, message, newDefinition, openLab, type StoreLab, topics } from '../support/store-lab.ts';

const INSTANCES = 4;
const EVENTS = 12;
/** More than there are events and timeouts, so that every instance still waits at the end. */
const WAITS = 24;
const TIMEOUTS_MAX = 6;
const ROUNDS = Number(process.env.MILLRACE_TEST_ROUNDS ?? 8);

let databases: FreshDatabases;
let pool: Pool;
let lab: StoreLab;
let definition: Definition;
const type = `lab.random.${uuidv7()}`;

const matcher = createEventMatcher({
  ofMatch: ({ instanceId, path, attempt, wait }, event, eventRowId, whereError) =>
    message('EventMatched', topics.notifications, instanceId, { path, attempt, wait, eventRowId, whereError, event: eventView(event) }),
});

beforeAll(async () => {
  databases = await createFreshDatabases('random_events_test');
  await databases.migrate({ replication: null });
  pool = createPool(databases.config.databases.instances, { connections: INSTANCES + 3 });
  lab = await openLab(storeOn(pool, matcher));
  await lab.store.registerEventTypes([type]);
  definition = chainOfWaits();
});
afterAll(async () => {
  await pool.end();
  await databases.drop();
});

/** One wait after the other, each the next one's predecessor whether it gets its events or times out. */
function chainOfWaits(): Definition {
  const wait = (index: number) => ({
    ...{ type: 'event', event: type, key: '${ input.key }', timeout: '1h' },
    ...(index % 3 === 2 ? { count: 2 } : {}),
  });
  const ids = Array.from({ length: WAITS }, (_, index) => `w${index}`);
  const edges = ids.slice(1).flatMap((to, index) => [
    { from: `w${index}`, to },
    { from: `w${index}`, to, on: 'timedOut' },
  ]);
  return newDefinition({ nodes: Object.fromEntries(ids.map((id, index) => [id, wait(index)])), edges });
}

const chances = numbers(40, 200);
const schedule = fc.record({
  correlators: fc.array(chances, { minLength: 2, maxLength: 2 }),
  instances: fc.array(chances, { minLength: INSTANCES, maxLength: INSTANCES }),
});

it('an event counts once for every instance that got it, and none is lost on a wait that is over', {
  timeout: ROUNDS * 30_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(schedule, async (drawn) => {
      // Two keys, so that batches take several locks.
      const keys = [uuidv7(), uuidv7()];
      const events = Array.from({ length: EVENTS }, (_, index) => eventOf(type, keys[index % 2] ?? '', index));
      const runs = await Promise.all(
        drawn.instances.map(
          async (given, index) => new Run(await lab.start(definition, { key: keys[index % 2] ?? '' }), new Chance(given)),
        ),
      );
      const correlated = Promise.all(drawn.correlators.map((given) => correlate(events, new Chance(given))));
      await Promise.all([correlated, ...runs.map((run) => run.go())]);
      // Each delivery may cause another one: a refused event goes to the next wait of the instance.
      for (let moved = true; moved; ) moved = (await Promise.all(runs.map((run) => run.catchUp()))).some(Boolean);
      const taken = await Promise.all(runs.map(async ({ id }) => takenBy(await lab.stateOf(id))));
      const given = await Promise.all(runs.map(async ({ id }) => (await lab.matchesOf(id)).flatMap(({ event }) => idOf(event))));
      expect(taken).toEqual(given.map((ids) => [...new Set(ids)].sort()));
      expect([...new Set(taken.flat())].sort()).toEqual(events.map(({ id }) => id).sort());
    }),
    // No shrinking: the order of the sessions is random too, so a smaller example would not fail for the same reason.
    { numRuns: ROUNDS, endOnFailure: true },
  );
});

/** Gives all events in small batches, some again and again, as a group of consumers does. */
async function correlate(events: readonly ExternalEvent[], chance: Chance): Promise<void> {
  for (let at = 0; at < events.length; ) {
    const size = 1 + chance.below(3);
    await lab.store.correlate(events.slice(at, at + size), matcher);
    at += chance.below(4) === 0 ? 0 : size;
  }
}

/** An instance, whose matches are delivered in order, several times each, between timeouts. */
class Run {
  readonly id: InstanceId;
  readonly #chance: Chance;
  #read = 0;
  #timeouts = 0;

  constructor(id: InstanceId, chance: Chance) {
    this.id = id;
    this.#chance = chance;
  }

  async go(): Promise<void> {
    while (!this.#chance.isUsedUp) {
      const matches = await lab.matchesOf(this.id);
      const again = this.#chance.below(4) === 0 ? matches[this.#chance.below(Math.max(1, matches.length))] : undefined;
      if (this.#chance.below(6) === 0 && this.#timeouts < TIMEOUTS_MAX) await this.#timeOut();
      else if (again !== undefined) await lab.step(definition, this.id, again);
      else await this.#take(matches, 1 + this.#chance.below(2));
    }
  }

  /** @returns whether there was anything left to deliver. */
  async catchUp(): Promise<boolean> {
    const matches = await lab.matchesOf(this.id);
    const isBehind = this.#read < matches.length;
    await this.#take(matches, matches.length);
    return isBehind;
  }

  async #take(matches: readonly EventMatched[], count: number): Promise<void> {
    const next = matches.slice(this.#read, this.#read + count);
    this.#read += next.length;
    if (next.length > 0) await lab.step(definition, this.id, ...next);
  }

  async #timeOut(): Promise<void> {
    const { timers } = await lab.stateOf(this.id);
    const [timerId, timer] = Object.entries(timers)[0] ?? [];
    if (timerId === undefined || timer?.state !== 'armed') throw new Error('the instance waits for nothing');
    this.#timeouts++;
    await lab.step(definition, this.id, { type: 'TimerFired', timerId, kind: timer.kind, dueAt: timer.dueAt });
  }
}

/** Every event that the instance ever counted, in order of ids, each as often as it was counted. */
function takenBy({ tasks }: FlatState): readonly string[] {
  return Object.values(tasks)
    .flatMap((task): readonly Json[] => {
      if (task.type !== 'event') return [];
      if (task.status === 'open') return [...(task.consumed ?? []), ...task.received.map(({ event }) => event)];
      if (task.status !== 'completed') return task.consumed ?? [];
      return [...(task.consumed ?? []), ...(Array.isArray(task.output) ? task.output : [task.output])];
    })
    .flatMap(idOf)
    .sort();
}

function idOf(event: Json): string[] {
  return isJsonObject(event) ? [String(event.id)] : [];
}
