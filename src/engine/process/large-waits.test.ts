/** A wait for many large events, through the real processor on the store in memory with its real limits. */
import { expect, it } from 'vitest';
import { definitionOf } from '../../../test/support/scenario.ts';
import type { InstanceId, TaskPath } from '../../core/ids.ts';
import type { AddressedNotification, EventMatched } from '../../core/instance/decide/notification.ts';
import { defaultRunLimits, start } from '../../core/instance/index.ts';
import { silentObserver } from '../testing/silent-observer.ts';
import { SteeredStore } from '../testing/steered-store.ts';
import { InstanceProcessor } from './instance-processor.ts';
import { StateCache } from './state-cache.ts';

const ID = '01890000-0000-7000-8000-000000000007' as InstanceId;
const T0 = Date.parse('2026-01-01T00:00:00Z');
const COUNT = 100;

function matched(n: number): AddressedNotification {
  const event = { id: String(n), type: 'part', source: 's', key: 'k', time: null, data: { n, filler: 'x'.repeat(65_536) } };
  const notification: EventMatched = {
    ...{ type: 'EventMatched', path: 'parts' as TaskPath, attempt: 1, wait: 0, eventRowId: String(n) },
    ...{ event, whereError: null },
  };
  return { instanceId: ID, cause: `n/0@${n}`, notification };
}

it('that takes more bytes than a state may have completes, whatever the batches, and from a cold cache', async () => {
  const definition = definitionOf({
    id: 'collect',
    nodes: { parts: { type: 'event', event: 'part', key: 'k', count: COUNT } },
    output: { parts: '${ nodes.parts.output.map(part, part.data.n) }' },
  });
  const started = start(definition, { instanceId: ID, input: {}, businessKey: null, by: 'tester', cause: 'rest:1' }, T0);
  if (!started.ok) throw new Error('the start was refused');
  const store = new SteeredStore();
  store.put(ID, started.value.state);
  const unapplied: unknown[] = [];
  const processor = new InstanceProcessor({
    ...{ store, limits: defaultRunLimits, now: () => T0, outgoing: { ofEffects: () => [] } },
    definitions: { peek: () => definition, get: async () => definition, find: async () => definition },
    births: { bear: () => Promise.reject(new Error('the instance is there')) },
    observer: { ...silentObserver, onUnapplied: (_, error) => void unapplied.push(error) },
  });
  const events = Array.from({ length: COUNT }, (_, n) => matched(n));
  for (const size of [1, 2, 7, 40, 45, 5]) {
    const notifications = events.splice(0, size);
    expect(await processor.process(0, [{ instanceId: ID, notifications }], new StateCache(1_000_000))).toEqual([]);
  }
  expect(unapplied).toEqual([]);
  const { state } = store.stored(ID) ?? {};
  expect(state).toMatchObject({ phase: 'completed', output: { parts: Array.from({ length: COUNT }, (_, n) => n) } });
});
