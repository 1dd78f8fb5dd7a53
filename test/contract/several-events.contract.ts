/**
 * What every instance store must do with waits that take several events (`count`). `test/integration/instance-store.test.ts`
 * runs it on Postgres.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import type { TaskPath } from '../../src/core/ids.ts';
import { fold } from '../../src/core/instance/index.ts';
import { eventTestHelpers } from '../support/event-waits.ts';
import { eventually } from '../support/eventually.ts';
import { eventOf, httpNode, newCommandId, newDefinition, openLab, type StoreLab, type StoreUnderTest } from '../support/store-lab.ts';

/** @param factory called once; the store may hold what other tests wrote. */
export function testWaitsForSeveralEvents(factory: () => Promise<StoreUnderTest>): void {
  let lab: StoreLab;
  const { type, registerType, correlate, waiting, key, rowsOf, received, refusalOf } = eventTestHelpers(() => lab);

  beforeAll(async () => {
    lab = await openLab(await factory());
    await registerType();
  });

  describe('waits for several events', () => {
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
      expect(await lab.task(id, 'received')).toMatchObject({ status: 'completed', output });
      expect((await lab.queries.task(id, 'received' as TaskPath))?.output).toEqual(output);
      expect(fold(id, await lab.queries.fullHistory(id))).toEqual(state);
      const { entries: last } = await lab.queries.history(id, state.seq - 3, 3);
      expect(last).toContainEqual(expect.objectContaining({ event: expect.objectContaining({ type: 'TaskCompleted', output }) as object }));
    });

    it('counts the events of all keys of a wait together', async () => {
      const at = key();
      const anyOf = [
        { event: type, key: at },
        { event: type, key: `${at}-b` },
      ];
      const id = await lab.start(newDefinition({ nodes: { received: { type: 'event', anyOf, count: 3 } }, edges: [] }));
      await correlate(eventOf(type, at), eventOf(type, `${at}-b`));
      expect(await correlate(eventOf(type, `${at}-b`), eventOf(type, at))).toMatchObject({ matched: 1, buffered: 1 });
      expect(await rowsOf(id)).toEqual(['received/0', 'received/1', 'received/1']);
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
  });
}
