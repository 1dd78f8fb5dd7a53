/** The whole engine in memory, used as an author uses it: through the typed client, with handlers of a module. */
import { afterEach, expect, it, vi } from 'vitest';
import { createClient } from '../client/index.ts';
import { loadConfig } from '../service/config.ts';
import { defineTask, RetryableError } from '../worker/index.ts';
import { type DevEngine, type DevOptions, devConfigGroups, startDevEngine } from './dev-engine.ts';

const running: DevEngine[] = [];

async function start(options: DevOptions = {}, env: Readonly<Record<string, string>> = {}) {
  const engine = await startDevEngine(loadConfig({ PORT: '0', LOG_LEVEL: 'error', ...env }, devConfigGroups), options);
  running.push(engine);
  return { engine, client: createClient(engine) };
}

afterEach(async () => {
  for (const engine of running.splice(0)) await engine.stop();
});

const order = {
  id: 'order',
  nodes: {
    price: { type: 'task', task: 'price', queue: 'prices', input: '${ input.items }' },
    ship: {
      type: 'forEach',
      items: '${ input.items }',
      body: { nodes: { pack: { type: 'task', task: 'pack', input: '${ item }' } }, output: '${ nodes.pack.output }' },
    },
    approve: { type: 'human', title: 'Approve ${ nodes.price.output }', assignees: { users: ['ada'] } },
    paid: { type: 'event', event: 'payment.confirmed', key: '${ input.id }' },
    pause: { type: 'wait', for: '10ms' },
  },
  edges: [
    { from: 'price', to: 'ship' },
    { from: 'ship', to: 'approve' },
    { from: 'approve', to: 'paid' },
    { from: 'paid', to: 'pause' },
  ],
  output: {
    total: '${ nodes.price.output }',
    packed: '${ nodes.ship.output }',
    approved: '${ nodes.approve.output }',
    paid: '${ nodes.paid.output.data }',
  },
};

const price = defineTask({ name: 'price', queue: 'prices', run: (items) => (Array.isArray(items) ? items.length * 10 : 0) });
const pack = defineTask({ name: 'pack', run: (item) => `${String(item)} in a box` });

it('runs a task, a loop, a human task, an event and a timer to the end of their instance', async () => {
  const { client } = await start({ handlers: [price, pack] });
  await client.deploy(order);
  const { instanceId } = await client.start('order', { input: { id: 'o-1', items: ['a', 'b', 'c'] } });
  // Every entry of history comes by itself; what a person and another system do is done when it is their turn.
  for await (const { type, taskId } of client.follow(instanceId)) {
    if (type === 'HumanTaskOpened') {
      expect(await client.inbox({ assignee: 'ada' })).toMatchObject({ items: [{ taskId, title: 'Approve 30', nodeId: 'approve' }] });
      await client.complete(`${instanceId}.approve`, { ok: true }, { waitMs: 10_000 });
    }
    if (type === 'EventAwaited') await client.sendEvent({ type: 'payment.confirmed', key: 'o-1', data: { cents: 3_000 } });
  }
  expect(await client.instance(instanceId)).toMatchObject({
    status: 'completed',
    output: { total: 30, packed: ['a in a box', 'b in a box', 'c in a box'], approved: { ok: true }, paid: { cents: 3_000 } },
  });
  expect(await client.deadLetters()).toMatchObject({ items: [] });
});

it('tries a handler again that failed for now, and makes an incident of what fails for good', async () => {
  let calls = 0;
  const flaky = defineTask({
    name: 'flaky',
    run: () => {
      if (++calls < 3) throw new RetryableError('BUSY', 'Not yet.');
      throw new Error('Never.');
    },
  });
  const { client } = await start({ handlers: [flaky] });
  await client.deploy({
    id: 'flaky',
    nodes: { only: { type: 'task', task: 'flaky', retry: { maxAttempts: 3, initial: '1ms', jitter: 'none' } } },
  });
  const { instanceId } = await client.start('flaky');
  for await (const { type } of client.follow(instanceId)) if (type === 'IncidentRaised') break;
  expect(calls).toBe(3);
  expect(await client.instance(instanceId)).toMatchObject({ status: 'incident' });
});

