/** Tasks that several people decide, as REST has them: who may, what is refused at once, and what the task shows. */
import { describe, expect, it } from 'vitest';
import type { InstanceId } from '../core/ids.ts';
import type { Json } from '../core/json.ts';
import { type Body, expectProblem, openTestApi } from './testing/test-api.ts';

async function withTask(node: { readonly [field: string]: Json }) {
  const api = await openTestApi();
  await api.deploy({ id: 'review', nodes: { n: { type: 'human', title: 'Look', assignees: { roles: ['manager'] }, ...node } } });
  const id = await api.start('review');
  const task = `${id}.n`;
  const keys = new Map<string, string>();
  const keyOf = async (person: string, roles: readonly string[] = ['manager']): Promise<string> => {
    const key = keys.get(person) ?? (await api.engine.addKey('user', person, roles));
    keys.set(person, key);
    return key;
  };
  return Object.assign(api, {
    id,
    task,
    keyOf,
    as: async (person: string, action: string, body: Json) =>
      api.ask('POST', `/v1/tasks/${task}/${action}`, body, { key: await keyOf(person) }),
    shown: async () => (await api.ask('GET', `/v1/tasks/${task}`)).body as Body,
    mine: async (person: string) => {
      const key = await keyOf(person);
      const { items } = (await api.ask('GET', '/v1/tasks?mine=true', undefined, { key })).body as { readonly items: readonly Body[] };
      const next = ((await api.ask('GET', '/v1/tasks/next', undefined, { key })).body as Body).task as Body | null;
      expect(next?.taskId ?? null).toBe(items[0]?.taskId ?? null);
      return items.map(({ taskId }) => taskId);
    },
  });
}

const twoOfThree = { outcomes: ['approve', 'refuse'], approvals: { atLeast: 2, of: 3, notBy: '${ instance.startedBy }' } };

describe('A task that several people decide', () => {
  it('is completed by the vote that decides, and shows each with who, when and what, also afterwards', async () => {
    const { as, shown, mine, task, engine } = await withTask(twoOfThree);
    expect((await as('ada', 'complete', { outcome: 'approve', comment: 'fine' })).status).toBe(202);
    expect(await mine('ada')).toEqual([]);
    expect(await mine('bob')).toEqual([task]);
    expect(await shown()).toMatchObject({ status: 'open', outcome: null, votes: [{ by: 'ada', outcome: 'approve', comment: 'fine' }] });
    engine.now += 1_000;
    await as('bob', 'complete', { output: { note: 'ok' }, outcome: 'approve' });
    const vote = { by: 'ada', at: '2026-01-01T00:00:00.000Z', outcome: 'approve', comment: 'fine' };
    expect(await shown()).toMatchObject({
      ...{ status: 'completed', title: 'Look', assignees: { users: [], roles: ['manager'] }, outcome: 'approve', completedBy: 'bob' },
      completedAt: '2026-01-01T00:00:01.000Z',
      votes: [vote, { by: 'bob', at: '2026-01-01T00:00:01.000Z', outcome: 'approve', comment: null }],
      output: {
        outcome: 'approve',
        votes: [
          { ...vote, output: {} },
          { by: 'bob', output: { note: 'ok' } },
        ],
      },
    });
  });

  it('shows in the inbox how many it needs and who has voted', async () => {
    const { as, ask } = await withTask(twoOfThree);
    await as('ada', 'complete', { outcome: 'refuse' });
    const { items } = (await ask('GET', '/v1/tasks')).body as { readonly items: readonly Body[] };
    expect(items).toMatchObject([{ attempt: 1, approvals: { atLeast: 2, of: 3, votedBy: ['ada'] } }]);
  });

  it('refuses a second vote of the same person, also while the first is not applied yet', async () => {
    const { as, engine, mine } = await withTask(twoOfThree);
    engine.hold = true;
    await as('ada', 'complete', { outcome: 'approve' });
    expectProblem(await as('ada', 'complete', { outcome: 'approve' }), 409, 'MR_TASK_VOTED');
    expect(await mine('ada')).toEqual([]);
    await engine.release();
    expectProblem(await as('ada', 'complete', { outcome: 'refuse' }), 409, 'MR_TASK_VOTED');
  });

  it('takes two last votes at once, of which one completes it and the other is told so', async () => {
    const { as, engine, shown } = await withTask(twoOfThree);
    await as('ada', 'complete', { outcome: 'approve' });
    engine.hold = true;
    expect((await as('bob', 'complete', { outcome: 'approve' })).status).toBe(202);
    expect((await as('cleo', 'complete', { outcome: 'approve' })).status).toBe(202);
    await engine.release();
    expect(await shown()).toMatchObject({ status: 'completed', completedBy: 'bob', votes: [{ by: 'ada' }, { by: 'bob' }] });
  });

  it('is not decided by whom the node excludes, also where an admin speaks for them, and is not in their list', async () => {
    const { as, ask, task, mine } = await withTask(twoOfThree);
    const reason = 'root may not decide this task: "notBy" of its node names this person.';
    expect(expectProblem(await ask('POST', `/v1/tasks/${task}/complete`, { outcome: 'approve' }), 403, 'MR_TASK_EXCLUDED').detail).toBe(
      reason,
    );
    expectProblem(await ask('POST', `/v1/tasks/${task}/fail`, { error: { code: 'NO', message: 'no' } }), 403, 'MR_TASK_EXCLUDED');
    expectProblem(await as('ada', 'delegate', { to: 'root' }), 403, 'MR_TASK_EXCLUDED');
    expect(await mine('root')).toEqual([]);
  });
});

