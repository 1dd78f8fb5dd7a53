/** What the lists of instances and of the inbox ask of the store: each filter as it was given, and nothing else. */
import { describe, expect, it, vi } from 'vitest';
import { expectProblem, openTestApi } from './testing/test-api.ts';

const id = '019ac5e0-6d3c-7a52-b1ce-0d9d2e0d8f11';
const [instant, ms] = ['2026-01-31T09:00:00.120%2B02:00', Date.parse('2026-01-31T07:00:00.120Z')];
const [later, laterMs] = ['2026-02-01T00:00:00Z', Date.parse('2026-02-01T00:00:00Z')];
const cursor = 'WyJpbnN0YW5jZXMiXQ';

describe('The list of instances', () => {
  async function asked(query: string): Promise<unknown> {
    const { engine, ask } = await openTestApi();
    const list = vi.spyOn(engine.queries, 'list').mockResolvedValue({ items: [], nextCursor: 'next' });
    expect(await ask('GET', `/v1/instances${query}`)).toMatchObject({ status: 200, body: { items: [], nextCursor: 'next' } });
    expect(list).toHaveBeenCalledOnce();
    return list.mock.calls[0];
  }

  it.each([
    ['status', 'status=incident', { status: 'incident' }],
    ['definition', 'definition=expense-approval', { definition: 'expense-approval' }],
    ['version', 'version=3', { version: 3 }],
    ['business key', 'businessKey=o%2F1%20%C3%BC', { businessKey: 'o/1 ü' }],
    ['parent', `parent=${id}`, { parent: id }],
    ['that it retries', 'retrying=true', { retrying: true }],
    ['that it does not', 'retrying=false', { retrying: false }],
    ['code of an incident', 'incidentCode=HTTP_503', { incidentCode: 'HTTP_503' }],
    ['first instant of starting', `startedFrom=${instant}`, { startedFrom: ms }],
    ['last instant of starting', `startedTo=${instant}`, { startedTo: ms }],
  ])('is asked for by %s', async (_, query, filter) => {
    expect(await asked(`?${query}`)).toEqual([filter, 50, null]);
  });

  it('is asked for by all of them at once, for as many as are wanted, from a cursor on', async () => {
    const query = `status=failed&definition=d&version=2&businessKey=b&parent=${id}&startedFrom=${instant}&startedTo=${later}`;
    const filter = { status: 'failed', definition: 'd', version: 2, businessKey: 'b', parent: id, startedFrom: ms, startedTo: laterMs };
    expect(await asked(`?${query}&limit=7&cursor=${cursor}`)).toEqual([filter, 7, cursor]);
  });

  it('has 50 items when nothing is said, and at most 500', async () => {
    expect(await asked('')).toEqual([{}, 50, null]);
    expect(await asked('?limit=500')).toEqual([{}, 500, null]);
    const { ask } = await openTestApi();
    for (const limit of ['501', '0', '-1', '1.5', 'x'])
      expectProblem(await ask('GET', `/v1/instances?limit=${limit}`), 400, 'MR_REQUEST_INVALID');
  });

  it('refuses a filter that is none', async () => {
    const { ask } = await openTestApi();
    for (const query of [
      'status=done',
      'version=0',
      'parent=x',
      `parent=${'-'.repeat(36)}`,
      'retrying=soon',
      'retrying=',
      'incidentCode=',
      `incidentCode=${'x'.repeat(101)}`,
      'startedFrom=yesterday',
      'startedTo=1',
      'due=1',
    ])
      expectProblem(await ask('GET', `/v1/instances?${query}`), 400, 'MR_REQUEST_INVALID');
  });
});

describe('The inbox', () => {
  async function asked(query: string): Promise<unknown> {
    const { engine, ask } = await openTestApi();
    const inbox = vi.spyOn(engine.queries, 'inbox').mockResolvedValue({ items: [], nextCursor: 'next' });
    const key = await engine.addKey('user', 'ada');
    expect(await ask('GET', `/v1/tasks${query}`, undefined, { key })).toMatchObject({ body: { items: [], nextCursor: 'next' } });
    expect(inbox).toHaveBeenCalledOnce();
    return inbox.mock.calls[0];
  }

  it.each([
    ['person', 'assignee=bob', { assignee: 'bob' }],
    ['the person who asks', 'assignee=me', { assignee: 'ada' }],
    ['role', 'role=manager', { role: 'manager' }],
    ['the instant until which they are due', `dueBefore=${instant}`, { dueBefore: ms }],
    ['instance', `instanceId=${id}`, { instanceId: id }],
    ['definition', 'definition=expense-approval', { definition: 'expense-approval' }],
  ])('is asked for by %s', async (_, query, filter) => {
    expect(await asked(`?${query}`)).toEqual([filter, 50, null]);
  });

  it('is asked for by all of them at once, for as many as are wanted, from a cursor on', async () => {
    const query = `assignee=bob&role=clerk&dueBefore=${later}&instanceId=${id}&definition=d`;
    const filter = { assignee: 'bob', role: 'clerk', dueBefore: laterMs, instanceId: id, definition: 'd' };
    expect(await asked(`?${query}&limit=7&cursor=${cursor}`)).toEqual([filter, 7, cursor]);
  });
});

describe('The tasks of an instance', () => {
  it('are asked for by the instance, for as many as are wanted, from a cursor on', async () => {
    const api = await openTestApi();
    await api.deploy({ id: 'one', nodes: { look: { type: 'human', title: 't', assignees: { users: ['ada'] } } } });
    const instanceId = await api.start('one');
    const tasks = vi.spyOn(api.engine.queries, 'tasks').mockResolvedValue({ items: [], nextCursor: 'next' });
    const page = await api.ask('GET', `/v1/instances/${instanceId}/tasks?limit=7&cursor=${cursor}`);
    expect(page.body).toEqual({ items: [], nextCursor: 'next' });
    expect(tasks.mock.calls).toEqual([[instanceId, 7, cursor]]);
  });
});
