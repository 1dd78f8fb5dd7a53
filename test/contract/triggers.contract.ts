/** What every instance store must do with triggers by event. `test/integration/triggers.test.ts` runs it on Postgres. */
import { uuidv7 } from 'uuidv7';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Definition } from '../../src/core/definition/types.ts';
import type { JsonObject } from '../../src/core/json.ts';
import { eventOf, openLab, type StoreUnderTest } from '../support/store-lab.ts';
import { TriggerLab } from '../support/trigger-lab.ts';

/** @param factory called once; the store may hold what other tests wrote. */
export function testTriggers(factory: () => Promise<StoreUnderTest>): void {
  let given: StoreUnderTest;
  let lab: TriggerLab;

  beforeAll(async () => {
    given = await factory();
    lab = new TriggerLab(await openLab(given));
  });

  describe('triggers by event', () => {
    /** No other test has it. */
    let type: string;
    beforeEach(() => {
      type = `lab.trigger.${uuidv7()}`;
    });
    const waits = { hear: { type: 'event', event: '', key: '${ input.key }', timeout: '1h' } };
    const document = (trigger: JsonObject = {}, more: JsonObject = {}): JsonObject => ({
      nodes: { nap: { type: 'wait', for: '1h' } },
      edges: [],
      triggers: [{ event: type, ...trigger }],
      ...more,
    });
    /** Its instances wait for the very event that starts them. */
    const listening = (): JsonObject => document({ input: { key: '${ event.key }' } }, { nodes: { hear: { ...waits.hear, event: type } } });
    const keysOf = async (definition: Definition) => (await lab.instancesOf(definition)).map(({ businessKey }) => businessKey);

    it('start an instance with the input and the business key that they give', async () => {
      const definition = await lab.deploy(document({ input: { total: '${ event.data.total }' }, key: 'order-${ event.key }' }));
      expect(await lab.correlate(eventOf(type, '7', { total: 12 }))).toEqual({
        ...{ matched: 0, started: 1, buffered: 0, duplicates: 0, ignored: 0, failed: [] },
      });
      const [instance] = await lab.instancesOf(definition);
      if (instance === undefined) throw new Error('no instance');
      expect(instance).toMatchObject({ businessKey: 'order-7', definitionVersion: 1, status: 'running' });
      expect(await lab.lab.stateOf(instance.instanceId)).toMatchObject({ input: { total: 12 } });
    });

    it('start nothing where `when` does not hold, and the first that fits where there are several', async () => {
      const definition = await lab.deploy(
        document(
          {},
          {
            triggers: [
              { event: type, when: 'event.data.n > 10', key: 'large' },
              { event: type, when: 'event.data.n > 5', key: 'middle' },
              { event: type, when: 'event.data.n > 1', key: 'small' },
            ],
          },
        ),
      );
      const counts = await lab.correlate(...[7, 1, 70, 2].map((n) => eventOf(type, 'k', { n })));
      expect(counts).toMatchObject({ started: 3, buffered: 1 });
      expect((await keysOf(definition)).sort()).toEqual(['large', 'middle', 'small']);
    });

    it('start every definition that names the type, once for an event, however often it comes', async () => {
      const definitions = [await lab.deploy(document()), await lab.deploy(document())];
      const event = eventOf(type, 'k');
      expect(await lab.correlate(event, event)).toMatchObject({ started: 2, duplicates: 1 });
      expect(await lab.correlate(event)).toMatchObject({ started: 0, duplicates: 1 });
      for (const definition of definitions) expect(await lab.instancesOf(definition)).toHaveLength(1);
    });

    it('start once when twenty rounds of correlators race for the same events', async () => {
      const definition = await lab.deploy(listening());
      for (let round = 1; round <= 20; round++) {
        const events = [1, 2, 3].map((n) => eventOf(type, `race-${round}-${n}`));
        const answers = await Promise.all([lab.correlate(...events), lab.correlate(...events.toReversed()), lab.correlate(...events)]);
        expect(answers.reduce((sum, { started }) => sum + started, 0)).toBe(3);
      }
      expect(await lab.instancesOf(definition)).toHaveLength(60);
    });

    it('use the event up: neither the instance that it started gets it, nor any other that opens a wait', async () => {
      const definition = await lab.deploy(listening());
      const other = await lab.deploy(listening());
      const key = `k-${uuidv7()}`;
      expect(await lab.correlate(eventOf(type, key))).toMatchObject({ started: 2, matched: 0, buffered: 0 });
      for (const each of [definition, other]) {
        const [started] = await lab.instancesOf(each);
        expect(await lab.lab.matchesOf(started?.instanceId ?? ('' as never))).toEqual([]);
      }
      const late = await lab.lab.start(definition, { key });
      expect(await lab.lab.matchesOf(late)).toEqual([]);
    });

    it('never give the event to the instance that it started, when another one gives it back', async () => {
      const key = `k-${uuidv7()}`;
      const waiter = lab.compiled(document({}, { nodes: { hear: { ...waits.hear, event: type } }, triggers: [] }));
      await lab.lab.store.registerEventTypes([type]);
      const waiting = await lab.lab.start(waiter, { key });
      const definition = await lab.deploy(listening());
      expect(await lab.correlate(eventOf(type, key))).toMatchObject({ started: 1, matched: 1 });
      const [match] = await lab.lab.matchesOf(waiting);
      const timer = (await lab.lab.stateOf(waiting)).timers['hear#timeout'];
      if (match === undefined || timer?.state !== 'armed') throw new Error('no match or no timer');
      await lab.lab.step(waiter, waiting, { type: 'TimerFired', timerId: 'hear#timeout', kind: 'timeout', dueAt: timer.dueAt });
      await lab.lab.apply(
        await lab.lab.decide(waiter, waiting, { ...match, event: { id: match.eventRowId, source: 'lab', data: null } } as never),
      );
      const [started] = await lab.instancesOf(definition);
      expect(await lab.lab.matchesOf(started?.instanceId ?? ('' as never))).toEqual([]);
    });

    it('start an instance that at once waits for the next event, and gets it from the same batch', async () => {
      const definition = await lab.deploy(
        document({ when: 'event.data == "first"', input: { key: '${ event.key }' } }, { nodes: { hear: { ...waits.hear, event: type } } }),
      );
      const key = `k-${uuidv7()}`;
      await lab.correlate(eventOf(type, key, 'first'), eventOf(type, key, 'second'));
      const [started] = await lab.instancesOf(definition);
      const matches = await lab.lab.matchesOf(started?.instanceId ?? ('' as never));
      expect(matches.map(({ event }) => event)).toEqual(['second']);
    });

    it('that fail are a dead letter of their definition alone, leave no key, and start when it is tried again', async () => {
      const good = await lab.deploy(document());
      const bad = await lab.deploy(document({ input: { n: '${ event.data.n }' } }, { input: { properties: { n: { type: 'integer' } } } }));
      const event = eventOf(type, 'k', { n: 'seven' });
      const { failed, ...counts } = await lab.correlate(event, eventOf(type, 'k', { n: 7 }));
      expect(counts).toMatchObject({ started: 3 });
      expect(failed).toEqual([{ event, definitionId: bad.id, reason: expect.stringContaining('MR_INPUT_INVALID') }]);
      expect(await lab.instancesOf(good)).toHaveLength(2);
      expect(await lab.instancesOf(bad)).toHaveLength(1);
      expect((await given.sent(bad.id)).map(({ payload }) => payload.eventId)).toEqual([event.id]);

      expect(await lab.lab.store.startByEvents(bad.id, [event], lab.starter)).toMatchObject({ started: 0, failed: [{ event }] });
      await lab.write(lab.compiled({ ...document(), id: bad.id }, 2));
      expect(await lab.lab.store.startByEvents(bad.id, [event], lab.starter)).toEqual({ started: 1, failed: [] });
      // Once, however often: the start left its key.
      expect(await lab.lab.store.startByEvents(bad.id, [event], lab.starter)).toEqual({ started: 0, failed: [] });
      expect(await lab.instancesOf(good)).toHaveLength(2);
    });

    it('whose expressions fail on an event leave it to those who wait for it', async () => {
      const definition = await lab.deploy(document({ when: 'event.data.missing > 1' }));
      const key = `k-${uuidv7()}`;
      expect(await lab.correlate(eventOf(type, key, {}))).toMatchObject({
        started: 0,
        buffered: 1,
        failed: [{ definitionId: definition.id }],
      });
    });

    it('whose start the database refuses keep neither the other starts nor the event', async () => {
      const many = Object.fromEntries(Array.from({ length: 12 }, (_, n) => [`copy${n}`, '${ input.text }']));
      const large = await lab.deploy(document({ input: { text: '${ event.data.text }' } }, { vars: many }));
      const good = await lab.deploy(document());
      const event = eventOf(type, 'k', { text: 'x'.repeat(400_000) });
      const { failed, ...counts } = await lab.correlate(event, eventOf(type, 'k', { text: 'x' }));
      expect(counts).toMatchObject({ started: 3, buffered: 0 });
      expect(failed).toEqual([{ event, definitionId: large.id, reason: expect.stringContaining('MR_STATE_TOO_LARGE') }]);
      expect(await lab.instancesOf(large)).toHaveLength(1);
      expect(await lab.instancesOf(good)).toHaveLength(2);
    });

    it('are those of the highest version, in whatever order deploys come', async () => {
      const second = await lab.deploy(document({ key: 'second' }), 2);
      const first = lab.compiled({ ...document({ key: 'first' }), id: second.id }, 1);
      await lab.write(first);
      await lab.write(second);
      await lab.correlate(eventOf(type, 'k'));
      expect(await keysOf(second)).toEqual(['second']);
    });

    it('are those of one version or the other while a deploy comes in between: never those of none', async () => {
      const first = await lab.deploy(document({ key: 'version-1' }));
      for (let version = 2; version <= 21; version++) {
        const next = lab.compiled({ ...document({ key: `version-${version}` }), id: first.id }, version);
        const [{ started, failed }] = await Promise.all([lab.correlate(eventOf(type, `k-${version}`)), lab.write(next)]);
        expect({ started, failed }).toEqual({ started: 1, failed: [] });
        // What comes after the answer of the deploy is of that version alone.
        await lab.correlate(eventOf(type, `after-${version}`));
        const [between, after] = (await keysOf(first)).slice(-2);
        expect([`version-${version - 1}`, `version-${version}`]).toContain(between);
        expect(after).toBe(`version-${version}`);
      }
    });

    it('are gone with a version that has none', async () => {
      const definition = await lab.deploy(document());
      await lab.write(lab.compiled({ ...document({}, { triggers: [] }), id: definition.id }, 2));
      expect(await lab.correlate(eventOf(type, 'k'))).toMatchObject({ started: 0, buffered: 1 });
    });
  });
}
