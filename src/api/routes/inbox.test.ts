import { describe, expect, it } from 'vitest';
import { approval, withApproval } from '../testing/definitions.ts';
import { expectProblem } from '../testing/test-api.ts';

describe('The inbox', () => {
  it('shows open tasks by whom they are for, and a task with its form', async () => {
    const api = await withApproval();
    const ada = await api.engine.addKey('user', 'ada');
    expect((await api.ask('GET', '/v1/tasks?assignee=me', undefined, { key: ada })).body).toMatchObject({
      items: [{ taskId: api.task, title: 'Approve 120', type: 'human', definition: { id: 'approval', version: 1 } }],
    });
    expect((await api.ask('GET', '/v1/tasks?role=manager')).body).toMatchObject({ items: [{ taskId: api.task }] });
    expect((await api.ask('GET', '/v1/tasks?role=clerk')).body).toMatchObject({ items: [] });
    expect((await api.ask('GET', `/v1/tasks/${api.task}`)).body).toMatchObject({ status: 'open', form: approval.nodes.approve.form });
    expectProblem(await api.ask('GET', '/v1/tasks?instanceId=00000000-0000-0000-0000-00000000000g'), 400, 'MR_REQUEST_INVALID');
  });

  it('lets one claim a task, and only those it is for', async () => {
    const api = await withApproval();
    const ada = { key: await api.engine.addKey('user', 'ada') };
    const bob = { key: await api.engine.addKey('user', 'bob', ['manager']) };
    const eve = { key: await api.engine.addKey('user', 'eve') };
    expectProblem(await api.ask('POST', `/v1/tasks/${api.task}/claim`, {}, eve), 403, 'MR_NOT_ASSIGNED');
    expectProblem(await api.ask('POST', `/v1/tasks/${api.task}/claim`, { assignee: 'ada' }, eve), 403, 'MR_FORBIDDEN');
    const both = await Promise.all([ada, bob].map((who) => api.ask('POST', `/v1/tasks/${api.task}/claim`, {}, who)));
    expect(both.map(({ status }) => status).sort()).toEqual([200, 409]);
    expect(await api.ask('POST', `/v1/tasks/${api.task}/claim`, {}, ada)).toMatchObject({ status: 200, body: { assignee: 'ada' } });
    expectProblem(await api.ask('POST', `/v1/tasks/${api.task}/complete`, { output: { approved: true } }, bob), 409, 'MR_TASK_CLAIMED');
    expectProblem(await api.ask('POST', `/v1/tasks/${api.task}/unclaim`, {}, bob), 409, 'MR_TASK_CLAIMED');
    expectProblem(await api.ask('POST', `/v1/tasks/${api.task}/unclaim`, {}, eve), 403, 'MR_NOT_ASSIGNED');
    expect(await api.ask('POST', `/v1/tasks/${api.task}/unclaim`, {}, ada)).toMatchObject({ status: 200, body: { assignee: null } });
    // An admin may speak for somebody, and take anybody's claim away.
    expect((await api.ask('POST', `/v1/tasks/${api.task}/claim`, { assignee: 'bob' })).body).toMatchObject({ assignee: 'bob' });
    expect((await api.ask('POST', `/v1/tasks/${api.task}/unclaim`)).body).toMatchObject({ assignee: null });
  });

  it('takes what fits the form, once', async () => {
    const api = await withApproval();
    const misfit = await api.ask('POST', `/v1/tasks/${api.task}/complete`, { output: { approved: 'yes', x: 1 } });
    const { errors } = expectProblem(misfit, 422, 'MR_FORM_INVALID');
    expect((errors as { pointer: string }[]).map(({ pointer }) => pointer)).toContain('/output/approved');
    expectProblem(await api.ask('POST', `/v1/tasks/${api.task}/complete`, {}), 400, 'MR_REQUEST_INVALID');
    api.engine.hold = true;
    const done = await api.ask('POST', `/v1/tasks/${api.task}/complete`, { output: { approved: true }, assignee: 'ada' });
    expect(done).toMatchObject({ status: 202, body: { type: 'completeTask', status: 'pending' } });
    // Out of the inbox at once, and the second one is refused at once, though nothing is applied yet.
    expect((await api.ask('GET', '/v1/tasks')).body).toMatchObject({ items: [] });
    expectProblem(await api.ask('POST', `/v1/tasks/${api.task}/complete`, { output: { approved: true } }), 409, 'MR_TASK_DECIDED');
    expectProblem(await api.ask('POST', `/v1/tasks/${api.task}/fail`, { error: { code: 'NO', message: 'no' } }), 409, 'MR_TASK_DECIDED');
    await api.engine.release();
    expect((await api.ask('GET', `/v1/instances/${api.id}`)).body).toMatchObject({
      open: [{ nodeId: 'pay', waitingFor: { kind: 'worker', queue: 'special' } }],
    });
    expectProblem(await api.ask('POST', `/v1/tasks/${api.task}/claim`), 409, 'MR_TASK_NOT_OPEN');
    expectProblem(await api.ask('POST', `/v1/tasks/${api.id}.pay/complete`, { output: 1 }), 409, 'MR_TASK_NOT_HUMAN');
    await api.engine.completes(api.id as never, 'pay', { receipt: 'r' });
    expect((await api.ask('GET', `/v1/instances/${api.id}`)).body).toMatchObject({ status: 'completed', output: { done: true } });
  });

  it('lets two complete at once: one wins, the other gets 409', async () => {
    const api = await withApproval();
    const answers = await Promise.all(
      [true, false].map((approved) => api.ask('POST', `/v1/tasks/${api.task}/complete?wait=5s`, { output: { approved } })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
  });
});
