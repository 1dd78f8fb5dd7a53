/** What the contract suites of external events share: a type of their own, waits for it, and what those waits were given. */
import { uuidv7 } from 'uuidv7';
import { expect } from 'vitest';
import type { Definition } from '../../src/core/definition/types.ts';
import type { InstanceId } from '../../src/core/ids.ts';
import type { JsonObject } from '../../src/core/json.ts';
import type { Transition } from '../../src/store/instance-store.ts';
import { type eventOf, matcher, newDefinition, type StoreLab } from './store-lab.ts';

/** The event node of `waiting`. */
const node = 'received';

/** @param lab is called when a test uses a helper, so it may be opened in `beforeAll`. */
export function eventTestHelpers(lab: () => StoreLab) {
  const type = `lab.event.${uuidv7()}`;
  const matchesOf = async (id: InstanceId) => await lab().matchesOf(id);
  return {
    type,
    /** A store takes in only events of registered types. */
    async registerType(): Promise<void> {
      await lab().store.registerEventTypes([type, type]);
      expect(await lab().store.eventTypes()).toContain(type);
    },
    /** No two tests share a key. */
    key: () => `key-${uuidv7()}`,
    correlate: async (...events: ReturnType<typeof eventOf>[]) => await lab().store.correlate(events, matcher),
    waiting: (key: string, more: JsonObject = {}) =>
      newDefinition({ nodes: { [node]: { type: 'event', event: type, key, ...more } }, edges: [] }),
    /** `path/wait` of each match. */
    rowsOf: async (id: InstanceId) => (await matchesOf(id)).map(({ path, wait }) => `${path}/${wait}`),
    /** The notification that brings a match to its instance. */
    received: (match: Awaited<ReturnType<typeof matchesOf>>[number]) => ({
      ...match,
      event: { id: match.eventRowId, source: 'lab', data: match.event },
    }),
    /** The wait of the instance times out before its match is applied, so the match is refused: decided, not yet written. */
    async refusalOf(definition: Definition, id: InstanceId): Promise<Transition> {
      const [match] = await matchesOf(id);
      const timerId = `${node}#timeout`;
      const timer = (await lab().stateOf(id)).timers[timerId];
      if (match === undefined || timer?.state !== 'armed') throw new Error('no match or no timer');
      await lab().step(definition, id, { type: 'TimerFired', timerId, kind: 'timeout', dueAt: timer.dueAt });
      return await lab().decide(definition, id, match);
    },
  };
}
