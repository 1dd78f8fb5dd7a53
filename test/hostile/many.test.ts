/** Many of what is small alone: live streams of one instance, versions of one definition, instances of one job. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPool, type Pool } from '../../src/store/postgres/index.ts';
import { copyRows } from '../support/copied-rows.ts';
import { eventually } from '../support/eventually.ts';
import { HostileLab } from '../support/hostile-lab.ts';
import { transform } from './documents.ts';

const MIB = 1_048_576;
const STREAMS_MAX = 1_000;
const STREAMS_OF_KEY_MAX = 250;
const VERSIONS = 1_000;
const INSTANCES = 100_000;
/** The copies come behind all that was started. */
const COPIES_FROM = 'f1890000-0000-7000-8000-000000000000';

let lab: HostileLab;

beforeAll(async () => {
  lab = await HostileLab.open('hostile-many', { workers: [] });
}, 180_000);
afterAll(async () => {
  await lab?.close();
}, 60_000);

async function withPool<T>(url: 'DEFINITION_DATABASE_URL' | 'INSTANCE_DATABASE_URL', work: (pool: Pool) => Promise<T>): Promise<T> {
  const pool = createPool(lab.installation.env[url] ?? '', { connections: 1 });
  try {
    return await work(pool);
  } finally {
    await pool.end();
  }
}

test('a thousand live streams of one instance see it end, and one key opens no more than its share', { timeout: 120_000 }, async () => {
  const body = { nodes: { a: transform('${ index }') }, edges: [] };
  await lab.engine.deploy({
    id: 'watched',
    nodes: {
      go: { type: 'event', event: 'hostile.go', key: 'watched' },
      rounds: { type: 'repeat', max: 40, until: 'index == 39', body },
    },
    edges: [{ from: 'go', to: 'rounds' }],
  });
  const id = await lab.engine.startInstance('watched');
  const path = `/v1/instances/${id}/events`;
  const open = async (key: string): Promise<Response> =>
    await fetch(`${lab.engine.url}${path}`, { headers: { authorization: `Bearer ${key}` } });
  const keys = await Promise.all(Array.from({ length: STREAMS_MAX / STREAMS_OF_KEY_MAX }, () => lab.createKey('viewer')));
  const streams = (
    await Promise.all(keys.map(async (key) => await Promise.all(Array.from({ length: STREAMS_OF_KEY_MAX }, () => open(key)))))
  ).flat();
  expect(new Set(streams.map(({ status }) => status))).toEqual(new Set([200]));
  for (const key of [keys[0] ?? '', await lab.createKey('viewer')]) {
    const refused = await lab.ask('GET', path, undefined, { authorization: `Bearer ${key}` });
    expect([refused.status, refused.text]).toEqual([429, expect.stringContaining('MR_TOO_MANY_STREAMS')]);
  }
  await lab.engine.client.sendEvent({ type: 'hostile.go', key: 'watched', data: null });
  for (const stream of streams) expect(await stream.text()).toContain('InstanceCompleted');
});

test('a definition with a thousand versions is listed, deployed and started', { timeout: 120_000 }, async () => {
  const { client } = lab.engine;
  // Large ones: together they are 100 MB.
  const filling = { type: 'transform', output: 'x'.repeat(100_000) };
  const document = (n: number) => ({ id: 'old', title: `Version ${n}`, nodes: { a: transform(String(n)), filling } });
  await lab.engine.deploy(document(1));
  await withPool('DEFINITION_DATABASE_URL', async (pool) => {
    const own = { version: 'n', content_hash: "'copy ' || n" };
    await copyRows(pool, 'definition_version', {
      where: "t.id = 'old' AND t.version = 1",
      from: `generate_series(2, ${VERSIONS}) AS n`,
      own,
    });
  });
  for (const listed of ['/v1/definitions?limit=500', '/v1/definitions/old']) {
    const { status, text } = await lab.ask('GET', listed);
    expect([listed, status]).toEqual([listed, 200]);
    expect(text.length, listed).toBeLessThan(MIB);
    expect(text).toContain(`:${VERSIONS}`);
  }
  await lab.engine.deploy(document(2));
  const started = await client.start('old', {}, { waitMs: 30_000 });
  expect(started).toMatchObject({ status: 'completed', definition: { id: 'old', version: VERSIONS + 1 } });
});

test('a job over a hundred thousand instances is looked at, made, paused and cancelled', { timeout: 180_000 }, async () => {
  const { client } = lab.engine;
  await lab.engine.deploy({ id: 'parked', nodes: { nap: { type: 'wait', for: '1h' } } });
  const id = await lab.engine.startInstance('parked');
  await withPool('INSTANCE_DATABASE_URL', async (pool) => {
    const own = { id: `('f1890000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid` };
    await copyRows(pool, 'instance', { where: `t.id = '${id}'`, from: `generate_series(1, ${INSTANCES}) AS n`, own });
    await pool.query('ANALYZE instance');
  });
  try {
    const query = { definition: 'parked' };
    expect(await client.previewJob({ operation: 'cancel', query })).toMatchObject({ selected: INSTANCES, moreSelected: true });
    // The one that was started is the first, so no copy gets a command: they have no histories.
    const { jobId } = await client.createJob({ operation: 'cancel', query, canary: 1 });
    await eventually(async () => expect(await client.job(jobId)).toMatchObject({ status: 'paused' }), { timeoutMs: 60_000 });
    await eventually(async () => expect(await client.instance(id)).toMatchObject({ status: 'cancelled' }), { timeoutMs: 60_000 });
    for (let pages = 0, cursor: string | null = null; pages < 5; pages++) {
      const page: Awaited<ReturnType<typeof client.instances>> = await client.instances({
        ...{ definition: 'parked', status: 'running', limit: 500 },
        ...(cursor === null ? {} : { cursor }),
      });
      expect(page.items).toHaveLength(500);
      cursor = page.nextCursor;
    }
    await client.cancelJob(jobId);
    await eventually(async () => expect(await client.job(jobId)).toMatchObject({ status: 'cancelled' }), { timeoutMs: 60_000 });
  } finally {
    await withPool('INSTANCE_DATABASE_URL', (pool) => pool.query('DELETE FROM instance WHERE id >= $1', [COPIES_FROM]));
  }
});

test('have harmed no process', async () => await lab.isUnharmed());
