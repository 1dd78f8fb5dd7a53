/**
 * When starts are refused, and what a lost database does to the API: on databases of its own, with no connector behind
 * them, so that the test decides what the slot has confirmed.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { apiConfigGroups, type RunningApi, runApi } from '../../src/api/main.ts';
import { type Client, createClient, MillraceApiError } from '../../src/client/index.ts';
import { connectKafka } from '../../src/messaging/kafkajs/index.ts';
import { recordsOnTopics, registerSchemas } from '../../src/messaging/registration.ts';
import { connectRegistry } from '../../src/messaging/registry.ts';
import { ensureTopics, outboxTopics } from '../../src/messaging/topics.ts';
import { loadConfig } from '../../src/service/config.ts';
import { kafkaOptions, registryOptions, topicSettings } from '../../src/service/connections.ts';
import { createPools, registerTopics } from '../../src/store/postgres/index.ts';
import { stackEnv } from '../support/env.ts';
import { eventually } from '../support/eventually.ts';
import { asSuperuser, createFreshDatabases, type FreshDatabases } from '../support/fresh-databases.ts';

const PREFIX = 'apiprocess';
const home = mkdtempSync(join(tmpdir(), 'millrace-api-'));
const document = { id: 'gated', nodes: { only: { type: 'transform', output: { x: 1 } } } };

let databases: FreshDatabases;
let api: RunningApi;
let client: Client;

beforeAll(async () => {
  databases = await createFreshDatabases(PREFIX);
  await databases.migrate();
  const { definitions, instances } = databases.config.databases;
  const env = {
    ...stackEnv(),
    DEFINITION_DATABASE_URL: definitions,
    INSTANCE_DATABASE_URL: instances,
    MILLRACE_TOPIC_PREFIX: PREFIX,
    MILLRACE_HOME: home,
    PORT: '0',
    MILLRACE_LIMIT_NODES: '3',
    MILLRACE_LIMIT_DEPTH: '10',
    MILLRACE_LIMIT_DEFINITION_BYTES: '2000',
    MILLRACE_LIMIT_STATE_BYTES: '20000',
    LOG_LEVEL: 'silent',
  };
  const config = loadConfig(env, apiConfigGroups);
  const admin = connectKafka(kafkaOptions(config), pino({ level: 'silent' })).admin();
  await ensureTopics(admin, topicSettings(config));
  await admin.close();
  await registerSchemas(connectRegistry(registryOptions(config)), recordsOnTopics(PREFIX));
  const pools = createPools({ definitions, instances });
  await registerTopics(pools.instances, outboxTopics(PREFIX));
  await pools.close();
  // Both at once, as processes are started: there is one bootstrap key all the same.
  const [first, second] = await Promise.all([runApi(config), runApi(config)]);
  await second.stop();
  api = first;
  // Nothing is repeated, so that every answer is seen.
  client = createClient({ url: api.url, apiKey: readFileSync(join(home, 'api-key'), 'utf8').trim(), retries: 0 });
  await client.deploy(document);
}, 120_000);
afterAll(async () => {
  await api?.stop();
  await databases?.drop();
  rmSync(home, { recursive: true, force: true });
});

async function refusalOf(work: () => Promise<unknown>): Promise<MillraceApiError> {
  try {
    await work();
  } catch (error) {
    if (error instanceof MillraceApiError) return error;
    throw error;
  }
  throw new Error('it was accepted');
}

const startsRefused = (reason: string): Promise<void> =>
  eventually(async () => {
    const error = await refusalOf(() => client.start(document.id));
    expect({ status: error.status, code: error.code, message: error.message }).toMatchObject({
      status: 503,
      code: 'MR_NOT_PUBLISHING',
      message: expect.stringContaining(reason),
    });
  });

const confirmEverything = (): Promise<unknown> =>
  databases.query('SELECT pg_replication_slot_advance($1, pg_current_wal_insert_lsn())', [databases.slot]);

it('takes starts from when the slot was first confirmed', async () => {
  await startsRefused('has not confirmed');
  // Everything else is served meanwhile.
  expect((await client.definitions()).items).toMatchObject([{ id: document.id }]);
  expect((await fetch(`${api.url}/health/ready`)).status).toBe(200);
  await eventually(async () => {
    await confirmEverything();
    expect(await client.start(document.id, {}, { waitMs: 10_000 })).toMatchObject({ status: 'completed' });
  });
});

it('refuses a start whose state would be above the limit that is set', async () => {
  await client.deploy({ id: 'keeping', vars: { kept: '${ input.text }' }, nodes: { nap: { type: 'wait', for: '1h' } } });
  expect(await refusalOf(() => client.start('keeping', { input: { text: 'x'.repeat(20_000) } }))).toMatchObject({
    status: 413,
    code: 'MR_STATE_TOO_LARGE',
    message: expect.stringContaining('MILLRACE_LIMIT_STATE_BYTES, 20000'),
  });
  await client.start('keeping', { input: { text: 'x'.repeat(10_000) } });
});

it('takes none while the slot is gone', async () => {
  await databases.query('SELECT pg_drop_replication_slot($1)', [databases.slot]);
  await startsRefused('slot is gone');
  await databases.migrate();
  await eventually(async () => {
    await confirmEverything();
    await client.start(document.id);
  });
});

const step = { type: 'transform', output: 1 };

it.each([
  ['nodes', { a: step, b: step, c: step, d: step }, '/nodes', '4 nodes'],
  ['nesting', { a: { ...step, output: [[[[[[[[1]]]]]]]] } }, '/nodes/a/output/0/0/0/0/0/0/0', '10 levels'],
])('refuses a deploy above the limit of %s that is set', async (_, nodes, pointer, message) => {
  const refused = await refusalOf(() => client.deploy({ id: 'large', nodes }));
  expect(refused).toMatchObject({ status: 422, code: 'MR_DEFINITION_INVALID' });
  expect(refused.errors).toMatchObject([{ pointer, code: 'MR_DEF_LIMIT', message: expect.stringContaining(message) }]);
});

it('refuses a deploy above the limit of bytes that is set', async () => {
  const refused = await refusalOf(() => client.deploy({ id: 'large', nodes: { a: { ...step, output: 'x'.repeat(2_000) } } }));
  expect(refused).toMatchObject({ status: 413, code: 'MR_DEFINITION_TOO_LARGE', message: expect.stringContaining('at most 2000') });
});

it('made one bootstrap key for two processes that started at once', async () => {
  const [{ count } = { count: 0 }] = await asSuperuser(
    `${PREFIX}_definitions`,
    async (db) => (await db.query<{ count: number }>('SELECT count(*)::int AS count FROM api_key')).rows,
  );
  expect(count).toBe(1);
});

it('says that it is not ready, and 503, while a database is away, and goes on by itself', async () => {
  const database = `${PREFIX}_instances`;
  await asSuperuser('postgres', async (db) => {
    await db.query(`ALTER DATABASE ${database} ALLOW_CONNECTIONS false`);
    await db.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [database]);
  });
  const ready = async () => {
    const response = await fetch(`${api.url}/health/ready`);
    return { status: response.status, body: (await response.json()) as { readonly checks: Readonly<Record<string, string>> } };
  };
  await eventually(async () => expect(await ready()).toMatchObject({ status: 503, body: { checks: { 'definition database': 'ok' } } }));
  expect((await fetch(`${api.url}/health/live`)).status).toBe(200);
  const error = await refusalOf(() => client.instances());
  expect({ status: error.status, code: error.code }).toEqual({ status: 503, code: 'MR_DATABASE_UNAVAILABLE' });
  // What needs only the other database goes on.
  expect((await client.definitions()).items.map(({ id }) => id)).toContain(document.id);
  await asSuperuser('postgres', (db) => db.query(`ALTER DATABASE ${database} ALLOW_CONNECTIONS true`));
  await eventually(async () => expect(await ready()).toMatchObject({ status: 200 }));
  await eventually(async () => {
    await confirmEverything();
    await client.start(document.id);
  });
});
