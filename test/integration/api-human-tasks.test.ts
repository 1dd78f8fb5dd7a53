/** Human tasks by REST, on the real stack: who wins when several people claim, complete and vote at once. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { approval, refusal } from '../support/api-lab.ts';
import { TestEngine } from '../support/engine.ts';

/** Names of this run, so that other tests on the same stack do not meet these. */
const run = randomUUID().slice(0, 8);
const name = (what: string): string => `api-${what}-${run}`;

let engine: TestEngine;

beforeAll(async () => {
  engine = await TestEngine.start({ taskConsumers: 0 });
}, 120_000);
afterAll(async () => {
  await engine?.stop();
});

describe('A human task', () => {
  async function newTask(): Promise<{ readonly instanceId: string; readonly taskId: string }> {
    const id = name('people');
    await engine.client.deploy(approval(id));
    const { instanceId } = await engine.client.start(id);
    return { instanceId, taskId: `${instanceId}.approve` };
  }

  it('is claimed by one of many', async () => {
    const { taskId } = await newTask();
    const claims = await Promise.allSettled(
      Array.from({ length: 8 }, (_, n) => engine.client.claim(taskId, { assignee: n % 2 === 0 ? 'ada' : 'bob' })),
    );
    const holders = new Set(claims.flatMap((claim) => (claim.status === 'fulfilled' ? [claim.value.assignee] : [])));
    expect(holders.size).toBe(1);
    expect((await engine.client.task(taskId)).assignee).toBe([...holders][0]);
    expect((await engine.client.unclaim(taskId)).assignee).toBeNull();
  });

  it('is completed by one of two, applied, and refused to the other', async () => {
    const { instanceId, taskId } = await newTask();
    const complete = (assignee: string, approved: boolean) => engine.client.complete(taskId, { approved }, { assignee, waitMs: 20_000 });
    const results = await Promise.allSettled([complete('ada', true), complete('bob', false)]);
    expect(results.filter(({ status }) => status === 'fulfilled')).toMatchObject([{ value: { status: 'applied' } }]);
    expect(await refusal(complete('ada', true))).toEqual({ status: 409, code: 'MR_INSTANCE_ENDED' });
    const won = results[0]?.status === 'fulfilled';
    expect(await engine.client.instance(instanceId)).toMatchObject({ status: 'completed', output: { approved: won } });
  });

  it('that two people decide takes each vote once, and ends with one of two last votes', async () => {
    const id = name('votes');
    const approvals = { atLeast: 2, notBy: '${ instance.startedBy }' };
    const approve = { type: 'human', title: 'Approve', assignees: { users: ['ada', 'bob', 'cleo'] }, outcomes: ['yes', 'no'], approvals };
    await engine.client.deploy({ id, nodes: { approve }, output: '${ nodes.approve.output }' });
    const { instanceId } = await engine.client.start(id);
    const taskId = `${instanceId}.approve`;
    const vote = (assignee: string | undefined, waitMs = 20_000) =>
      engine.client.complete(taskId, {}, { ...(assignee === undefined ? {} : { assignee }), outcome: 'yes', attempt: 1, waitMs });
    expect(await refusal(vote(undefined))).toEqual({ status: 403, code: 'MR_TASK_EXCLUDED' });
    const firsts = await Promise.allSettled([vote('ada'), vote('ada')]);
    expect(firsts.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect((await engine.client.task(taskId)).votes).toMatchObject([{ by: 'ada', outcome: 'yes' }]);
    expect(await refusal(engine.client.comment(taskId, 'late', { assignee: 'bob', attempt: 2 }))).toEqual({
      ...{ status: 409, code: 'MR_TASK_NOT_OPEN' },
    });
    await engine.client.comment(taskId, 'Looks fine.', { assignee: 'bob', waitMs: 20_000 });
    const lasts = await Promise.allSettled([vote('bob'), vote('cleo')]);
    expect(lasts.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const winner = lasts[0]?.status === 'fulfilled' ? 'bob' : 'cleo';
    expect(await engine.client.instance(instanceId)).toMatchObject({
      ...{ status: 'completed', output: { outcome: 'yes', votes: [{ by: 'ada' }, { by: winner }] } },
    });
    expect(await engine.client.task(taskId)).toMatchObject({
      ...{ status: 'completed', title: 'Approve', completedBy: winner, outcome: 'yes', comments: [{ by: 'bob', text: 'Looks fine.' }] },
      completedAt: expect.any(String),
    });
  });

  it('leaves the inbox when it was completed, not when that was applied', async () => {
    const { instanceId, taskId } = await newTask();
    await engine.client.complete(taskId, { approved: true });
    expect((await engine.client.inbox({ instanceId })).items).toEqual([]);
  });

  it('takes only what fits its form', async () => {
    const { taskId } = await newTask();
    expect(await refusal(engine.client.complete(taskId, { approved: 'yes' }))).toEqual({ status: 422, code: 'MR_FORM_INVALID' });
    expect((await engine.client.task(taskId)).status).toBe('open');
  });
});