describe('An outcome', () => {
  it('is enough of an answer, and becomes part of the output', async () => {
    const { as, shown } = await withTask({ outcomes: ['approve', 'refuse'] });
    expect(await shown()).toMatchObject({ outcomes: ['approve', 'refuse'], outcome: null });
    await as('ada', 'complete', { outcome: 'refuse' });
    expect(await shown()).toMatchObject({ status: 'completed', outcome: 'refuse', output: { outcome: 'refuse' }, votes: [] });
  });

  it.each<[string, Json, number, string, string]>([
    ['that there is not', { output: {}, outcome: 'later' }, 422, 'MR_TASK_OUTCOME', '/outcome'],
    ['that is missing', { output: {} }, 422, 'MR_TASK_OUTCOME', '/outcome'],
    ['and an output that are both missing', {}, 400, 'MR_REQUEST_INVALID', '/output'],
    ['of another type', { output: {}, outcome: 7 }, 400, 'MR_REQUEST_INVALID', '/outcome'],
  ])('%s is refused', async (_, body, status, code, pointer) => {
    const { as } = await withTask({ outcomes: ['approve', 'refuse'] });
    expect(expectProblem(await as('ada', 'complete', body), status, code).errors).toMatchObject([{ pointer }]);
  });

  it('is refused where there is nothing to choose', async () => {
    const { as } = await withTask({});
    expectProblem(await as('ada', 'complete', { output: {}, outcome: 'approve' }), 422, 'MR_TASK_OUTCOME');
  });
});

describe('The attempt that a person saw', () => {
  it.each<[string, { readonly [field: string]: Json }]>([
    ['complete', { output: {} }],
    ['fail', { error: { code: 'NO', message: 'no' } }],
    ['delegate', { to: 'bob' }],
    ['comment', { text: 'hm' }],
  ])('must be the open one to %s', async (action, body) => {
    const { as } = await withTask({});
    const { detail, errors } = expectProblem(await as('ada', action, { ...body, attempt: 2 }), 409, 'MR_TASK_NOT_OPEN');
    expect(detail).toBe('Attempt 2 of the task is not open; attempt 1 is.');
    expect(errors).toMatchObject([{ pointer: '/attempt' }]);
    expect((await as('ada', action, { ...body, attempt: 1 })).status).toBe(202);
  });
});

