import { describe, expect, it } from 'vitest';
import type { InstanceId } from '../../core/ids.ts';
import { withApproval } from '../testing/definitions.ts';
import { type Body, expectProblem, openTestApi } from '../testing/test-api.ts';

describe('An instance', () => {
  it('says why it waits', async () => {
    const { ask, id, task } = await withApproval();
    expect((await ask('GET', `/v1/instances/${id}`)).body).toMatchObject({
      status: 'running',
      businessKey: 'e-17',
      input: { amount: 120 },
      open: [
        {
          taskId: task,
          nodeId: 'approve',
          waitingFor: { kind: 'person', title: 'Approve 120', assignees: { users: ['ada'], roles: ['manager'] } },
        },
      ],
      openCount: 1,
      pending: [],
    });
  });

  it('is found by what it is, in pages', async () => {
    const api = await withApproval();
    for (const n of [1, 2, 3]) await api.start('approval', { input: { amount: n }, businessKey: `k${n}` });
    const seen: unknown[] = [];
    let cursor = '';
    do {
      const { items, nextCursor } = (await api.ask('GET', `/v1/instances?limit=2&definition=approval${cursor}`)).body as Body;
      seen.push(...(items as Body[]).map(({ businessKey }) => businessKey));
      cursor = nextCursor === null ? '' : `&cursor=${String(nextCursor)}`;
    } while (cursor !== '');
    expect(seen).toEqual(['k3', 'k2', 'k1', 'e-17']);
    expect((await api.ask('GET', '/v1/instances?businessKey=k2')).body).toMatchObject({ items: [{ businessKey: 'k2' }] });
    expect((await api.ask('GET', '/v1/instances?status=failed')).body).toMatchObject({ items: [] });
  });

  it('has a history in pages, and tasks', async () => {
    const { ask, id } = await withApproval();
    const first = (await ask('GET', `/v1/instances/${id}/history?limit=1`)).body as Body;
    expect(first).toMatchObject({ items: [{ seq: 1, type: 'InstanceStarted', cause: expect.stringMatching(/^rest:/) }] });
    const next = await ask('GET', `/v1/instances/${id}/history?cursor=${String(first.nextCursor)}`);
    expect((next.body as Body).items).toMatchObject([{ seq: 2, taskId: `${id}.approve` }]);
    expectProblem(await ask('GET', `/v1/instances/${id}/history?cursor=AAAA`), 400, 'MR_CURSOR_INVALID');
    expect((await ask('GET', `/v1/instances/${id}/tasks`)).body).toMatchObject({ items: [{ nodeId: 'approve', status: 'open' }] });
  });
});

/** Two of its tasks have failed: `a` comes again by itself, `b` is under an incident. */
async function withFailures() {
  const api = await openTestApi();
  const work = { type: 'task', task: 'work', queue: 'special' };
  await api.deploy({ id: 'failing', nodes: { a: work, b: { ...work, retry: { maxAttempts: 1 } }, c: work } });
  const [well, id] = [await api.start('failing'), await api.start('failing')];
  const result = { status: 'failed', error: { code: 'BUSY', message: 'busy' }, retryable: true, retryAfterMs: null } as const;
  for (const path of ['a', 'b']) await api.engine.ends(id as InstanceId, path, result);
  await api.engine.completes(id as InstanceId, 'c', 'done');
  return { ...api, well, id };
}

describe('An instance that retries', () => {
  it('is found apart from those that run, and says with which attempt, until when and after which error', async () => {
    const { ask, id, well } = await withFailures();
    const found = async (query: string) =>
      ((await ask('GET', `/v1/instances?${query}`)).body as { items: Body[] }).items.map(({ instanceId }) => instanceId);
    expect(await found('retrying=true')).toEqual([id]);
    expect(await found('retrying=false')).toEqual([well]);
    expect(await found('retrying=true&status=running')).toEqual([]);
    const { open } = (await ask('GET', `/v1/instances/${id}`)).body as { open: Body[] };
    expect(open).toContainEqual(
      expect.objectContaining({
        ...{ nodeId: 'a', status: 'retrying', attempt: 1 },
        waitingFor: expect.objectContaining({
          kind: 'retry',
          until: expect.any(String),
          lastError: expect.objectContaining({ code: 'BUSY' }),
        }),
      }),
    );
    const preview = await ask('POST', '/v1/jobs', { operation: 'cancel', query: { retrying: true }, dryRun: true });
    expect(preview).toMatchObject({ status: 200, body: { selected: 1, sample: [{ instanceId: id }] } });
    const job = await ask('POST', '/v1/jobs', { operation: 'cancel', query: { retrying: true } });
    expect(job).toMatchObject({ status: 201, body: { query: { retrying: true }, selected: 1 } });
  });
});

