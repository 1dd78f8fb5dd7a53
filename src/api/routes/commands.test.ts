import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../core/json.ts';
import { withApproval } from '../testing/definitions.ts';
import { type Body, expectProblem, openTestApi } from '../testing/test-api.ts';

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

  it('correct what no retry mends, each with who and why in the history', async () => {
    const { deploy, start, ask } = await openTestApi();
    await deploy({
      id: 'stuck',
      vars: { rate: 1 },
      nodes: {
        a: { type: 'transform', output: '${ input.missing }' },
        b: { type: 'wait', for: '1h' },
        c: { type: 'transform', output: '${ vars.rate }' },
      },
      edges: [{ from: 'a', to: 'c' }],
      output: '${ [nodes.a.output, nodes.b.status, nodes.c.output] }',
    });
    const id = await start('stuck');
    const post = (command: string, body: JsonObject) => ask('POST', `/v1/instances/${id}/${command}?wait=5s`, body);
    expect(await post('set-vars', { vars: { rate: 2 }, reason: 'a typo' })).toMatchObject({
      status: 200,
      body: { type: 'setVars', status: 'applied' },
    });
    expect(await post('complete-node', { taskId: `${id}.a`, output: 'by hand' })).toMatchObject({
      status: 200,
      body: { type: 'completeNode' },
    });
    expect(await post('skip-node', { taskId: `${id}.b`, reason: 'not needed' })).toMatchObject({ status: 200, body: { type: 'skipNode' } });
    expect((await ask('GET', `/v1/instances/${id}`)).body).toMatchObject({ status: 'completed', output: ['by hand', 'cancelled', 2] });
    const { items } = (await ask('GET', `/v1/instances/${id}/history`)).body as {
      items: readonly { type: string; taskId: string; details: object }[];
    };
    expect(items.filter(({ type }) => type === 'VarsChanged' || type === 'NodeCorrected')).toMatchObject([
      { taskId: null, details: { vars: { rate: 2 }, reason: 'a typo', by: 'root' } },
      { taskId: `${id}.a`, details: { action: 'complete', reason: null, by: 'root' } },
      { taskId: `${id}.b`, details: { action: 'skip', reason: 'not needed', by: 'root' } },
    ]);
  });

  it('that correct are refused with the reason where they have no effect', async () => {
    const { ask, id } = await withApproval();
    const post = (command: string, body: JsonObject) => ask('POST', `/v1/instances/${id}/${command}`, body);
    expectProblem(await post('complete-node', { taskId: `${id}.approve`, output: 1 }), 409, 'MR_TASK_NOT_OPEN');
    expectProblem(await post('skip-node', { taskId: `${id}.nothing` }), 404, 'MR_NOT_FOUND');
    expectProblem(await post('set-vars', { vars: { x: 1 } }), 409, 'MR_NO_INCIDENT');
    for (const [command, body] of [
      ['set-vars', {}],
      ['set-vars', { vars: {} }],
      ['set-vars', { vars: { '9': 1 } }],
      ['skip-node', {}],
      ['complete-node', { taskId: `${id}.approve` }],
      ['skip-node', { taskId: `${id}.approve`, output: 1 }],
    ] as const)
      expectProblem(await post(command, body), 400, 'MR_REQUEST_INVALID');
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
