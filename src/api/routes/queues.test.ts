import { describe, expect, it } from 'vitest';
import { type Body, expectProblem, openTestApi, type TestApi } from '../testing/test-api.ts';

const NOW = '2026-03-01T09:00:00.000Z';
const waiting = {
  id: 'w',
  nodes: { work: { type: 'task', task: 'charge', queue: 'special' }, call: { type: 'http', method: 'GET', url: 'http://h/' } },
};

async function openQueues(): Promise<TestApi> {
  const api = await openTestApi();
  api.engine.now = Date.parse(NOW);
  return api;
}

const paused = {
  ...{ by: 'root', at: NOW, reason: 'the bank is away' },
  message: `The queue special is paused by root since ${NOW}: the bank is away`,
};

describe('Queues', () => {
  it('are listed, paused with a reason and resumed', async () => {
    const { ask } = await openQueues();
    const free = ['handlers', 'http', 'special'].map((queue) => ({ queue, paused: null }));
    expect((await ask('GET', '/v1/queues')).body).toEqual({ items: free });
    const answer = await ask('POST', '/v1/queues/special/pause', { reason: 'the bank is away' });
    expect(answer).toMatchObject({ status: 200, body: { queue: 'special', paused } });
    expect((await ask('GET', '/v1/queues')).body).toEqual({ items: [free[0], free[1], { queue: 'special', paused }] });
    expect((await ask('POST', '/v1/queues/special/pause', { reason: 'again' })).body).toEqual({ queue: 'special', paused });
    expect((await ask('POST', '/v1/queues/special/resume')).body).toEqual({ queue: 'special', paused: null });
    expect((await ask('POST', '/v1/queues/special/resume')).body).toEqual({ queue: 'special', paused: null });
  });

  it('that nobody deployed are not found', async () => {
    const { ask } = await openQueues();
    const problem = expectProblem(await ask('POST', '/v1/queues/none/pause'), 404, 'MR_NOT_FOUND');
    expect(problem.detail).toBe('There is no queue none: no definition that was deployed names it.');
    expectProblem(await ask('POST', '/v1/queues/none/resume'), 404, 'MR_NOT_FOUND');
  });

  it('take a reason that is a string, and nothing else', async () => {
    const { ask } = await openQueues();
    const wrong = expectProblem(await ask('POST', '/v1/queues/special/pause', { reason: 7 }), 400, 'MR_REQUEST_INVALID');
    expect(wrong.errors).toMatchObject([{ pointer: '/reason' }]);
    expectProblem(await ask('POST', '/v1/queues/special/pause', { why: 'x' }), 400, 'MR_REQUEST_INVALID');
    expectProblem(await ask('POST', '/v1/queues/special/resume', { reason: 'x' }), 400, 'MR_REQUEST_INVALID');
    expectProblem(await ask('GET', '/v1/queues?limit=1'), 400, 'MR_REQUEST_INVALID');
    expect((await ask('GET', '/v1/queues')).body).toMatchObject({ items: [{}, {}, { paused: null }] });
  });

  it('are paused by operators only', async () => {
    const { ask, engine } = await openQueues();
    const key = await engine.addKey('user', 'eve');
    expectProblem(await ask('POST', '/v1/queues/special/pause', {}, { key }), 403, 'MR_FORBIDDEN');
    expect((await ask('POST', '/v1/queues/special/pause', {}, { key: await engine.addKey('operator', 'ola') })).status).toBe(200);
  });

  it('say so with the instances that wait for them, as long as they are paused', async () => {
    const { ask, deploy, start } = await openQueues();
    await deploy(waiting);
    const id = await start('w');
    const waits = async () => {
      const { open } = (await ask('GET', `/v1/instances/${id}`)).body as Body;
      return new Map((open as { nodeId: string; waitingFor: object }[]).map(({ nodeId, waitingFor }) => [nodeId, waitingFor]));
    };
    await ask('POST', '/v1/queues/special/pause', { reason: 'the bank is away' });
    expect((await waits()).get('work')).toEqual({ kind: 'worker', queue: 'special', paused });
    expect((await waits()).get('call')).toEqual({ kind: 'worker', queue: null });
    await ask('POST', '/v1/queues/http/pause');
    expect((await waits()).get('call')).toMatchObject({ paused: { message: `The queue http is paused by root since ${NOW}` } });
    await ask('POST', '/v1/queues/special/resume');
    expect((await waits()).get('work')).toEqual({ kind: 'worker', queue: 'special' });
  });
});
