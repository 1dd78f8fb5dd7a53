import { expect, test } from 'vitest';
import { createAddressGuard } from '../src/task-consumer/executors/address-guard.ts';
import { findExamples, processSettings } from './engine.ts';
import { stackEnvironment as stack } from './testing/environment.ts';

/** Ports of this machine that an `http` node reaches. */
async function reached(env: Readonly<Record<string, string>>): Promise<readonly number[]> {
  const settings = processSettings(findExamples(), stack, env)('task-consumer-1');
  const lists = [settings.MILLRACE_HTTP_ALLOW, settings.MILLRACE_HTTP_DENY].map((list) => (list ?? '').split(','));
  const [allow = [], deny = []] = lists;
  const guard = createAddressGuard({ allowPrivate: false, allow, deny });
  const ports = [8080, 8081, 8083, 8090, 8091, 9000, 9092, 54_320];
  const answers = await Promise.all(ports.map(async (port) => ({ port, denied: await guard.deny(new URL(`http://127.0.0.1:${port}/`)) })));
  return answers.filter(({ denied }) => denied === null).map(({ port }) => port);
}

test('http nodes reach the port of the example server and nothing else of this machine', async () => {
  expect(await reached({})).toEqual([8090]);
  expect(await reached({ EXAMPLE_SERVER_PORT: '8091' })).toEqual([8091]);
});

test('what the stack listens on stays closed although the whole machine is allowed, unless it is named with its port', async () => {
  expect(await reached({ MILLRACE_HTTP_ALLOW: '127.0.0.0/8' })).toEqual([8090, 8091, 9000]);
  expect(await reached({ MILLRACE_HTTP_ALLOW: '127.0.0.1:8083' })).toEqual([8083, 8090]);
});

test('no other process is told any of this', () => {
  expect(processSettings(findExamples(), stack, {})('api')).toEqual({});
});
