/**
 * What every instance store must do with external events. `test/integration/instance-store.test.ts` runs it on Postgres;
 * waits that take several events have `several-events.contract.ts`.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { eventTestHelpers } from '../support/event-waits.ts';
import { eventOf, httpNode, matcher, newDefinition, openLab, type StoreLab, type StoreUnderTest } from '../support/store-lab.ts';

/** @param factory called once; the store may hold what other tests wrote. */
export function testEvents(factory: () => Promise<StoreUnderTest>): void {
  let given: StoreUnderTest;
  let lab: StoreLab;
  const { type, registerType, correlate, waiting, key, rowsOf, refusalOf } = eventTestHelpers(() => lab);

  beforeAll(async () => {
    given = await factory();
    lab = await openLab(given);
    await registerType();
  });

  describe('events', () => {
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
      expect(await Promise.all(ids.map(rowsOf))).toEqual([['one/0'], ['one/0'], ['received/0']]);
      expect(await correlate(eventOf(type, at, { n: 2 }), eventOf(type, at, { n: 3 }))).toMatchObject({
        matched: 2,
        buffered: 1,
        duplicates: 0,
        ignored: 0,
      });
      expect(await Promise.all(ids.map(rowsOf))).toEqual([['one/0', 'two/0'], ['one/0', 'two/0'], ['received/0']]);
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
          received: {
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
      expect(await rowsOf(id)).toEqual(['received/1']);
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
        nodes: { received: { type: 'event', event: type, key: at, timeout: '1h' }, later: { type: 'event', event: type, key: at } },
        edges: [{ from: 'received', to: 'later', on: 'timedOut' }],
      });
      const [late, lucky] = [await lab.start(again), await lab.start(waiting(at))];
      expect(await correlate(eventOf(type, at, 'both'))).toMatchObject({ matched: 2 });
      const refusal = await refusalOf(again, late);
      expect(await rowsOf(late)).toEqual(['received/0']);
      await lab.apply(refusal);
      expect(await rowsOf(late)).toEqual(['received/0', 'later/0']);
      expect(await rowsOf(lucky)).toEqual(['received/0']);
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
        nodes: { received: { type: 'event', event: type, key: at, timeout: '1h' }, later: { type: 'event', event: type, key: at } },
        edges: [{ from: 'received', to: 'later', on: 'timedOut' }],
      });
      const id = await lab.start(twice);
      await correlate(eventOf(type, at));
      await lab.apply(await refusalOf(twice, id));
      expect(await rowsOf(id)).toEqual(['received/0', 'later/0']);
      // The record once more, with the later wait's match still on its way.
      const [first] = await lab.matchesOf(id);
      if (first === undefined) throw new Error('no match');
      await lab.apply(await lab.decide(twice, id, first));
      expect(await lab.start(waiting(at)).then(rowsOf)).toEqual([]);
      expect(await rowsOf(id)).toEqual(['received/0', 'later/0']);
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
      for (const id of ids) expect(await rowsOf(id)).toEqual(['received/0']);
    });

    it('never loses an event that comes in the moment in which a step opens its wait', async () => {
      const rounds = Array.from({ length: 40 }, () => key());
      const ids = await Promise.all(
        rounds.map(async (at) => {
          const definition = newDefinition({
            nodes: { work: httpNode, received: { type: 'event', event: type, key: at } },
            edges: [{ from: 'work', to: 'received' }],
          });
          const id = await lab.start(definition);
          await Promise.all([lab.completes(definition, id, 'work'), correlate(eventOf(type, at))]);
          return id;
        }),
      );
      for (const id of ids) expect(await rowsOf(id)).toEqual(['received/0']);
    });

    it('gives one event to one of many waits that open at the same moment, and each of many events to one wait', async () => {
      const at = key();
      await correlate(eventOf(type, at));
      const ids = await Promise.all(Array.from({ length: 10 }, () => lab.start(waiting(at))));
      expect((await Promise.all(ids.map(rowsOf))).flat()).toEqual(['received/0']);
      const one = key();
      const id = await lab.start(waiting(one));
      const counts = await Promise.all(Array.from({ length: 10 }, () => correlate(eventOf(type, one))));
      expect(counts.reduce((sum, { matched }) => sum + matched, 0)).toBe(1);
      expect(await rowsOf(id)).toEqual(['received/0']);
    });
  });
}
