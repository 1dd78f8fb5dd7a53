import { describe, expect, it } from 'vitest';
import { expectProblem, openTestApi, type TestApi } from '../testing/test-api.ts';

const nightly = {
  id: 'report',
  input: { type: 'object', required: ['of'] },
  nodes: { nap: { type: 'wait', for: '1h' } },
  triggers: [
    { name: 'nightly', schedule: { cron: '30 2 * * *', timeZone: 'Europe/Berlin', overlap: 'queue' }, input: { of: '${ schedule.time }' } },
    { event: 'report.wanted', when: 'event.data.pages < 10', input: { of: '${ event.key }' }, key: '${ event.key }' },
  ],
};

async function withTriggers(): Promise<TestApi> {
  const api = await openTestApi();
  api.engine.now = Date.parse('2026-03-28T12:00:00Z');
  await api.deploy(nightly);
  return api;
}

const schedule = {
  ...{ cron: '30 2 * * *', timeZone: 'Europe/Berlin', overlap: 'queue', catchUp: 'last' },
  // The night in which clocks go forward.
  ...{ nextAt: '2026-03-29T01:00:00.000Z', lastAt: null, running: null, queued: [], recent: [], lastError: null },
};
const shown = {
  definition: { id: 'report', version: 1 },
  paused: false,
  triggers: [
    { name: 'nightly', paused: false, event: null, schedule },
    { name: '2', paused: false, event: 'report.wanted', schedule: null },
  ],
};

describe('Triggers', () => {
  it('are shown for one definition, and for all that have some', async () => {
    const { ask, deploy } = await withTriggers();
    await deploy({ ...nightly, id: 'quiet', triggers: [] });
    expect((await ask('GET', '/v1/definitions/report/triggers')).body).toEqual(shown);
    expect((await ask('GET', '/v1/triggers')).body).toEqual({ items: [shown], nextCursor: null });
    expectProblem(await ask('GET', '/v1/definitions/quiet/triggers'), 404, 'MR_NOT_FOUND');
    expectProblem(await ask('GET', '/v1/definitions/none/triggers'), 404, 'MR_NOT_FOUND');
  });

  it('are switched off and on, all of a definition or one by its name', async () => {
    const { ask } = await withTriggers();
    const offOf = (body: unknown) => (body as typeof shown).triggers.filter(({ paused }) => paused).map(({ name }) => name);
    expect(offOf((await ask('POST', '/v1/definitions/report/triggers/2/pause')).body)).toEqual(['2']);
    expect(offOf((await ask('POST', '/v1/definitions/report/triggers/nightly/pause')).body)).toEqual(['nightly', '2']);
    expect(offOf((await ask('POST', '/v1/definitions/report/triggers/2/resume')).body)).toEqual(['nightly']);
    expect((await ask('POST', '/v1/definitions/report/triggers/resume')).body).toEqual(shown);
    expect((await ask('POST', '/v1/definitions/report/triggers/pause')).body).toMatchObject({ paused: true });
    expectProblem(await ask('POST', '/v1/definitions/report/triggers/2/resume'), 409, 'MR_PAUSED');
    expectProblem(await ask('POST', '/v1/definitions/report/triggers/none/pause'), 404, 'MR_NOT_FOUND');
    expectProblem(await ask('POST', '/v1/definitions/none/triggers/pause'), 404, 'MR_NOT_FOUND');
  });

  it('start an instance by hand, at a time or on an event, also while they are paused', async () => {
    const { ask, engine } = await withTriggers();
    await ask('POST', '/v1/definitions/report/triggers/pause');
    const fire = async (trigger: string, body: { readonly [name: string]: never } | object) =>
      (await ask('POST', `/v1/definitions/report/triggers/${trigger}/fire`, body as never)).body as { instanceId: string };
    const inputOf = async ({ instanceId }: { instanceId: string }) =>
      ((await ask('GET', `/v1/instances/${instanceId}`)).body as { input: unknown; businessKey: unknown }).input;
    expect(await inputOf(await fire('nightly', {}))).toEqual({ of: new Date(engine.now).toISOString() });
    expect(await inputOf(await fire('nightly', { time: '2026-03-27T02:30:00+01:00' }))).toEqual({ of: '2026-03-27T01:30:00.000Z' });
    expect(await inputOf(await fire('2', { event: { key: 'k-1', data: { pages: 3 } } }))).toEqual({ of: 'k-1' });
    expect((await ask('GET', '/v1/instances?businessKey=k-1')).body).toMatchObject({ items: [{ businessKey: 'k-1' }] });
  });

  it('start once for an idempotency key', async () => {
    const { ask } = await withTriggers();
    const fire = (body: object, key: string) =>
      ask('POST', '/v1/definitions/report/triggers/nightly/fire', body as never, { headers: { 'idempotency-key': key } });
    const first = await fire({}, 'a');
    expect(first.status).toBe(201);
    expect((await fire({}, 'a')).body).toEqual(first.body);
    expectProblem(await fire({ time: '2026-03-27T02:30:00+01:00' }, 'a'), 422, 'MR_IDEMPOTENCY_KEY_REUSED');
  });

  it('say what is wrong with what they are fired with', async () => {
    const { ask } = await withTriggers();
    const fire = (trigger: string, body: object) => ask('POST', `/v1/definitions/report/triggers/${trigger}/fire`, body as never);
    expect(expectProblem(await fire('2', {}), 400, 'MR_REQUEST_INVALID')).toMatchObject({ errors: [{ pointer: '/event' }] });
    expect(expectProblem(await fire('nightly', { event: { key: 'k' } }), 400, 'MR_REQUEST_INVALID')).toMatchObject({
      errors: [{ pointer: '/event', message: 'A schedule takes no event.' }],
    });
    expectProblem(await fire('2', { event: { key: 'k', data: { pages: 1 } }, time: '2026-03-27T02:30:00Z' }), 400, 'MR_REQUEST_INVALID');
    expectProblem(await fire('nightly', { time: 'yesterday' }), 400, 'MR_REQUEST_INVALID');
    expectProblem(await fire('nightly', { tiem: 1 }), 400, 'MR_REQUEST_INVALID');
    expect(expectProblem(await fire('2', { event: { key: 'k', data: { pages: 99 } } }), 422, 'MR_START_REFUSED').detail).toContain(
      'its "when" does not hold for this event',
    );
    expectProblem(await fire('2', { event: { key: 'k' } }), 422, 'MR_START_REFUSED');
    expectProblem(await fire('none', {}), 404, 'MR_NOT_FOUND');
  });

  it('are read by viewers, fired by users and switched by operators', async () => {
    const { ask, engine } = await withTriggers();
    const asRole = async (role: 'viewer' | 'user' | 'operator', method: 'GET' | 'POST', url: string) =>
      (
        await ask(method, `/v1/definitions/report/triggers${url}`, method === 'GET' ? undefined : {}, {
          key: await engine.addKey(role, role),
        })
      ).status;
    expect(await asRole('viewer', 'GET', '')).toBe(200);
    expect(await asRole('viewer', 'POST', '/nightly/fire')).toBe(403);
    expect(await asRole('user', 'POST', '/nightly/fire')).toBe(201);
    expect(await asRole('user', 'POST', '/pause')).toBe(403);
    expect(await asRole('operator', 'POST', '/pause')).toBe(200);
  });
});
