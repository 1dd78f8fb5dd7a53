import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../core/json.ts';
import { type Body, expectProblem, openTestApi } from '../testing/test-api.ts';

const human = { type: 'human', title: 'Look', assignees: { users: ['ada'] } };
const version = (nodes: JsonObject, edges: readonly string[][] = []): JsonObject => ({
  id: 'flow',
  nodes,
  edges: edges.map(([from = '', to = '']) => ({ from, to })),
});

async function withTwoVersions(second: JsonObject) {
  const api = await openTestApi();
  await api.deploy(version({ a: human }));
  const id = await api.start('flow');
  const deployed = await api.ask('POST', '/v1/definitions?allowBreaking=true', second);
  expect(deployed.status).toBe(201);
  const migrate = (body: JsonObject, query = '') => api.ask('POST', `/v1/instances/${id}/migrate${query}`, body);
  return { ...api, id, migrate };
}

describe('Versions', () => {
  it('run side by side: deploying says which instances stay on which version', async () => {
    const api = await openTestApi();
    await api.deploy(version({ a: human }));
    await api.start('flow');
    await api.start('flow');
    const answer = await api.ask('POST', '/v1/definitions', version({ a: human, b: human }));
    expect(answer).toMatchObject({ status: 201, body: { version: 2, created: true, runningByVersion: [{ version: 1, running: 2 }] } });
    const third = await api.start('flow');
    expect((await api.ask('GET', `/v1/instances/${third}`)).body).toMatchObject({ definition: { version: 2 } });
    expect((await api.ask('GET', '/v1/instances?definition=flow&version=1')).body).toMatchObject({ items: [{}, {}] });
  });
});

describe('An instance', () => {
  it('moves to a new version wherever it stands, with a verdict', async () => {
    const { id, ask, migrate } = await withTwoVersions(
      version({ first: human, a: human, b: human }, [
        ['first', 'a'],
        ['a', 'b'],
      ]),
    );
    const verdict = { instanceId: id, definition: { id: 'flow', version: 1 }, toVersion: 2 };
    expect(await migrate({ version: 2, dryRun: true })).toEqual(
      expect.objectContaining({ status: 200, body: { ...verdict, possible: true, reasons: [], reasonCount: 0, skipped: ['first'] } }),
    );
    expect((await ask('GET', `/v1/instances/${id}`)).body).toMatchObject({ definition: { version: 1 } });
    expect(await migrate({ version: 'latest', reason: 'a second look' }, '?wait=5s')).toMatchObject({
      status: 200,
      body: { type: 'migrate', status: 'applied' },
    });
    expect((await ask('GET', `/v1/instances/${id}`)).body).toMatchObject({ definition: { version: 2 } });
    expect((await ask('GET', '/v1/tasks')).body).toMatchObject({ items: [{ taskId: `${id}.a`, definition: { version: 2 } }] });
    const { items } = (await ask('GET', `/v1/instances/${id}/history`)).body as { readonly items: readonly Body[] };
    expect(items).toContainEqual(
      expect.objectContaining({
        type: 'InstanceMigrated',
        details: expect.objectContaining({ fromVersion: 1, toVersion: 2, by: 'root', reason: 'a second look' }),
      }),
    );
    expect((await ask('GET', `/v1/instances/${id}/drawing?format=mermaid`)).status).toBe(200);
  });

  it('is told by the dry run of a job whether it could move, and why not', async () => {
    const { id, ask, migrate } = await withTwoVersions(version({ b: human }));
    const job = { operation: 'migrate', toVersion: 2, query: { definition: 'flow' }, dryRun: true };
    const reasons = [{ pointer: '/nodes/a', message: 'The node "a" is open, and version 2 has no such node.' }];
    const { body: verdict } = await migrate({ version: 2, dryRun: true });
    expect(verdict).toMatchObject({ instanceId: id, possible: false, reasons });
    expect(await ask('POST', '/v1/jobs', job)).toMatchObject({ status: 200, body: { selected: 1, verdicts: [verdict] } });
    expect(await ask('POST', '/v1/jobs', { ...job, toVersion: 1 })).toMatchObject({ body: { selected: 0, verdicts: [] } });
    const { toVersion: _, ...cancel } = { ...job, operation: 'cancel' };
    expect(await ask('POST', '/v1/jobs', cancel)).toMatchObject({ body: { selected: 1, verdicts: null } });
    expect((await ask('GET', `/v1/instances/${id}`)).body).toMatchObject({ definition: { version: 1 }, pending: [] });
  });

  it('that does not fit stays, and the answer has every reason', async () => {
    const { id, ask, migrate } = await withTwoVersions({
      ...version({ b: human }),
      input: { type: 'object', properties: { n: { type: 'number' } }, required: ['n'] },
    });
    const reasons = [
      { pointer: '/input', message: 'The input of the instance does not fit. /: The property "n" is missing.' },
      { pointer: '/nodes/a', message: 'The node "a" is open, and version 2 has no such node.' },
    ];
    expect((await migrate({ version: 2, dryRun: true })).body).toMatchObject({ possible: false, reasons, reasonCount: 2 });
    const refused = await migrate({ version: 2 });
    expectProblem(refused, 409, 'MR_MIGRATION_REFUSED');
    expect(refused.body).toMatchObject({ detail: 'The instance cannot move to version 2, for 2 reasons.', errors: reasons, errorCount: 2 });
    expect((await ask('GET', `/v1/instances/${id}`)).body).toMatchObject({ definition: { version: 1 }, pending: [] });
  });

  it('is not moved by a request that says something else', async () => {
    const { id, ask, migrate, engine } = await withTwoVersions(version({ a: human, b: human }));
    expectProblem(await migrate({ version: 9 }), 404, 'MR_NOT_FOUND');
    expectProblem(await migrate({ version: 1 }), 409, 'MR_MIGRATION_REFUSED');
    for (const body of [{}, { version: 0 }, { version: 'newest' }, { version: 2, dryrun: true }, { version: 2, reason: 7 }])
      expectProblem(await migrate(body), 400, 'MR_REQUEST_INVALID');
    expectProblem(
      await ask('POST', `/v1/instances/${id.replace(/.$/, id.endsWith('0') ? '1' : '0')}/migrate`, { version: 2 }),
      404,
      'MR_NOT_FOUND',
    );
    // Pending commands decide first; the orchestrator judges then.
    engine.hold = true;
    await ask('POST', `/v1/instances/${id}/cancel`, {});
    expect((await migrate({ version: 2 })).status).toBe(202);
    await engine.release();
    expectProblem(await migrate({ version: 2 }), 409, 'MR_INSTANCE_ENDED');
    expect((await migrate({ version: 2, dryRun: true })).body).toMatchObject({
      possible: false,
      reasons: [{ pointer: '', message: 'The instance has ended: it is cancelled.' }],
    });
  });
});

