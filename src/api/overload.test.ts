/** What callers get while more is started than the database takes. */
import { describe, expect, it } from 'vitest';
import type { StartResult } from '../store/instance-store.ts';
import { withApproval } from './testing/definitions.ts';
import { type Body, expectProblem, openTestApi } from './testing/test-api.ts';

const simple = { id: 'simple', nodes: { a: { type: 'transform', output: 1 } } };

describe('A burst of starts', () => {
  it('is accepted, or refused before anything is read: nothing that was accepted is lost', async () => {
    const api = await openTestApi();
    await api.deploy(simple);
    const real = api.engine.instances.start.bind(api.engine.instances);
    const opened = Promise.withResolvers<void>();
    api.engine.instances.start = async (starts): Promise<readonly StartResult[]> => {
      await opened.promise;
      return await real(starts);
    };
    const answers = Array.from({ length: 600 }, () => api.ask('POST', '/v1/definitions/simple/instances', {}));
    // Those that are refused are answered while all others wait.
    const problem = expectProblem(await Promise.any(answers), 429, 'MR_TOO_MANY_STARTS');
    expect(problem).toMatchObject({ title: 'Too many requests', detail: expect.stringContaining('Too many instances are being started') });
    opened.resolve();
    const all = await Promise.all(answers);
    const counts = new Map<number, number>();
    for (const { status, headers } of all) {
      counts.set(status, (counts.get(status) ?? 0) + 1);
      if (status === 429) expect(headers['retry-after']).toBe('1');
    }
    expect([...counts.keys()].sort()).toEqual([201, 429]);
    const ids = all.flatMap(({ status, body }) => (status === 201 ? [(body as Body).instanceId] : []));
    expect(new Set(ids).size).toBe(counts.get(201));
    for (const id of ids) expect((await api.ask('GET', `/v1/instances/${String(id)}`)).status).toBe(200);
    expect((await api.ask('POST', '/v1/definitions/simple/instances', {})).status).toBe(201);
  });

  it('is refused whatever its body is: it is not read', async () => {
    const api = await openTestApi();
    await api.deploy(simple);
    api.backlogSeconds = 40;
    const answer = await api.ask('POST', '/v1/definitions/simple/instances', { nothing: 'of this is known' });
    expectProblem(answer, 429, 'MR_TOO_MANY_STARTS');
    expect(answer.headers['retry-after']).toBe('10');
    api.backlogSeconds = 0;
    expectProblem(await api.ask('POST', '/v1/definitions/simple/instances', { nothing: 'of this is known' }), 400, 'MR_REQUEST_INVALID');
  });

  it('asks for a key first', async () => {
    const api = await openTestApi();
    api.backlogSeconds = 40;
    expect((await api.ask('POST', '/v1/definitions/simple/instances', {}, { key: 'of-nobody' })).status).toBe(401);
  });

  it('stops no command, no task of people, no event and no question', async () => {
    const api = await withApproval();
    api.backlogSeconds = 40;
    const { ask, id, task } = api;
    expectProblem(await ask('POST', '/v1/definitions/approval/instances', {}), 429, 'MR_TOO_MANY_STARTS');
    expect((await ask('GET', `/v1/instances/${id}`)).status).toBe(200);
    expect((await ask('POST', '/v1/events', { type: 'payment.confirmed', key: 'k' })).status).toBe(202);
    expect((await ask('POST', `/v1/tasks/${task}/complete`, { output: { approved: true } })).status).toBeLessThan(300);
    expect((await ask('POST', `/v1/instances/${id}/cancel`, { reason: 'enough' })).status).toBeLessThan(300);
  });
});
