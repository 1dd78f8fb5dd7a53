import { describe, expect, it } from 'vitest';
import { withApproval } from '../testing/definitions.ts';
import { type Body, expectProblem } from '../testing/test-api.ts';

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
