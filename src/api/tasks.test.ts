/** What a human task shows in the list of its instance and by itself: title, people, due time. */
import { describe, expect, it } from 'vitest';
import { type Body, openTestApi } from './testing/test-api.ts';

const review = {
  id: 'review',
  nodes: {
    look: { type: 'human', title: 'Look at it', assignees: { users: ['ada'] }, due: '2d' },
    pay: { type: 'task', task: 'pay' },
  },
};

async function withReview() {
  const api = await openTestApi();
  await api.deploy(review);
  const id = await api.start('review');
  const task = `${id}.look`;
  return Object.assign(api, {
    task,
    /** Both views of each task, by node; they must tell the same. */
    async shown(nodeId: string): Promise<Body | undefined> {
      const { items } = (await api.ask('GET', `/v1/instances/${id}/tasks`)).body as { readonly items: readonly Body[] };
      const listed = items.find((item) => item.nodeId === nodeId);
      expect((await api.ask('GET', `/v1/tasks/${id}.${nodeId}`)).body).toMatchObject(listed ?? {});
      return listed;
    },
  });
}

describe('A task', () => {
  it('of a person shows when it is due, and who claimed it', async () => {
    const api = await withReview();
    expect(await api.shown('look')).toMatchObject({ status: 'open', assignee: null, dueAt: '2026-01-03T00:00:00.000Z' });
    await api.ask('POST', `/v1/tasks/${api.task}/claim`, { assignee: 'ada' });
    expect(await api.shown('look')).toMatchObject({ assignee: 'ada', dueAt: '2026-01-03T00:00:00.000Z' });
    await api.ask('POST', `/v1/tasks/${api.task}/unclaim`);
    expect(await api.shown('look')).toMatchObject({ assignee: null, dueAt: '2026-01-03T00:00:00.000Z' });
  });

  it('that somebody has completed is open until that is applied, and keeps its title, assignees and due time', async () => {
    const api = await withReview();
    await api.ask('POST', `/v1/tasks/${api.task}/claim`, { assignee: 'ada' });
    api.engine.hold = true;
    await api.ask('POST', `/v1/tasks/${api.task}/complete`, { output: {}, assignee: 'ada' });
    expect(await api.shown('look')).toMatchObject({
      ...{ status: 'open', title: 'Look at it', assignees: { users: ['ada'], roles: [] } },
      ...{ assignee: 'ada', completedBy: null, dueAt: '2026-01-03T00:00:00.000Z' },
    });
    await api.engine.release();
    expect(await api.shown('look')).toMatchObject({
      ...{ status: 'completed', title: 'Look at it', assignees: { users: ['ada'], roles: [] } },
      ...{ assignee: null, completedBy: 'ada', dueAt: '2026-01-03T00:00:00.000Z' },
    });
  });

  it('that a person has failed shows who it was', async () => {
    const api = await withReview();
    await api.ask('POST', `/v1/tasks/${api.task}/fail`, { error: { code: 'NO', message: 'no' }, assignee: 'ada' });
    expect(await api.shown('look')).toMatchObject({ status: 'failed', title: 'Look at it', completedBy: 'ada' });
  });

  it('with a form shows it while a decision is pending, and afterwards', async () => {
    const api = await openTestApi();
    const form = { type: 'object', required: ['ok'] };
    await api.deploy({ id: 'ask', nodes: { ask: { type: 'human', title: 'Ask', assignees: { users: ['ada'] }, form } } });
    const id = await api.start('ask');
    api.engine.hold = true;
    await api.ask('POST', `/v1/tasks/${id}.ask/complete`, { output: { ok: true }, assignee: 'ada' });
    expect((await api.ask('GET', `/v1/tasks/${id}.ask`)).body).toMatchObject({ status: 'open', title: 'Ask', completedBy: null, form });
    await api.engine.release();
    expect((await api.ask('GET', `/v1/tasks/${id}.ask`)).body).toMatchObject({ status: 'completed', completedBy: 'ada', form });
  });

  it('that is closed is told of by the history: when it was due, and who completed it', async () => {
    const { ask, task } = await withReview();
    await ask('POST', `/v1/tasks/${task}/complete`, { output: {}, assignee: 'ada' });
    const { items } = (await ask('GET', `/v1/instances/${task.split('.')[0]}/history`)).body as { readonly items: readonly Body[] };
    const ofTask = items.filter(({ taskId }) => taskId === task);
    expect(ofTask).toMatchObject([
      { type: 'HumanTaskOpened', details: { dueAt: Date.parse('2026-01-03T00:00:00Z') } },
      { type: 'TaskCompleted', details: { by: 'ada' } },
      { type: 'NodeExited' },
    ]);
  });

  it('of a worker has none of that', async () => {
    const none = { title: null, assignees: null, assignee: null, completedBy: null, dueAt: null };
    expect(await (await withReview()).shown('pay')).toMatchObject({ type: 'task', ...none });
  });
});