describe('A task', () => {
  it('that is delegated is the other person’s alone, who is not kept from it by the claim', async () => {
    const { as, shown, mine, task } = await withTask({});
    await as('ada', 'claim', {});
    expectProblem(await as('bob', 'delegate', { to: 'cleo' }), 409, 'MR_TASK_CLAIMED');
    await as('ada', 'delegate', { to: 'bob', comment: 'yours' });
    expect(await shown()).toMatchObject({
      ...{ assignee: null, assignees: { users: ['bob'], roles: [] } },
      delegations: [{ by: 'ada', to: 'bob', comment: 'yours', at: '2026-01-01T00:00:00.000Z' }],
    });
    expect([await mine('ada'), await mine('bob')]).toEqual([[], [task]]);
    expectProblem(await as('ada', 'complete', { output: {} }), 403, 'MR_NOT_ASSIGNED');
    expect((await as('bob', 'complete', { output: {} })).status).toBe(202);
  });

  it('keeps comments, also of who completes it, and only of whom it is assigned to', async () => {
    const { as, ask, task, keyOf, shown } = await withTask({});
    await as('ada', 'comment', { text: 'Is that so?' });
    await as('bob', 'complete', { output: {}, comment: 'It is.' });
    expect(await shown()).toMatchObject({
      comments: [
        { by: 'ada', text: 'Is that so?' },
        { by: 'bob', text: 'It is.' },
      ],
    });
    const other = await withTask({});
    const stranger = await other.keyOf('dan', []);
    expectProblem(await other.ask('POST', `/v1/tasks/${other.task}/comment`, { text: 'hi' }, { key: stranger }), 403, 'MR_NOT_ASSIGNED');
    expectProblem(
      await ask('POST', `/v1/tasks/${task}/comment`, { text: 'x'.repeat(1_001) }, { key: await keyOf('ada') }),
      400,
      'MR_REQUEST_INVALID',
    );
  });

  it('that another branch makes needless shows as withdrawn, and says so to who acts on it', async () => {
    const api = await openTestApi();
    const join = { type: 'wait', for: '1h', join: 'any', cancelRest: true };
    const n = { type: 'human', title: 'Look', assignees: { users: ['ada'] } };
    const edges = [
      { from: 'n', to: 'join' },
      { from: 'quick', to: 'join' },
    ];
    await api.deploy({ id: 'race', nodes: { n, quick: { type: 'task', task: 'work' }, join }, edges });
    const id = (await api.start('race')) as InstanceId;
    await api.engine.completes(id, 'quick', null);
    expect((await api.ask('GET', `/v1/tasks/${id}.n`)).body).toMatchObject({ status: 'withdrawn', title: 'Look', completedBy: null });
    const { detail } = expectProblem(
      await api.ask('POST', `/v1/tasks/${id}.n/complete`, { output: {}, assignee: 'ada' }),
      409,
      'MR_TASK_NOT_OPEN',
    );
    expect(detail).toBe('The task was withdrawn: another branch of its instance made it unnecessary.');
  });

  it('to do next is the claimed one, then the one that is due soonest, then the oldest', async () => {
    const api = await openTestApi();
    const node = { type: 'human', title: 'Look', assignees: { users: ['ada'] } };
    await api.deploy({ id: 'many', nodes: { a: node, b: { ...node, due: '2d' }, c: { ...node, due: '1d' }, d: node } });
    const id = await api.start('many');
    const key = await api.engine.addKey('user', 'ada');
    const next = async () =>
      ((await api.ask('GET', '/v1/tasks/next', undefined, { key })).body as { readonly task: Body | null }).task?.nodeId;
    const done: unknown[] = [];
    await api.ask('POST', `/v1/tasks/${id}.d/claim`, {}, { key });
    for (let nodeId = await next(); nodeId !== undefined; nodeId = await next()) {
      done.push(nodeId);
      await api.ask('POST', `/v1/tasks/${id}.${String(nodeId)}/complete`, { output: {} }, { key });
    }
    expect(done).toEqual(['d', 'c', 'b', 'a']);
  });
});
