import { describe, expect, it } from 'vitest';
import { sha256Hex } from '../../core/hash.ts';
import type { Basis, InstanceId, TaskPath } from '../../core/ids.ts';
import { referencedValuesMax } from '../../core/payload-reference.ts';
import { outputKeyText, outputsOfAttemptMax } from '../../store/task-outputs.ts';
import { type Answer, expectProblem, limits, openTestApi, type TestApi } from '../testing/test-api.ts';

const document = {
  id: 'large',
  nodes: {
    work: { type: 'task', task: 'work', queue: 'special', input: '${ input }' },
    ask: { type: 'human', title: 'Look', assignees: { users: ['ada'] } },
  },
};
const input = { text: `${'ü\\"\n'.repeat(100)}`, '10': 1, '9': 0.1 };

type Lab = { readonly api: TestApi; readonly id: string; readonly key: string };

async function openLarge(changed: Partial<typeof limits> = {}): Promise<Lab> {
  const api = await openTestApi({}, changed);
  await api.deploy(document);
  return { api, id: await api.start('large', { input }), key: await api.engine.addKey('worker', 'w') };
}

const get = ({ api, id, key }: Lab, path = 'work', query = 'attempt=1'): Promise<Answer> =>
  api.ask('GET', `/v1/tasks/${id}.${path}/input?${query}`, undefined, { key });

type Put = { readonly path?: string; readonly attempt?: number; readonly sha256?: string; readonly headers?: Record<string, string> };

function put({ api, id, key }: Lab, output: unknown, { path = 'work', attempt = 1, sha256, headers = {} }: Put = {}): Promise<Answer> {
  const hash = sha256 ?? sha256Hex(JSON.stringify(output));
  const url = `/v1/tasks/${id}.${path}/output?attempt=${attempt}&basis=b1&sha256=${hash}`;
  return api.ask('PUT', url, output as never, { key, headers });
}

async function kept({ api, id }: Lab, output: unknown): Promise<string | undefined> {
  const text = JSON.stringify(output);
  const at = { instanceId: id as InstanceId, path: 'work' as TaskPath, attempt: 1, basis: 'b1' as Basis, sha256: sha256Hex(text) };
  return (await api.engine.instances.keptOutputs(0, [at])).get(outputKeyText(at));
}

describe('The input of a task', () => {
  it('is given to workers as it was sent, while its attempt is with one', async () => {
    const lab = await openLarge();
    const { status, body, headers } = await get(lab);
    expect({ status, body }).toEqual({ status: 200, body: input });
    expect(headers['content-type']).toMatch(/^application\/json/);
    expect(headers['content-length']).toBe(String(Buffer.byteLength(JSON.stringify(input))));
    await lab.api.engine.completes(lab.id as InstanceId, 'work', null);
    expectProblem(await get(lab), 409, 'MR_TASK_NOT_OPEN');
  });

  it('is that of the attempt that was asked for', async () => {
    const lab = await openLarge();
    expectProblem(await get(lab, 'work', 'attempt=2'), 409, 'MR_TASK_NOT_OPEN');
    expectProblem(await get(lab, 'work', ''), 400, 'MR_REQUEST_INVALID');
    expectProblem(await get(lab, 'work', 'attempt=0'), 400, 'MR_REQUEST_INVALID');
    expectProblem(await get(lab, 'none'), 404, 'MR_NOT_FOUND');
  });

  it('is none of a task of people', async () => {
    expectProblem(await get(await openLarge(), 'ask'), 409, 'MR_TASK_NOT_OPEN');
  });
});