it('gives a worker the secrets that the definition names, shows nobody a value, and takes none that data names', async () => {
  vi.stubEnv('MILLRACE_SECRET_KEY', 'geheim-123');
  const seen: unknown[] = [];
  const echo = defineTask({
    name: 'echo',
    run: (input) => {
      seen.push(input);
      return input;
    },
  });
  const { client } = await start({ handlers: [echo] });
  const forged = '${ secrets.KEY }';
  await client.deploy({
    id: 'secret',
    nodes: { a: { type: 'task', task: 'echo', input: { key: 'Key ${ secrets.KEY }', said: '${ input.said }' } } },
    output: '${ nodes.a.output }',
  });
  const instance = await client.start('secret', { input: { said: forged } }, { waitMs: 20_000 });
  expect(seen).toEqual([{ key: 'Key geheim-123', said: forged }]);
  expect(instance).toMatchObject({ status: 'completed', output: { key: 'Key ${ secrets.KEY }', said: forged } });
  const history = await client.history('instanceId' in instance ? instance.instanceId : '');
  expect(JSON.stringify(history)).not.toContain('geheim');
  vi.unstubAllEnvs();
});

it('publishes to topics of others, and reads events from those that are listed', async () => {
  const env = { MILLRACE_PUBLISH_TOPICS: 'theirs', MILLRACE_EVENT_TOPICS: 'theirs' };
  const { client } = await start({}, env);
  await client.deploy({
    id: 'echo',
    nodes: {
      tell: { type: 'publish', event: 'said', topic: 'theirs', key: '${ instance.id }', data: 'hello' },
      hear: { type: 'event', event: 'said', key: '${ instance.id }' },
    },
    output: '${ nodes.hear.output.data }',
  });
  expect(await client.start('echo', {}, { waitMs: 20_000 })).toMatchObject({ status: 'completed', output: 'hello' });
});

it('keeps nothing: another engine knows neither definitions nor keys of the one before', async () => {
  const first = await start();
  await first.client.deploy(order);
  const second = await start({}, { MILLRACE_API_KEY: 'the-key-of-the-second' });
  expect(second.engine.apiKey).toBe('the-key-of-the-second');
  expect(await second.client.definitions()).toMatchObject({ items: [] });
  const stranger = createClient({ url: second.engine.url, apiKey: first.engine.apiKey });
  await expect(stranger.definitions()).rejects.toMatchObject({ status: 401 });
});

it('closes everything again when a part cannot start', async () => {
  const { engine } = await start();
  const port = new URL(engine.url).port;
  await expect(startDevEngine(loadConfig({ PORT: port, LOG_LEVEL: 'silent' }, devConfigGroups))).rejects.toMatchObject({
    code: 'EADDRINUSE',
  });
});

it('takes and gives what is too large for a record', async () => {
  const turn = defineTask({ name: 'turn', run: (input) => ({ text: [...(input as { text: string }).text].reverse().join('') }) });
  const env = {
    ...{ MILLRACE_REFERENCE_BYTES: '65536', MILLRACE_LIMIT_PAYLOAD_BYTES: '4194304', MILLRACE_BODY_LIMIT_BYTES: '4194304' },
    LOG_LEVEL: 'fatal',
  };
  const { client } = await start({ handlers: [turn] }, env);
  await client.deploy({
    id: 'large',
    nodes: {
      once: { type: 'task', task: 'turn', input: '${ input }' },
      again: { type: 'task', task: 'turn', input: '${ nodes.once.output }' },
    },
    edges: [{ from: 'once', to: 'again' }],
    output: '${ nodes.again.output }',
  });
  const input = { text: `ü${'x'.repeat(2_000_000)}` };
  expect(await client.start('large', { input }, { waitMs: 20_000 })).toMatchObject({ status: 'completed', output: input });
});
