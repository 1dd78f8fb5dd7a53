import { describe, expect, it, vi } from 'vitest';
import { withApproval } from '../testing/definitions.ts';
import { type Body, expectProblem, openTestApi } from '../testing/test-api.ts';

// Each test builds a whole server, which a busy machine takes its time for.
vi.setConfig({ testTimeout: 30_000 });

describe('Commands', () => {
  it('are accepted and seen as pending, then applied', async () => {
    const api = await withApproval();
    api.engine.hold = true;
    const paused = await api.ask('POST', `/v1/instances/${api.id}/pause`);
    expect(paused).toMatchObject({ status: 202, body: { type: 'pause', status: 'pending', at: null } });
    expect((await api.ask('GET', `/v1/instances/${api.id}`)).body).toMatchObject({
      status: 'running',
      pending: [{ type: 'pause', by: 'root', commandId: (paused.body as Body).commandId }],
    });
    await api.engine.release();
    expect((await api.ask('GET', `/v1/instances/${api.id}`)).body).toMatchObject({ status: 'paused', pending: [] });
  });

  it('answer with what became of them when they are waited for', async () => {
    const api = await withApproval();
    expect(await api.ask('POST', `/v1/instances/${api.id}/pause?wait=5s`, {})).toMatchObject({ status: 200, body: { status: 'applied' } });
    api.engine.hold = true;
    // While one is pending only the orchestrator can say: the second is refused by it, and not at once.
    const first = await api.ask('POST', `/v1/instances/${api.id}/resume`, {});
    expect(first.status).toBe(202);
    const second = api.ask('POST', `/v1/instances/${api.id}/resume?wait=5s`, {});
    await expect.poll(() => api.engine.watch.waiting).toBe(1);
    await api.engine.release();
    expectProblem(await second, 409, 'MR_NOT_PAUSED');
    expect((await api.ask('POST', `/v1/instances/${api.id}/cancel?wait=1ms`, {})).status).toBe(202);
  });

  it('that are of no use are refused at once', async () => {
    const { ask, id } = await withApproval();
    expectProblem(await ask('POST', `/v1/instances/${id}/resume`), 409, 'MR_NOT_PAUSED');
    expectProblem(await ask('POST', `/v1/instances/${id}/retry`), 409, 'MR_NO_INCIDENT');
    expectProblem(await ask('POST', `/v1/instances/${id}/retry`, { taskId: `${id}.approve` }), 409, 'MR_NO_INCIDENT');
    expectProblem(await ask('POST', `/v1/instances/${id}/retry`, { taskId: `${id}.nothing` }), 404, 'MR_NOT_FOUND');
    await ask('POST', `/v1/instances/${id}/pause`);
    expectProblem(await ask('POST', `/v1/instances/${id}/pause`), 409, 'MR_ALREADY_PAUSED');
    expectProblem(await ask('POST', `/v1/instances/${id}/retry`), 409, 'MR_PAUSED');
  });

  it.each([
    ['all', {}],
    ['one', { taskId: 'sum' }],
  ])(
    'that retry %s name what was seen: the second of two does not resolve the incident after it',
    async (_, { taskId }: { taskId?: string }) => {
      const api = await openTestApi();
      await api.deploy({ id: 'failing', nodes: { sum: { type: 'transform', output: '${ input.missing }' } } });
      const id = await api.start('failing');
      api.engine.hold = true;
      const body = taskId === undefined ? {} : { taskId: `${id}.${taskId}` };
      expect((await api.ask('POST', `/v1/instances/${id}/retry`, body)).status).toBe(202);
      const second = api.ask('POST', `/v1/instances/${id}/retry?wait=5s`, body);
      await expect.poll(() => api.engine.watch.waiting).toBe(1);
      await api.engine.release();
      expectProblem(await second, 409, 'MR_NO_INCIDENT');
      expect(api.engine.state(id).tasks).toMatchObject({ sum: { attempt: 2 } });
    },
  );

  it('on an instance that has ended are refused', async () => {
    const { ask, id, task } = await withApproval();
    expect((await ask('POST', `/v1/instances/${id}/cancel`, { reason: 'no need' })).status).toBe(202);
    expect((await ask('GET', `/v1/instances/${id}`)).body).toMatchObject({ status: 'cancelled', open: [], openCount: 0 });
    for (const command of ['cancel', 'pause', 'resume', 'retry'])
      expectProblem(await ask('POST', `/v1/instances/${id}/${command}`), 409, 'MR_INSTANCE_ENDED');
    expectProblem(await ask('POST', `/v1/tasks/${task}/complete`, { output: { approved: true } }), 409, 'MR_INSTANCE_ENDED');
  });

  it('end their waiting when the process ends', async () => {
    const api = await withApproval();
    api.engine.hold = true;
    const answer = api.ask('POST', `/v1/instances/${api.id}/pause?wait=5s`, {});
    await expect.poll(() => api.engine.watch.waiting).toBe(1);
    api.end.abort();
    expect((await answer).status).toBe(202);
  });
});
