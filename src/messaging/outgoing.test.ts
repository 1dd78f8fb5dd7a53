import { describe, expect, it } from 'vitest';
import { definitionOf } from '../../test/support/scenario.ts';
import type { InstanceId, TaskId } from '../core/ids.ts';
import { start } from '../core/instance/index.ts';
import type { Effect } from '../core/instance/outgoing/effects.ts';
import type { InstanceState } from '../core/instance/state/state.ts';
import type { Json } from '../core/json.ts';
import { referenceTo } from '../core/payload-reference.ts';
import { createCodec } from './codec.ts';
import { MemoryRegistry } from './memory/registry.ts';
import { createOutgoing } from './outgoing.ts';
import { recordsOnTopics } from './registration.ts';

async function outgoing(referenceBytes = 0) {
  const registry = new MemoryRegistry();
  for (const { topic, record } of recordsOnTopics('t', [], ['elsewhere'])) registry.addRecord(topic, record);
  const codec = createCodec({ registry });
  const made = createOutgoing({ codec, prefix: 't', partitions: 8, publishTopics: ['elsewhere'], referenceBytes });
  await made.prepare();
  return { ...made, codec };
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

describe('A task', () => {
  const definition = definitionOf({ id: 'd', input: {}, nodes: { work: { type: 'task', task: 'work', input: '${ input }' } } });

  async function recordOf(input: Json, referenceBytes: number) {
    const command = { instanceId: '01890000-0000-7000-8000-000000000001' as InstanceId, input, businessKey: null, by: 'a', cause: 'b' };
    const started = start(definition, command, 1);
    if (!started.ok) throw new Error('the start was refused');
    const { codec, ...made } = await outgoing(referenceBytes);
    await made.prepareQueues(['handlers']);
    const dispatched = started.value.effects.filter(({ type }) => type === 'dispatchTask');
    const [message] = made.ofEffects(started.value.state, dispatched, '{"state":1}');
    const decoded = await codec.decode(message?.payload ?? Buffer.alloc(0), ['TaskScheduled']);
    if (!decoded.ok) throw new Error('not a task');
    return { value: decoded.value, bytes: message?.payload.length ?? 0 };
  }

  const input = { text: 'ü'.repeat(2_000) };
  const text = JSON.stringify(input);

  it('has its input in its record, up to the length from which on it is named', async () => {
    for (const referenceBytes of [0, Buffer.byteLength(text)])
      expect((await recordOf(input, referenceBytes)).value).toMatchObject({
        input: text,
        inputReference: null,
        continuation: { state: '{"state":1}' },
      });
  });

  it('names a larger input, which no state goes with', async () => {
    const { value, bytes } = await recordOf(input, Buffer.byteLength(text) - 1);
    expect(value).toMatchObject({ input: '', inputReference: referenceTo(text), continuation: null });
    expect(bytes).toBeLessThan(500);
  });
});
