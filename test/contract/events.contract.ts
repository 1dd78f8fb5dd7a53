/** What every instance store must do with external events. `test/integration/instance-store.test.ts` runs it on Postgres. */
import { uuidv7 } from 'uuidv7';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Definition } from '../../src/core/definition/types.ts';
import type { InstanceId, TaskPath } from '../../src/core/ids.ts';
import { fold } from '../../src/core/instance/index.ts';
import type { JsonObject } from '../../src/core/json.ts';
import type { Transition } from '../../src/store/instance-store.ts';
import { eventually } from '../support/eventually.ts';
import {
  eventOf,
  httpNode,
  matcher,
  newCommandId,
  newDefinition,
  openLab,
  type StoreLab,
  type StoreUnderTest,
} from '../support/store-lab.ts';

/** @param factory called once; the store may hold what other tests wrote. */
export function testEvents(factory: () => Promise<StoreUnderTest>): void {
  let given: StoreUnderTest;
  let lab: StoreLab;

  beforeAll(async () => {
    given = await factory();
    lab = await openLab(given);
  });

  describe('events', () => {
    let type: string;
    beforeAll(async () => {
      type = `lab.event.${uuidv7()}`;
      await lab.store.registerEventTypes([type, type]);
      expect(await lab.store.eventTypes()).toContain(type);
    });
    const correlate = (...events: ReturnType<typeof eventOf>[]) => lab.store.correlate(events, matcher);
    const waiting = (key: string, more: JsonObject = {}) =>
      newDefinition({ nodes: { hear: { type: 'event', event: type, key, ...more } }, edges: [] });
    const key = () => `key-${uuidv7()}`;
    const rowsOf = async (id: InstanceId) => (await lab.matchesOf(id)).map(({ path: at, wait }) => `${at}/${wait}`);

    const received = (match: Awaited<ReturnType<typeof lab.matchesOf>>[number]) => ({
      ...match,
      event: { id: match.eventRowId, source: 'lab', data: match.event },
    });

    /** The wait `hear` of the instance times out, and only then comes the event that was on its way: refused, not yet written. */
    const refusalOf = async (definition: Definition, id: InstanceId): Promise<Transition> => {
      const [match] = await lab.matchesOf(id);
      const timer = (await lab.stateOf(id)).timers['hear#timeout'];
      if (match === undefined || timer?.state !== 'armed') throw new Error('no match or no timer');
      await lab.step(definition, id, { type: 'TimerFired', timerId: 'hear#timeout', kind: 'timeout', dueAt: timer.dueAt });
      return await lab.decide(definition, id, match);
    };

    it('ignores types that no deployed version names, and drops what came before', async () => {
      expect(await correlate(eventOf('lab.nobody.asked', 'k'))).toMatchObject({
        matched: 0,
        started: 0,
        buffered: 0,
        duplicates: 0,
        ignored: 1,
      });
      const event = eventOf(type, key());
      expect(await correlate(event, event)).toMatchObject({ matched: 0, started: 0, buffered: 1, duplicates: 1, ignored: 0 });
      expect(await correlate({ ...event, data: 'other' })).toMatchObject({
        matched: 0,
        started: 0,
        buffered: 0,
        duplicates: 1,
        ignored: 0,
      });
      expect(await correlate({ ...event, source: 'another' })).toMatchObject({ buffered: 1 });
    });

    it('gives an event to every instance that waits, once each, and to its oldest wait', async () => {
      const at = key();
      const twice = newDefinition({
        nodes: { one: { type: 'event', event: type, key: at }, two: { type: 'event', event: type, key: at } },
        edges: [],
      });
      const ids = [await lab.start(twice), await lab.start(twice), await lab.start(waiting(at))];
      expect(await correlate(eventOf(type, at, { n: 1 }))).toMatchObject({ matched: 3, buffered: 0 });
      expect(await Promise.all(ids.map(rowsOf))).toEqual([['one/0'], ['one/0'], ['hear/0']]);
      expect(await correlate(eventOf(type, at, { n: 2 }), eventOf(type, at, { n: 3 }))).toMatchObject({
        matched: 2,
        buffered: 1,
        duplicates: 0,
        ignored: 0,
      });
      expect(await Promise.all(ids.map(rowsOf))).toEqual([['one/0', 'two/0'], ['one/0', 'two/0'], ['hear/0']]);
    });

    it('gives the older wait all the events that it counts before a younger one gets any', async () => {
      const at = key();
      const definition = newDefinition({
        nodes: { many: { type: 'event', event: type, key: at, count: 2 }, work: httpNode, one: { type: 'event', event: type, key: at } },
        edges: [{ from: 'work', to: 'one' }],
      });
      const id = await lab.start(definition);
      const since = await lab.store.now();
      await eventually(async () => expect(await lab.store.now()).toBeGreaterThan(since));
      await lab.completes(definition, id, 'work');
      await correlate(eventOf(type, at, { n: 1 }));
      await correlate(eventOf(type, at, { n: 2 }));
      expect(await rowsOf(id)).toEqual(['many/0', 'many/0']);
      await correlate(eventOf(type, at, { n: 3 }));
      expect(await rowsOf(id)).toEqual(['many/0', 'many/0', 'one/0']);
    });

    it('keeps an event that came before its wait, for the first that fits', async () => {
      const at = key();
      await correlate(eventOf(type, at, { amount: 1 }), eventOf(type, at, { amount: 10 }), eventOf(type, at, { amount: 20 }));
      const large = waiting(at, { where: 'event.data.amount >= 10' });
      const ids = [await lab.start(large), await lab.start(large), await lab.start(large)];
      const got = await Promise.all(ids.map(async (id) => (await lab.matchesOf(id)).map(({ event }) => event)));
      expect(got).toEqual([[{ amount: 10 }], [{ amount: 20 }], []]);
      expect(await lab.start(waiting(at)).then((id) => lab.matchesOf(id))).toMatchObject([{ event: { amount: 1 } }]);
    });

    it('finds the event that fits among many that wait, and each only once', async () => {
      const at = key();
      for (let from = 0; from < 1_200; from += 300)
        await correlate(...Array.from({ length: 300 }, (_, n) => eventOf(type, at, { n: from + n })));
      const late = waiting(at, { where: 'event.data.n >= 1100' });
      const ids = [await lab.start(late), await lab.start(late), await lab.start(waiting(at))];
      expect(await Promise.all(ids.map(async (id) => (await lab.matchesOf(id)).map(({ event }) => event)))).toEqual([
        [{ n: 1_100 }],
        [{ n: 1_101 }],
        [{ n: 0 }],
      ]);
    });

    it('hands over an event on which `where` fails, with the reason', async () => {
      const at = key();
      const id = await lab.start(waiting(at, { where: 'event.data.amount > 1' }));
      expect(await correlate(eventOf(type, at, { other: 1 }))).toMatchObject({ matched: 1 });
      expect(await lab.matchesOf(id)).toMatchObject([{ whereError: expect.any(String) as string }]);
    });

    it('uses up all waits of a task with one event', async () => {
      const at = key();
      const either = newDefinition({
        nodes: {
          hear: {
            type: 'event',
            anyOf: [
              { event: type, key: at },
              { event: type, key: `${at}-b` },
            ],
          },
        },
        edges: [],
      });
      const id = await lab.start(either);
      expect(await correlate(eventOf(type, `${at}-b`), eventOf(type, at))).toMatchObject({ matched: 1, buffered: 1 });
      expect(await rowsOf(id)).toEqual(['hear/1']);
    });

    it('gives a wait for several events as many as it counts, at once, and no more', async () => {
      const at = key();
      const definition = waiting(at, { count: 3 });
      const id = await lab.start(definition);
      const events = [1, 2, 3, 4].map((n) => eventOf(type, at, n));
      expect(await correlate(...events)).toMatchObject({ matched: 3, buffered: 1 });
      expect((await lab.matchesOf(id)).map(({ event }) => event)).toEqual([1, 2, 3]);
      for (const match of await lab.matchesOf(id)) await lab.step(definition, id, received(match));
      expect((await lab.stateOf(id)).phase).toBe('completed');
      expect(await lab.matchesOf(id)).toHaveLength(3);
    });

    it('keeps every wait for several events open until it has them all, however many instances wait for the same key', async () => {
      const pairs = await Promise.all(
        Array.from({ length: 20 }, async () => {
          const at = key();
          const definition = waiting(at, { count: 3 });
          return { at, definition, ids: [await lab.start(definition), await lab.start(definition)] };
        }),
      );
      // The matches are applied late, and one by one: nothing may depend on how far an instance has come.
      for (let n = 0; n < 3; n++) await Promise.all(pairs.map(({ at }) => correlate(eventOf(type, at, n))));
      for (const { at, definition, ids } of pairs) {
        for (const id of ids) {
          for (const match of await lab.matchesOf(id)) await lab.step(definition, id, received(match));
          expect((await lab.stateOf(id)).phase, at).toBe('completed');
        }
      }
    });

    it('gives a wait that opens as many events of the buffer as it takes, oldest first', async () => {
      const at = key();
      await correlate(...[1, 2, 3, 4, 5].map((n) => eventOf(type, at, n)));
      const events = async (count: number) => (await lab.matchesOf(await lab.start(waiting(at, { count })))).map(({ event }) => event);
      expect(await events(2)).toEqual([1, 2]);
      expect(await events(4)).toEqual([3, 4, 5]);
      // What it still lacks comes later.
      const id = await lab.start(waiting(at, { count: 2 }));
      await correlate(eventOf(type, at, 6));
      expect((await lab.matchesOf(id)).map(({ event }) => event)).toEqual([6]);
    });

    it('takes events that are larger together than a state may be, and gives them all as the output', { timeout: 120_000 }, async () => {
      const at = key();
      const definition = waiting(at, { count: 100 });
      const id = await lab.start(definition);
      const data = 'x'.repeat(64 * 1_024);
      for (let n = 0; n < 10; n++) await correlate(...Array.from({ length: 10 }, () => eventOf(type, at, data)));
      const matches = await lab.matchesOf(id);
      expect(matches).toHaveLength(100);
      for (let n = 0; n < 100; n += 10) await lab.step(definition, id, ...matches.slice(n, n + 10).map(received));
      const output = matches.map((match) => received(match).event);
      const state = await lab.stateOf(id);
      expect(state.phase).toBe('completed');
      expect(await lab.task(id, 'hear')).toMatchObject({ status: 'completed', output });
      expect((await lab.queries.task(id, 'hear' as TaskPath))?.output).toEqual(output);
      expect(fold(id, await lab.queries.fullHistory(id))).toEqual(state);
      const last = await lab.queries.history(id, state.seq - 3, 3);
      expect(last).toContainEqual(expect.objectContaining({ event: expect.objectContaining({ type: 'TaskCompleted', output }) as object }));
    });

    it('counts the events of all keys of a wait together', async () => {
      const at = key();
      const anyOf = [
        { event: type, key: at },
        { event: type, key: `${at}-b` },
      ];
      const id = await lab.start(newDefinition({ nodes: { hear: { type: 'event', anyOf, count: 3 } }, edges: [] }));
      await correlate(eventOf(type, at), eventOf(type, `${at}-b`));
      expect(await correlate(eventOf(type, `${at}-b`), eventOf(type, at))).toMatchObject({ matched: 1, buffered: 1 });
      expect(await rowsOf(id)).toEqual(['hear/0', 'hear/1', 'hear/1']);
    });

    it('counts from nothing when a wait that timed out is opened anew, and gives it what came back', async () => {
      const at = key();
      const definition = waiting(at, { count: 2, timeout: '1h' });
      const id = await lab.start(definition);
      await correlate(eventOf(type, at, 'late'));
      await lab.apply(await refusalOf(definition, id));
      expect(await lab.matchesOf(id)).toHaveLength(1);
      await lab.step(definition, id, {
        type: 'CommandIssued',
        commandId: newCommandId(),
        by: 'ada',
        command: { type: 'retry', path: null },
      });
      await correlate(eventOf(type, at, 'next'), eventOf(type, at, 'too many'));
      expect((await lab.matchesOf(id)).map(({ event, attempt }) => [event, attempt])).toEqual([
        ['late', 1],
        ['late', 2],
        ['next', 2],
      ]);
    });

    it('gives what was on its way to a wait that took what had come at its timeout to the next wait', async () => {
      const at = key();
      const many = { type: 'event', event: type, key: at, count: 3, timeout: '1m', onTimeout: 'take' };
      const definition = newDefinition({
        nodes: { many, next: { type: 'event', event: type, key: at } },
        edges: [{ from: 'many', to: 'next' }],
      });
      const id = await lab.start(definition);
      await correlate(eventOf(type, at, 1), eventOf(type, at, 2));
      const [first, second] = await lab.matchesOf(id);
      if (first === undefined || second === undefined) throw new Error('both match');
      const { dueAt } = (await lab.stateOf(id)).timers['many#timeout'] as { readonly dueAt: number };
      await lab.step(definition, id, received(first));
      await lab.step(definition, id, { type: 'TimerFired', timerId: 'many#timeout', kind: 'timeout', dueAt });
      expect(await lab.task(id, 'many')).toMatchObject({ status: 'completed', output: [{ data: 1 }] });
      await lab.step(definition, id, received(second));
      const matches = await lab.matchesOf(id);
      expect(matches.map(({ path, event }) => [path, event])).toEqual([
        ['many', 1],
        ['many', 2],
        ['next', 2],
      ]);
      for (const match of matches.slice(2)) await lab.step(definition, id, received(match));
      const state = await lab.stateOf(id);
      expect(state.phase).toBe('completed');
      expect(fold(id, await lab.queries.fullHistory(id))).toEqual(state);
    });

    it('offers an event to any number of waits of its key, piece by piece, once each', async () => {
      const at = key();
      const definition = waiting(at);
      const small = waiting(at, { where: 'event.data.n < 0' });
      const starts = await Promise.all(Array.from({ length: 130 }, (_, n) => lab.decideStart(n % 10 === 0 ? small : definition)));
      await lab.store.start(starts);
      expect(await given.inPieces.correlate([eventOf(type, at, { n: 1 }), eventOf(type, at, { n: 2 })], matcher)).toMatchObject({
        ...{ matched: 117, buffered: 1, duplicates: 0, ignored: 0 },
      });
      const counts = await Promise.all(starts.map(async ({ transition }) => (await lab.matchesOf(transition.instanceId)).length));
      expect(counts).toEqual(starts.map((_, n) => (n % 10 === 0 ? 0 : 1)));
    });

    it('offers an event that came back to any number of waits that opened meanwhile, piece by piece', async () => {
      const at = key();
      const definition = waiting(at, { timeout: '1h' });
      const refusing = await lab.start(definition);
      await correlate(eventOf(type, at, 'moved'));
      const refusal = await refusalOf(definition, refusing);
      const ids = await Promise.all(Array.from({ length: 70 }, () => lab.start(waiting(at))));
      await given.inPieces.apply(0, [refusal]);
      for (const id of ids) expect(await lab.matchesOf(id)).toMatchObject([{ event: 'moved' }]);
    });

    it('returns an event that the instance refused: to everybody if nobody else had it', async () => {
      const at = key();
      const definition = waiting(at, { timeout: '1h' });
      const [late, other] = [await lab.start(definition), await lab.start(waiting(key()))];
      await correlate(eventOf(type, at, 'once'));
      const refusal = await refusalOf(definition, late);
      expect(refusal.effects).toMatchObject([{ type: 'returnEvent' }]);
      expect(await lab.apply(refusal)).toEqual([late]);
      expect(await lab.matchesOf(other)).toEqual([]);
      expect(await lab.start(waiting(at)).then((id) => lab.matchesOf(id))).toMatchObject([{ event: 'once' }]);
      expect(await lab.start(waiting(at)).then((id) => lab.matchesOf(id))).toEqual([]);
    });

    it('returns an event that others had to the one who refused it only', async () => {
      const at = key();
      const again = newDefinition({
        nodes: { hear: { type: 'event', event: type, key: at, timeout: '1h' }, later: { type: 'event', event: type, key: at } },
        edges: [{ from: 'hear', to: 'later', on: 'timedOut' }],
      });
      const [late, lucky] = [await lab.start(again), await lab.start(waiting(at))];
      expect(await correlate(eventOf(type, at, 'both'))).toMatchObject({ matched: 2 });
      const refusal = await refusalOf(again, late);
      expect(await rowsOf(late)).toEqual(['hear/0']);
      await lab.apply(refusal);
      expect(await rowsOf(late)).toEqual(['hear/0', 'later/0']);
      expect(await rowsOf(lucky)).toEqual(['hear/0']);
      expect(await lab.start(waiting(at)).then(rowsOf)).toEqual([]);
    });

    it('gives a returned event to another instance that waits for it already', async () => {
      const at = key();
      const definition = waiting(at, { timeout: '1h' });
      const refusing = await lab.start(definition);
      await correlate(eventOf(type, at, 'moved'));
      const refusal = await refusalOf(definition, refusing);
      const other = await lab.start(waiting(at));
      expect(await rowsOf(other)).toEqual([]);
      await lab.apply(refusal);
      expect(await lab.matchesOf(other)).toMatchObject([{ event: 'moved' }]);
    });

    it('takes nothing back when the same refusal comes again', async () => {
      const at = key();
      const twice = newDefinition({
        nodes: { hear: { type: 'event', event: type, key: at, timeout: '1h' }, later: { type: 'event', event: type, key: at } },
        edges: [{ from: 'hear', to: 'later', on: 'timedOut' }],
      });
      const id = await lab.start(twice);
      await correlate(eventOf(type, at));
      await lab.apply(await refusalOf(twice, id));
      expect(await rowsOf(id)).toEqual(['hear/0', 'later/0']);
      // The record once more, with the later wait's match still on its way.
      const [first] = await lab.matchesOf(id);
      if (first === undefined) throw new Error('no match');
      await lab.apply(await lab.decide(twice, id, first));
      expect(await lab.start(waiting(at)).then(rowsOf)).toEqual([]);
      expect(await rowsOf(id)).toEqual(['hear/0', 'later/0']);
    });

    it('delivers nothing after its time to live', async () => {
      const at = key();
      await correlate(eventOf(type, at));
      await given.expireEvents();
      expect(await lab.start(waiting(at)).then(rowsOf)).toEqual([]);
      // Its id is still known.
      const event = eventOf(type, at);
      await correlate(event);
      await given.expireEvents();
      expect(await correlate(event)).toMatchObject({ duplicates: 1 });
    });

    it('never loses an event that comes in the moment in which its wait opens', async () => {
      const rounds = Array.from({ length: 60 }, () => key());
      const ids = await Promise.all(
        rounds.map(async (at) => {
          const decided = await lab.decideStart(waiting(at));
          await Promise.all([lab.store.start([decided]), correlate(eventOf(type, at))]);
          return decided.transition.instanceId;
        }),
      );
      for (const id of ids) expect(await rowsOf(id)).toEqual(['hear/0']);
    });

    it('never loses an event that comes in the moment in which a step opens its wait', async () => {
      const rounds = Array.from({ length: 40 }, () => key());
      const ids = await Promise.all(
        rounds.map(async (at) => {
          const definition = newDefinition({
            nodes: { work: httpNode, hear: { type: 'event', event: type, key: at } },
            edges: [{ from: 'work', to: 'hear' }],
          });
          const id = await lab.start(definition);
          await Promise.all([lab.completes(definition, id, 'work'), correlate(eventOf(type, at))]);
          return id;
        }),
      );
      for (const id of ids) expect(await rowsOf(id)).toEqual(['hear/0']);
    });

    it('gives one event to one of many waits that open at the same moment, and each of many events to one wait', async () => {
      const at = key();
      await correlate(eventOf(type, at));
      const ids = await Promise.all(Array.from({ length: 10 }, () => lab.start(waiting(at))));
      expect((await Promise.all(ids.map(rowsOf))).flat()).toEqual(['hear/0']);
      const one = key();
      const id = await lab.start(waiting(one));
      const counts = await Promise.all(Array.from({ length: 10 }, () => correlate(eventOf(type, one))));
      expect(counts.reduce((sum, { matched }) => sum + matched, 0)).toBe(1);
      expect(await rowsOf(id)).toEqual(['hear/0']);
    });
  });
}
