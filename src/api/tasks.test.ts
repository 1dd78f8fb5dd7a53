/** What a task shows of who has it and when it is due: in the list of its instance, and by itself. */
import { describe, expect, it, vi } from 'vitest';
import { type Body, openTestApi } from './testing/test-api.ts';

// Each test builds a whole server, which a busy machine takes its time for.
vi.setConfig({ testTimeout: 30_000 });

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

  it('that somebody has decided shows both until the decision is applied', async () => {
    const api = await withReview();
    await api.ask('POST', `/v1/tasks/${api.task}/claim`, { assignee: 'ada' });
    api.engine.hold = true;
    await api.ask('POST', `/v1/tasks/${api.task}/complete`, { output: {}, assignee: 'ada' });
    expect(await api.shown('look')).toMatchObject({ status: 'open', assignee: 'ada', dueAt: '2026-01-03T00:00:00.000Z' });
    await api.engine.release();
    expect(await api.shown('look')).toMatchObject({ status: 'completed', assignee: null, dueAt: null });
  });

  it('that is closed is told of by the history: when it was due, and who completed it', async () => {
    const { ask, task } = await withReview();
    await ask('POST', `/v1/tasks/${task}/complete`, { output: {}, assignee: 'ada' });
    const { items } = (await ask('GET', `/v1/instances/${task.split('.')[0]}/history`)).body as { readonly items: readonly Body[] };
    const ofTask = items.filter(({ taskId }) => taskId === task);
    expect(ofTask).toMatchObject([
      { type: 'HumanTaskOpened', details: { dueAt: Date.parse('2026-01-03T00:00:00Z') } },
      { type: 'TaskCompleted', details: { by: 'ada' } },
      { type: 'NodeLeft' },
    ]);
  });

  it('of a worker has neither', async () => {
    expect(await (await withReview()).shown('pay')).toMatchObject({ type: 'task', assignee: null, dueAt: null });
  });
});