describe('An instance under incident', () => {
  it('is found by the code of the incident, also for a job that retries it', async () => {
    const { ask, id } = await withFailures();
    const found = async (code: string) =>
      ((await ask('GET', `/v1/instances?incidentCode=${code}`)).body as { items: Body[] }).items.map(({ instanceId }) => instanceId);
    expect(await found('BUSY')).toEqual([id]);
    expect(await found('busy')).toEqual([]);
    const query = { incidentCode: 'BUSY' };
    const job = await ask('POST', '/v1/jobs', { operation: 'retry', query });
    expect(job).toMatchObject({ status: 201, body: { query, selected: 1 } });
    const other = await ask('POST', '/v1/jobs', { operation: 'retry', query: { incidentCode: 'HTTP_503' } });
    expect(other).toMatchObject({ status: 201, body: { selected: 0 } });
  });
});

describe('A history', () => {
  it('gives what went wrong, or entries of some types, from either end', async () => {
    const { ask, id } = await withFailures();
    const read = async (query: string) => {
      const types: unknown[] = [];
      for (let cursor = ''; ; ) {
        const { items, nextCursor } = (await ask('GET', `/v1/instances/${id}/history?limit=1&${query}${cursor}`)).body as {
          items: Body[];
        } & Body;
        types.push(...items.map(({ type }) => type));
        if (nextCursor === null) return types;
        cursor = `&cursor=${String(nextCursor)}`;
      }
    };
    const failures = ['AttemptFailed', 'TaskFailed', 'IncidentRaised'];
    expect(await read('only=failures')).toEqual(failures);
    expect(await read('only=failures&order=desc')).toEqual(failures.toReversed());
    expect(await read('type=TaskCompleted,InstanceStarted')).toEqual(['InstanceStarted', 'TaskCompleted']);
    expect(await read('type=VarsChanged')).toEqual([]);
    const all = await read('order=asc');
    expect(all.at(0)).toBe('InstanceStarted');
    expect(await read('order=desc')).toEqual(all.toReversed());
  });

  it('refuses types that are none with those that are, a type beside `only`, and a cursor of the other order', async () => {
    const { ask, id } = await withFailures();
    const get = (query: string) => ask('GET', `/v1/instances/${id}/history?${query}`);
    const unknown = expectProblem(await get('type=TaskCompleted,TaskFaild'), 400, 'MR_REQUEST_INVALID');
    expect(unknown.errors).toEqual([
      {
        pointer: '/query/type',
        message: expect.stringMatching(
          /^There is no type of entry "TaskFaild"\. Did you mean "TaskFailed"\? The types are InstanceStarted, .*, InstanceFailed\.$/,
        ),
      },
    ]);
    expectProblem(await get('type=constructor'), 400, 'MR_REQUEST_INVALID');
    const both = expectProblem(await get('type=TaskFailed&only=failures'), 400, 'MR_REQUEST_INVALID');
    expect(both.errors).toEqual([{ pointer: '/query/only', message: 'Give either `type` or `only`, not both.' }]);
    for (const query of ['only=successes', 'order=newest', 'type=', 'types=TaskFailed'])
      expectProblem(await get(query), 400, 'MR_REQUEST_INVALID');
    const { nextCursor } = (await get('limit=1')).body as Body;
    expectProblem(await get(`order=desc&cursor=${String(nextCursor)}`), 400, 'MR_CURSOR_INVALID');
    expectProblem(await ask('GET', '/v1/instances/019ac5e0-6d3c-7a52-b1ce-0d9d2e0d8f11/history?only=failures'), 404, 'MR_NOT_FOUND');
  });
});
