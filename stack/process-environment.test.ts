import { expect, test } from 'vitest';
import { apiConfigGroups } from '../src/api/main.ts';
import { orchestratorConfigGroups } from '../src/orchestrator/main.ts';
import { loadConfig } from '../src/service/config.ts';
import { workerConfigGroups } from '../src/task-consumer/main.ts';
import { apiUrl, payloadEnvironment } from './engine.ts';
import { environmentFor, type Role } from './process-environment.ts';
import { stackEnvironment as stack } from './testing/environment.ts';

const users = {
  PATH: '/bin',
  STRIPE_KEY: 'for the handlers',
  MILLRACE_API_KEY: 'admin-key-0123456789',
  MILLRACE_API_KEY_FILE: '/key',
  MILLRACE_WORKER_API_KEY: 'key-of-workers-0123',
};
const of = (role: Role): Record<string, string> => environmentFor(role, { ...users, ...stack });

test.each(['worker', 'task-consumer', 'server'] as const)('a %s gets neither a database nor the admin key', (role) => {
  expect(JSON.stringify(of(role))).not.toMatch(/engine-password|connect-password|rest-password|admin-key|MILLRACE_API_KEY|\.millrace/);
});

test('whoever runs code of users gets what users have set, and a server of an example nothing of Kafka', () => {
  for (const role of ['worker', 'server'] as const) expect(of(role)).toMatchObject({ PATH: '/bin', STRIPE_KEY: 'for the handlers' });
  expect(Object.keys(of('server'))).not.toContain('KAFKA_BROKERS');
});

test('the replication login is for commands alone, the admin key for the API, the login of Connect for the orchestrator', () => {
  expect(JSON.stringify([of('api'), of('orchestrator')])).not.toContain('connect-password');
  expect(JSON.stringify(of('orchestrator'))).not.toContain('admin-key');
  expect(JSON.stringify(of('api'))).not.toContain('rest-password');
  expect(of('api').MILLRACE_API_KEY).toBe('admin-key-0123456789');
});

test('the key of workers is for them and for the API that installs it', () => {
  for (const role of ['api', 'task-consumer', 'worker'] as const) expect(of(role).MILLRACE_WORKER_API_KEY).toBe('key-of-workers-0123');
  for (const role of ['orchestrator', 'server'] as const) expect(JSON.stringify(of(role))).not.toContain('key-of-workers-0123');
});

test('each process still gets all that it needs', () => {
  const { MILLRACE_API_KEY_FILE, ...api } = of('api');
  expect(MILLRACE_API_KEY_FILE).toBe('/key');
  expect(loadConfig(api, apiConfigGroups).databases.instances).toContain('engine-password');
  expect(loadConfig(of('orchestrator'), orchestratorConfigGroups).connect).toMatchObject({
    url: 'http://127.0.0.1:8083',
    credentials: { username: 'millrace', password: 'rest-password' },
  });
  for (const role of ['worker', 'task-consumer'] as const)
    expect(loadConfig(of(role), workerConfigGroups).kafka.brokers).toEqual(['127.0.0.1:9092']);
});

test('workers of `npm start` are told where large payloads are, where those are on, with a key of the user or a new one', () => {
  expect(payloadEnvironment(stack, {})).toEqual({});
  expect(payloadEnvironment(stack, { MILLRACE_REFERENCE_BYTES: '0' })).toEqual({});
  const on = { MILLRACE_REFERENCE_BYTES: '65536' };
  const made = payloadEnvironment(stack, on);
  expect(made).toEqual({ MILLRACE_URL: apiUrl(stack), MILLRACE_WORKER_API_KEY: expect.stringMatching(/^mr_[\w-]{43}$/) });
  expect(payloadEnvironment(stack, on).MILLRACE_WORKER_API_KEY).not.toBe(made.MILLRACE_WORKER_API_KEY);
  expect(payloadEnvironment(stack, { ...on, MILLRACE_WORKER_API_KEY: 'given' })).toEqual({ MILLRACE_URL: apiUrl(stack) });
});
