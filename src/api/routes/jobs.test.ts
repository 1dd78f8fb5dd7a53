import { describe, expect, it } from 'vitest';
import type { Json } from '../../core/json.ts';
import { createJobCommands } from '../../engine/job/job-commands.ts';
import { waiting } from '../testing/definitions.ts';
import { memoryOutgoing } from '../testing/memory-ports.ts';
import { type Body, expectProblem, openTestApi, type TestApi } from '../testing/test-api.ts';

const query = { definition: 'waiting' };

/** An API with so many instances that wait. */
async function withWaiting(count: number): Promise<TestApi & { readonly ids: readonly string[] }> {
  const api = await openTestApi();
  await api.deploy(waiting);
  const ids: string[] = [];
  for (let n = 0; n < count; n++) ids.push(await api.start('waiting'));
  return Object.assign(api, { ids: ids.sort() });
}

/** In the place of an orchestrator: sends all pages that are due. */
async function runJobs({ engine }: TestApi): Promise<void> {
  const commandsOf = createJobCommands(await memoryOutgoing());
  while ((await engine.jobs.advance(commandsOf)).advanced !== null);
}

async function create(api: TestApi, body: Json): Promise<Body> {
  const answer = await api.ask('POST', '/v1/jobs', body);
  expect(answer.status).toBe(201);
  return answer.body as Body;
}

