/** An instance of thousands of open items is cancelled in a batch with others of its partition. */
import { expect, test } from 'vitest';
import type { TaskPath } from '../../core/ids.ts';
import { step } from '../../core/instance/index.ts';
import { timersOf } from '../../core/instance/state/scopes.ts';
import { type InstanceState, isOpen } from '../../core/instance/state/state.ts';
import { definitionOf, Fixture, instanceIdOf, T0 } from '../testing/fixture.ts';

const WIDTH = 5_000;
const pick = { type: 'task', task: 'pick' };
const items = Array.from({ length: WIDTH }, (_, n) => n);
const wide = definitionOf({ id: 'order', nodes: { items: { type: 'forEach', items, body: { nodes: { pick } } } } }, 2);

/** 500 items open in a step. */
function allOpened(from: InstanceState): InstanceState {
  let state = from;
  while (timersOf(state)['items#loop'] !== undefined) {
    const notification = { type: 'TimerFired', timerId: 'items#loop', kind: 'loop', dueAt: T0 } as const;
    state = step(wide, state, [{ instanceId: state.instanceId, cause: 'n', notification }], T0).state;
  }
  return state;
}

test('an instance with 5,000 open items is cancelled, and the others of its partition go on in the same batch', async () => {
  const fixture = await Fixture.start();
  fixture.stored.get = async (_, version) => (version === 2 ? wide : fixture.definition);
  fixture.begin(1);
  fixture.store.put(instanceIdOf(2), allOpened(fixture.begin(2, wide)));
  fixture.begin(3);
  expect(Object.values(fixture.state(2).tasks).filter(isOpen)).toHaveLength(WIDTH + 1);
  const late = fixture.outcome(3, 'items.4999.pick', { n: 2 });
  await fixture.process(fixture.outcome(0), fixture.command(1, { type: 'cancel', reason: null }, 2), fixture.outcome(2, 'pick', { n: 3 }));
  for (const n of [1, 3]) expect(fixture.state(n).tasks['pack' as TaskPath]).toMatchObject({ status: 'scheduled' });
  expect(fixture.state(2).phase).toBe('cancelled');
  expect(Object.values(fixture.state(2).tasks).filter(isOpen)).toEqual([]);
  const cancelled = fixture.store.written.find(({ instanceId }) => instanceId === instanceIdOf(2));
  expect(cancelled?.history.filter(({ event }) => event.type === 'TaskCancelled')).toHaveLength(WIDTH + 1);
  await fixture.process(late);
  expect(await fixture.counted('notifications_rejected_total', { code: 'MR_INSTANCE_ENDED' })).toBe(1);
  expect(await fixture.sentDeadLetters()).toEqual([]);
});
