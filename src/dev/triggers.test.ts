/** Triggers in the whole engine, in memory, through the typed client. */
import { afterEach, expect, it } from 'vitest';
import { eventually } from '../../test/support/eventually.ts';
import { createClient } from '../client/index.ts';
import { loadConfig } from '../service/config.ts';
import { type DevEngine, devConfigGroups, startDevEngine } from './dev-engine.ts';

const running: DevEngine[] = [];

async function start() {
  const engine = await startDevEngine(loadConfig({ PORT: '0', LOG_LEVEL: 'error' }, devConfigGroups));
  running.push(engine);
  return createClient(engine);
}

afterEach(async () => {
  for (const engine of running.splice(0)) await engine.stop();
});

const shipping = {
  id: 'shipping',
  input: { type: 'object', required: ['order'], properties: { order: { type: 'integer' } } },
  nodes: { nap: { type: 'wait', for: '1h' } },
  triggers: [
    { name: 'paid', event: 'order.paid', when: 'event.data.total > 100', input: { order: '${ event.data.order }' }, key: '${ event.key }' },
  ],
};

it('starts an instance on an event that a trigger is for, once for its source and id', async () => {
  const client = await start();
  await client.deploy(shipping);
  const paid = { type: 'order.paid', id: 'e-1', source: 'shop', key: 'o-1', data: { order: 1, total: 200 } };
  for (const event of [paid, paid, { ...paid, id: 'e-2', data: { order: 2, total: 50 } }, { ...paid, id: 'e-3', key: 'o-3' }])
    await client.sendEvent(event);
  await eventually(async () => {
    const { items } = await client.instances({ definition: 'shipping' });
    expect(items.map(({ businessKey }) => businessKey).sort()).toEqual(['o-1', 'o-3']);
  });
});

it('sets an event aside that a trigger fails on, and starts that definition when it is replayed', async () => {
  const client = await start();
  await client.deploy(shipping);
  await client.deploy({ ...shipping, id: 'billing', input: {} });
  await client.sendEvent({ type: 'order.paid', id: 'e-1', source: 'shop', key: 'o-1', data: { order: 'one', total: 200 } });
  const deadLetter = await eventually(async () => {
    const { items } = await client.deadLetters();
    expect(items).toMatchObject([{ code: 'MR_TRIGGER_FAILED', topic: 'millrace.events' }]);
    return items[0];
  });
  expect(deadLetter?.reason).toContain('shipping is not started by the event e-1 of shop: trigger paid: MR_INPUT_INVALID');
  expect((await client.instances({ definition: 'billing' })).items).toHaveLength(1);

  await client.deploy({ ...shipping, input: {} });
  await client.replayDeadLetter(deadLetter?.id ?? '');
  await eventually(async () => {
    expect((await client.instances({ definition: 'shipping' })).items).toMatchObject([{ definition: { version: 2 }, businessKey: 'o-1' }]);
  });
  expect((await client.instances({ definition: 'billing' })).items).toHaveLength(1);
});
