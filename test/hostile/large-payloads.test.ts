/** Payloads at their limits and above them, where large ones go through the database, against the real processes of an installation of its own. */
import { createHash, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventuallyHas } from '../support/eventually.ts';
import { HostileLab } from '../support/hostile-lab.ts';
import { allowedOutputs, refusedOutputs } from '../support/large-output-handlers.ts';

const MIB = 1_048_576;
const WORKER_KEY = `key-of-workers-${randomUUID()}`;
const ID = '019ac5e0-6d3c-7a52-b1ce-0d9d2e0d8f11';

let lab: HostileLab;

beforeAll(async () => {
  const env = {
    ...{ MILLRACE_REFERENCE_BYTES: '65536', MILLRACE_LIMIT_PAYLOAD_BYTES: String(4 * MIB) },
    ...{ MILLRACE_WORKER_API_KEY: WORKER_KEY, MILLRACE_CONCURRENCY: '2' },
  };
  lab = await HostileLab.open('hostile-large', { env, workers: [] });
  await lab.engine.deploy({
    id: 'gives',
    nodes: {
      give: { type: 'task', task: 'hostile.give', queue: 'hostile-large', input: '${ input }', retry: { maxAttempts: 1 } },
      pass: { type: 'transform', output: '${ nodes.give.output == null }' },
    },
    edges: [{ from: 'give', to: 'pass' }],
  });
  await lab.engine.startWorker('test/support/large-output-handlers.ts');
}, 180_000);
afterAll(async () => {
  await lab?.close();
}, 60_000);

const ended = (id: string) =>
  eventuallyHas(
    () => lab.engine.client.task(`${id}.give`),
    ({ status }) => status !== 'scheduled',
    { timeoutMs: 60_000 },
  );

describe('An output', () => {
  test.each(Object.keys(allowedOutputs))('at its limit is taken: %s', { timeout: 90_000 }, async (allowed) => {
    const id = await lab.engine.startInstance('gives', { allowed });
    const task = await ended(id);
    expect([task.status, JSON.stringify(task.output) === JSON.stringify(allowedOutputs[allowed]?.())]).toEqual(['completed', true]);
  });

  test.each(Object.keys(refusedOutputs))('above a limit fails its task: %s', { timeout: 90_000 }, async (refused) => {
    const id = await lab.engine.startInstance('gives', { refused });
    expect(await ended(id)).toMatchObject({ status: 'failed', error: { code: 'OUTPUT_TOO_LARGE' } });
  });

  test('have harmed no process', async () => await lab.isUnharmed('worker-1'));
});

describe('The key of a worker', () => {
  const sha256 = (body: string): string => createHash('sha256').update(body).digest('hex');
  const put = async (body: string, hash = sha256(body), more = ''): Promise<number> => {
    const url = `/v1/tasks/${ID}.give/output?attempt=1&basis=b&sha256=${hash}${more}`;
    return (await lab.ask('PUT', url, body, { authorization: `Bearer ${WORKER_KEY}` })).status;
  };

  test('leaves nothing that is too large, is no JSON, is something else, or is for no task', async () => {
    expect(await put('x'.repeat(4 * MIB + 1))).toBe(413);
    expect(await put(`[${'1,'.repeat(MIB)}1]`)).toBe(413);
    expect(await put(`{${'"a":1,'.repeat(MIB / 2)}"a":1}`)).toBe(413);
    expect(await put('1', sha256('2'))).toBe(400);
    expect(await put('1', 'x'.repeat(64))).toBe(400);
    expect(await put('1', sha256('1'), '&more=1')).toBe(400);
    expect(await put('"\u0000"')).toBe(400);
    for (const body of ['1', '['.repeat(90_000), '{"a":'.repeat(10_000)]) expect(await put(body)).toBe(404);
  });

  test('has harmed no process', async () => await lab.isUnharmed('worker-1'));
});