describe('Verdicts', () => {
  async function withMany(count: number) {
    const api = await openTestApi();
    await api.deploy(version({ a: human, b: human }));
    const ids: string[] = [];
    for (let n = 0; n < count; n++) ids.push(await api.start('flow'));
    expect((await api.ask('POST', '/v1/definitions?allowBreaking=true', version({ b: human }))).status).toBe(201);
    const page = async (body: JsonObject) => await api.ask('POST', '/v1/jobs/verdicts', { toVersion: 'latest', ...body });
    return { ...api, ids, page };
  }

  it('are given for each instance of a query, page by page, in the order in which a job would go', async () => {
    const { ids, page } = await withMany(13);
    const found: string[] = [];
    const sizes: number[] = [];
    let cursor: string | null = null;
    do {
      const body: JsonObject = { query: { definition: 'flow' }, limit: 5, ...(cursor === null ? {} : { cursor }) };
      const answer: { status: number; body: { items: Body[]; nextCursor: string | null } } = (await page(body)) as never;
      expect(answer.status).toBe(200);
      for (const item of answer.body.items)
        expect(item).toMatchObject({ toVersion: 2, possible: false, reasonCount: 1, reasons: [{ pointer: '/nodes/a' }] });
      found.push(...answer.body.items.map(({ instanceId }) => String(instanceId)));
      sizes.push(answer.body.items.length);
      ({ nextCursor: cursor } = answer.body);
    } while (cursor !== null);
    expect(found).toEqual([...ids].sort());
    expect(sizes).toEqual([5, 5, 3]);
    expect(await page({ query: { definition: 'flow', status: 'paused' } })).toMatchObject({
      status: 200,
      body: { items: [], nextCursor: null },
    });
    expect(await page({ query: { definition: 'flow' }, toVersion: 1 })).toMatchObject({ body: { items: [], nextCursor: null } });
  });

  it('ask for a definition, a version that there is, a status that can move and a cursor of theirs', async () => {
    const { page } = await withMany(1);
    const query = { definition: 'flow' };
    expectProblem(await page({ query: {} }), 400, 'MR_REQUEST_INVALID');
    expectProblem(await page({ query, toVersion: 9 }), 404, 'MR_NOT_FOUND');
    expectProblem(await page({ query: { definition: 'gone' } }), 404, 'MR_NOT_FOUND');
    expectProblem(await page({ query: { ...query, status: 'completed' } }), 400, 'MR_REQUEST_INVALID');
    expectProblem(await page({ query, cursor: 'x' }), 400, 'MR_CURSOR_INVALID');
    expectProblem(await page({ query, limit: 501 }), 400, 'MR_REQUEST_INVALID');
    expectProblem(await page({ query, dryRun: true }), 400, 'MR_REQUEST_INVALID');
  });
});