describe('A job', () => {
  it('is created with its defaults, shown, and carried out by somebody else', async () => {
    const api = await withWaiting(2);
    const answer = await api.ask('POST', '/v1/jobs', { operation: 'cancel', query });
    expect(answer).toMatchObject({
      status: 201,
      body: {
        ...{ operation: 'cancel', query, reason: null, by: 'root', status: 'running', paused: null, rate: 100, canary: null },
        ...{ maxFailures: null, selected: 2, moreSelected: false, sent: 0, pending: 0, applied: 0, refused: 0, finishedAt: null },
      },
    });
    const { jobId } = answer.body as Body;
    expect(answer.headers.location).toBe(`/v1/jobs/${jobId}`);
    await runJobs(api);
    expect(await api.ask('GET', `/v1/jobs/${jobId}`)).toMatchObject({ status: 200, body: { sent: 2, pending: 2 } });
    expect(await api.ask('GET', '/v1/jobs')).toMatchObject({ status: 200, body: { items: [{ jobId, sent: 2 }], nextCursor: null } });
    expect(await api.ask('GET', '/v1/jobs?status=done')).toMatchObject({ body: { items: [] } });
  });

  it('shows what became of each instance, by pages and by result', async () => {
    const api = await withWaiting(3);
    const { jobId } = await create(api, { operation: 'cancel', query });
    await runJobs(api);
    const first = await api.ask('GET', `/v1/jobs/${jobId}/results?limit=2`);
    const nothing = { result: 'pending', code: null, reason: null, at: null };
    expect(first.body).toMatchObject({ items: api.ids.slice(0, 2).map((instanceId) => ({ instanceId, ...nothing })) });
    const rest = await api.ask('GET', `/v1/jobs/${jobId}/results?cursor=${String((first.body as Body).nextCursor)}`);
    expect(rest.body).toMatchObject({ items: [{ instanceId: api.ids[2] }], nextCursor: null });
    expect(await api.ask('GET', `/v1/jobs/${jobId}/results?result=refused`)).toMatchObject({ status: 200, body: { items: [] } });
  });

  it('says in a dry run what it would be for, and is not created', async () => {
    const api = await withWaiting(12);
    const answer = await api.ask('POST', '/v1/jobs', { operation: 'pause', query, dryRun: true });
    expect(answer).toMatchObject({ status: 200, body: { selected: 12, moreSelected: false } });
    expect((answer.body as unknown as { sample: readonly { instanceId: string }[] }).sample.map(({ instanceId }) => instanceId)).toEqual(
      api.ids.slice(0, 10),
    );
    expect((await api.ask('GET', '/v1/jobs')).body).toMatchObject({ items: [] });
  });

  it('is created once for an Idempotency-Key', async () => {
    const api = await withWaiting(1);
    const headers = { 'idempotency-key': 'night' };
    const body = { operation: 'cancel', query };
    const [first, again] = [await api.ask('POST', '/v1/jobs', body, { headers }), await api.ask('POST', '/v1/jobs', body, { headers })];
    expect([first.status, again.status]).toEqual([201, 201]);
    expect((again.body as Body).jobId).toBe((first.body as Body).jobId);
    const other = await api.ask('POST', '/v1/jobs', { ...body, operation: 'pause' }, { headers });
    expect(expectProblem(other, 422, 'MR_IDEMPOTENCY_KEY_REUSED').errors).toEqual([
      { pointer: '/headers/idempotency-key', message: 'Use a new key for another job.' },
    ]);
  });

  it('is paused, resumed and cancelled, and says where its status does not allow it', async () => {
    const api = await withWaiting(1);
    const { jobId } = await create(api, { operation: 'cancel', query });
    const act = (action: string) => api.ask('POST', `/v1/jobs/${jobId}/${action}`, {});
    expect((await act('pause')).body).toMatchObject({ status: 'paused', paused: { why: 'person', by: 'root' } });
    expect(expectProblem(await act('pause'), 409, 'MR_JOB_STATUS').detail).toBe('The job is paused already.');
    expect((await act('resume')).body).toMatchObject({ status: 'running', paused: null });
    expect(expectProblem(await act('resume'), 409, 'MR_JOB_STATUS').detail).toBe('The job is not paused.');
    await runJobs(api);
    expect(expectProblem(await act('pause'), 409, 'MR_JOB_STATUS').detail).toBe('The job has sent everything: it waits for results.');
    expect((await act('cancel')).body).toMatchObject({ status: 'cancelled', sent: 1 });
    expect(expectProblem(await act('cancel'), 409, 'MR_JOB_STATUS').detail).toBe('The job is cancelled.');
  });

  it('takes what lists of instances ask for', async () => {
    const api = await withWaiting(1);
    const asked = {
      definition: 'waiting',
      version: 1,
      status: 'running',
      startedFrom: '2025-12-31T23:00:00Z',
      startedTo: '2026-01-02T01:00:00+01:00',
    };
    const job = await create(api, { operation: 'cancel', query: asked, reason: 'wrong price', rate: 7, canary: 3, maxFailures: 0 });
    expect(job).toMatchObject({
      query: { ...asked, startedFrom: '2025-12-31T23:00:00.000Z', startedTo: '2026-01-02T00:00:00.000Z' },
      ...{ reason: 'wrong price', rate: 7, canary: 3, maxFailures: 0, selected: 1 },
    });
  });

  it.each([
    ['neither a query nor all', { operation: 'cancel' }, '/query', 'Give at least one filter, or `"all": true` for all instances.'],
    ['an empty query', { operation: 'cancel', query: {} }, '/query', 'Give at least one filter, or `"all": true` for all instances.'],
    ['a query and all', { operation: 'cancel', query, all: true }, '/all', 'Give either a query or `"all": true`, not both.'],
    [
      'instances that have ended',
      { operation: 'retry', query: { status: 'failed' } },
      '/query/status',
      'Instances that have ended take no commands: ask for another status, or leave it out.',
    ],
    ['an unknown operation', { operation: 'delete', query }, '/operation', 'The value must be equal to one of the allowed values.'],
    ['an unknown filter', { operation: 'cancel', query: { name: 'x' } }, '/query/name', 'Unknown: there is no such field or parameter.'],
    ['a parent that is no id', { operation: 'cancel', query: { parent: '-'.repeat(36) } }, '/query/parent', 'Expected an instance id.'],
    ['a version of no migration', { operation: 'cancel', query, toVersion: 2 }, '/toVersion', 'Only `migrate` takes a version.'],
    ['a migration to nowhere', { operation: 'migrate', query }, '/toVersion', 'Give the version to move to, its number or `latest`.'],
    [
      'a migration of anything',
      { operation: 'migrate', query: { businessKey: 'k' }, toVersion: 2 },
      '/query/definition',
      'Name the definition: a version is one of a definition.',
    ],
    ['no rate', { operation: 'cancel', query, rate: 0 }, '/rate', 'The value must be >= 1.'],
    ['a rate above the most', { operation: 'cancel', query, rate: 10_001 }, '/rate', 'The value must be <= 10000.'],
    ['an unknown field', { operation: 'cancel', query, speed: 1 }, '/speed', 'Unknown: there is no such field or parameter.'],
    ['all that is not true', { operation: 'cancel', all: false }, '/all', 'The value must be equal to constant.'],
  ])('is refused with %s', async (_, body, pointer, message) => {
    const { ask } = await openTestApi();
    expect(expectProblem(await ask('POST', '/v1/jobs', body as Json), 400, 'MR_REQUEST_INVALID').errors).toEqual([{ pointer, message }]);
  });

  it('moves instances to the version that is the latest when it is created', async () => {
    const api = await withWaiting(1);
    await api.deploy({ ...waiting, output: 1 });
    const job = await create(api, { operation: 'migrate', query, toVersion: 'latest' });
    expect(job).toMatchObject({ operation: 'migrate', toVersion: 2, selected: 1 });
    expect(await create(api, { operation: 'migrate', query, toVersion: 1 })).toMatchObject({ toVersion: 1, selected: 0 });
    expectProblem(await api.ask('POST', '/v1/jobs', { operation: 'migrate', query, toVersion: 3 }), 404, 'MR_NOT_FOUND');
    const nobody = { operation: 'migrate', query: { definition: 'nobody' }, toVersion: 'latest' };
    expectProblem(await api.ask('POST', '/v1/jobs', nobody), 404, 'MR_NOT_FOUND');
  });

  it('that is not there is answered 404, and a cursor of another list is refused', async () => {
    const api = await withWaiting(1);
    const { jobId } = await create(api, { operation: 'cancel', query });
    for (const id of ['nothing', '019ac5e0-6d3c-7a52-b1ce-0d9d2e0d8f11']) {
      expectProblem(await api.ask('GET', `/v1/jobs/${id}`), 404, 'MR_NOT_FOUND');
      expectProblem(await api.ask('GET', `/v1/jobs/${id}/results`), 404, 'MR_NOT_FOUND');
      expectProblem(await api.ask('POST', `/v1/jobs/${id}/cancel`, {}), 404, 'MR_NOT_FOUND');
    }
    const cursor = Buffer.from(JSON.stringify(['jobs', jobId ?? ''])).toString('base64url');
    expectProblem(await api.ask('GET', `/v1/jobs/${jobId}/results?cursor=${cursor}`), 400, 'MR_CURSOR_INVALID');
  });
});
