/** What is marked as sensitive is in no answer of any GET route that the API describes. On the real processes: test/hostile/engine.test.ts. */
import { expect, it } from 'vitest';
import { type Body, openTestApi } from '../../src/api/testing/test-api.ts';
import type { InstanceId } from '../../src/core/ids.ts';
import { CANARY, canaries, holdsCanary, pathsOf } from '../hostile/canary.ts';

type Operation = { readonly parameters?: readonly { readonly name: string }[] };

it('no GET route shows a marked value to whoever does not ask for it', async () => {
  const api = await openTestApi();
  for (const definition of [canaries.child, canaries.parent, canaries.first]) await api.deploy(definition);
  const id = (await api.start('canary', { input: { card: CANARY, plain: 'shown' } })) as InstanceId;
  const other = await api.start('canary-parent');
  const error = { code: 'DECLINED', message: `${CANARY} was declined`, details: { body: CANARY } };
  await api.engine.completes(id, 'echo', { card: CANARY, text: CANARY });
  await api.engine.ends(id, 'fetch', { status: 'failed', error, retryable: false, retryAfterMs: null });
  const post = async (path: string, body: Parameters<typeof api.ask>[2]): Promise<Body> => {
    const answer = await api.ask('POST', path, body);
    expect([200, 201, 202], `${path}: ${JSON.stringify(answer.body)}`).toContain(answer.status);
    return answer.body as Body;
  };
  await post(`/v1/instances/${id}/set-vars`, { vars: { kept: CANARY } });
  await post(`/v1/instances/${id}/complete-node`, { taskId: `${id}.counts`, output: CANARY });
  await post(`/v1/tasks/${id}.ask/complete`, { output: { pin: CANARY }, assignee: 'ada' });
  const { jobId } = await post('/v1/jobs', { operation: 'retry', query: { definition: 'canary' } });
  api.engine.addDeadLetter({
    ...{ id: '1', code: 'MR_STEP_FAILED', reason: 'why', topic: 'notifications', partition: 0, offset: '1', instanceId: id },
    ...{ key: Buffer.from(id), value: Buffer.from(`{"card":"${CANARY}"}`), headers: [], at: api.engine.now, status: 'open', omitted: null },
  });
  const keys = { viewer: await api.engine.addKey('viewer', 'vi'), operator: await api.engine.addKey('operator', 'olga') };
  const { paths } = (await api.ask('GET', '/openapi.json')).body as { paths: Readonly<Record<string, { readonly get?: Operation }>> };
  const listed = (await api.ask('GET', `/v1/instances/${id}/tasks`)).body as { readonly items: readonly Body[] };
  const ids = { instances: [id, other], tasks: listed.items.map(({ taskId }) => String(taskId)), jobs: [String(jobId)] };

  /** The paths whose answers hold it. @param streams which end with their instances alone. */
  async function showing(key: string, streams: boolean, query = ''): Promise<readonly string[]> {
    const found: string[] = [];
    for (const [route, { get }] of Object.entries(paths)) {
      if (get === undefined || (!streams && route.endsWith('/events'))) continue;
      const takesQuery = get.parameters?.some(({ name }) => name === 'unmasked') === true;
      if (query !== '' && !takesQuery) continue;
      const filled = pathsOf(route, ids);
      expect(filled, `canary.ts knows what to put into ${route}`).toBeDefined();
      for (const path of filled ?? []) {
        const { status, body } = await api.ask('GET', `${path}${query}`, undefined, { key });
        expect([200, 204, 403, 404], `GET ${path}`).toContain(status);
        if (holdsCanary(typeof body === 'string' ? body : JSON.stringify(body))) found.push(path);
      }
    }
    return found;
  }

  for (const key of [keys.viewer, keys.operator]) expect(await showing(key, false)).toEqual([]);
  for (const instance of ids.instances) await post(`/v1/instances/${instance}/cancel`, {});
  for (const key of [keys.viewer, keys.operator]) expect(await showing(key, true)).toEqual([]);
  // It is in all of them, for whoever asks.
  expect(await showing(keys.operator, true, '?unmasked=true')).toEqual(
    expect.arrayContaining([
      ...['', '/history', '/tasks', '/events'].map((path) => `/v1/instances/${id}${path}`),
      ...['echo', 'ask', 'fetch', 'child', 'each'].map((node) => `/v1/tasks/${id}.${node}`),
      ...['/v1/dead-letters', '/v1/dead-letters/1'],
    ]),
  );
});