describe('The output of a task', () => {
  it('is kept as it was sent, however often', async () => {
    const lab = await openLarge();
    expect((await put(lab, input)).status).toBe(204);
    expect((await put(lab, input)).status).toBe(204);
    expect(await kept(lab, input)).toBe(JSON.stringify(input));
  });

  it('is refused where it is not what the request names', async () => {
    const lab = await openLarge();
    const problem = expectProblem(await put(lab, input, { sha256: sha256Hex('another') }), 400, 'MR_REQUEST_INVALID');
    expect(problem.errors).toEqual([{ pointer: '/query/sha256', message: 'The SHA-256 of the body is another one.' }]);
    expectProblem(await put(lab, input, { sha256: 'A'.repeat(64) }), 400, 'MR_REQUEST_INVALID');
    expectProblem(await put(lab, undefined, { sha256: '0'.repeat(64) }), 400, 'MR_REQUEST_INVALID');
    expect(await kept(lab, input)).toBeUndefined();
  });

  it('is refused above the limit, and as anything but JSON in UTF-8', async () => {
    const lab = await openLarge();
    expect((await put(lab, 'x'.repeat(limits.payloadBytes - 2))).status).toBe(204);
    expectProblem(await put(lab, 'x'.repeat(limits.payloadBytes - 1)), 413, 'MR_PAYLOAD_TOO_LARGE');
    expectProblem(await put(lab, 'x', { headers: { 'content-type': 'text/plain' } }), 415, 'MR_MEDIA_TYPE');
    for (const payload of [Buffer.from([0x22, 0xff, 0x22]), Buffer.from('"\u0000"')]) {
      const url = `/v1/tasks/${lab.id}.work/output?attempt=1&basis=b1&sha256=${'0'.repeat(64)}`;
      const headers = { authorization: `Bearer ${lab.key}`, 'content-type': 'application/json' };
      const answer = await lab.api.app.inject({ method: 'PUT', url, headers, payload });
      expect({ status: answer.statusCode, code: answer.json<{ code: string }>().code }).toEqual({ status: 400, code: 'MR_JSON_MALFORMED' });
    }
  });

  it('is refused where it holds so many values that nobody could go through them', async () => {
    const lab = await openLarge({ payloadBytes: 600_000 });
    expectProblem(await put(lab, new Array(referencedValuesMax).fill(1)), 413, 'MR_PAYLOAD_TOO_LARGE');
    expect((await put(lab, ','.repeat(590_000))).status).toBe(204);
  });

  it('is kept for an attempt that is with a worker alone', async () => {
    const lab = await openLarge();
    expectProblem(await put(lab, 1, { attempt: 2 }), 409, 'MR_TASK_NOT_OPEN');
    expectProblem(await put(lab, 1, { path: 'ask' }), 409, 'MR_TASK_NOT_OPEN');
    expectProblem(await put(lab, 1, { path: 'none' }), 404, 'MR_NOT_FOUND');
    const failure = { status: 'failed', error: { code: 'X', message: '' }, retryable: true, retryAfterMs: null } as const;
    await lab.api.engine.ends(lab.id as InstanceId, 'work', failure);
    expectProblem(await put(lab, 1), 409, 'MR_TASK_NOT_OPEN');
  });

  it('is one of a few that differ', async () => {
    const lab = await openLarge();
    for (let n = 0; n < outputsOfAttemptMax; n++) expect((await put(lab, n)).status).toBe(204);
    expectProblem(await put(lab, -1), 409, 'MR_TASK_FULL');
  });
});

describe('The key of a worker', () => {
  it('is for these two routes, and they are for no other', async () => {
    const lab = await openLarge();
    for (const role of ['viewer', 'user', 'operator', 'admin'] as const) {
      const other = { ...lab, key: await lab.api.engine.addKey(role, role) };
      expectProblem(await get(other), 403, 'MR_FORBIDDEN');
      expectProblem(await put(other, 1), 403, 'MR_FORBIDDEN');
    }
    const { key } = lab;
    for (const url of ['/v1/queues', `/v1/instances/${lab.id}`, `/v1/tasks/${lab.id}.work`, '/v1/definitions'])
      expectProblem(await lab.api.ask('GET', url, undefined, { key }), 403, 'MR_FORBIDDEN');
    expectProblem(await lab.api.ask('POST', '/v1/definitions/large/instances', {}, { key }), 403, 'MR_FORBIDDEN');
  });
});
