import { describe, expect, it } from 'vitest';
import type { TaskId } from '../core/ids.ts';
import type { Effect } from '../core/instance/outgoing/effects.ts';
import type { InstanceState } from '../core/instance/state/state.ts';
import { createCodec } from './codec.ts';
import { MemoryRegistry } from './memory/registry.ts';
import { createOutgoing } from './outgoing.ts';
import { recordsOnTopics } from './registration.ts';

async function outgoing() {
  const registry = new MemoryRegistry();
  for (const { topic, record } of recordsOnTopics('t', [], ['elsewhere'])) registry.addRecord(topic, record);
  const made = createOutgoing({ codec: createCodec({ registry }), prefix: 't', partitions: 8, publishTopics: ['elsewhere'] });
  await made.prepare();
  return made;
}

const state = { definitionId: 'orders' } as InstanceState;
const published = (topic: string | null): Effect => ({
  ...{ type: 'publishEvent', id: 'one', taskId: 'i.tell' as TaskId, event: 'order.shipped', key: 'A-1', data: { n: 1 }, topic, at: 0 },
});

describe('An event that a node publishes', () => {
  it('goes to our own events, where a wait can receive it', async () => {
    const messages = (await outgoing()).ofEffects(state, [published(null)]);
    expect(messages.map(({ topic, key, partition }) => ({ topic, key, partition }))).toEqual([
      { topic: 't.events', key: 'A-1', partition: null },
    ]);
  });

  it('goes to the topic that the node names besides, and is the same event there', async () => {
    const messages = (await outgoing()).ofEffects(state, [published('elsewhere')]);
    expect(messages.map(({ topic }) => topic)).toEqual(['t.events', 'elsewhere']);
    const [own, other] = messages.map(({ payload }) => payload.subarray(5));
    expect(own).toEqual(other);
  });

  it('goes there once where the node names our own', async () => {
    expect((await outgoing()).ofEffects(state, [published('t.events')])).toHaveLength(1);
  });
});
