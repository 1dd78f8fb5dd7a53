/** Inputs and outputs that are larger than the limit: refused with their place, and nothing is written. */
import { describe, expect, it, vi } from 'vitest';
import { expectProblem, limits, openTestApi } from './testing/test-api.ts';

/** A text that has so many bytes as JSON, of two bytes a letter. */
function textOf(bytes: number): string {
  return `${'ü'.repeat(Math.floor((bytes - 2) / 2))}${'x'.repeat((bytes - 2) % 2)}`;
}

async function withTask() {
  const api = await openTestApi();
  await api.deploy({ id: 'one', nodes: { look: { type: 'human', title: 'Look', assignees: { users: ['ada'] } } } });
  return api;
}

describe('The input of a start', () => {
  it.each([
    ['is larger than the limit', textOf(limits.payloadBytes + 1)],
    // 1e15 is written out wherever it is kept.
    ['is larger than the limit only once it is written out', Array.from({ length: limits.payloadBytes / 16 }, () => 1e15)],
  ])('that %s is 413, and starts nothing', async (_, input) => {
    const api = await withTask();
    const payload = JSON.stringify({ input }).replaceAll('1000000000000000', '1e15');
    const { statusCode, body } = await api.app.inject({
      method: 'POST',
      url: '/v1/definitions/one/instances',
      headers: { authorization: `Bearer ${await api.engine.addKey('admin', 'root')}`, 'content-type': 'application/json' },
      payload,
    });
    const problem = expectProblem({ status: statusCode, body: JSON.parse(body), headers: {} }, 413, 'MR_PAYLOAD_TOO_LARGE');
    expect(problem.errors).toMatchObject([{ pointer: '/input' }]);
    expect(api.engine.batches).toEqual([]);
    expect((await api.ask('GET', '/v1/instances')).body).toMatchObject({ items: [] });
  });

  it('that is just as large is taken', async () => {
    const api = await withTask();
    const id = await api.start('one', { input: textOf(limits.payloadBytes) });
    expect((await api.ask('GET', `/v1/instances/${id}`)).body).toMatchObject({ input: textOf(limits.payloadBytes) });
  });
});

describe('The output of a completion', () => {
  it('that is larger than the limit is 413, and decides nothing', async () => {
    const api = await withTask();
    const id = await api.start('one');
    const issueCommand = vi.spyOn(api.engine.instances, 'issueCommand');
    const answer = await api.ask('POST', `/v1/tasks/${id}.look/complete`, { output: textOf(limits.payloadBytes + 1) });
    expect(expectProblem(answer, 413, 'MR_PAYLOAD_TOO_LARGE').errors).toMatchObject([{ pointer: '/output' }]);
    expect(issueCommand).not.toHaveBeenCalled();
    expect((await api.ask('GET', `/v1/instances/${id}`)).body).toMatchObject({ status: 'running', pending: [] });
    expect((await api.ask('GET', '/v1/tasks')).body).toMatchObject({ items: [{ taskId: `${id}.look` }] });
  });

  it('that is just as large is taken', async () => {
    const api = await withTask();
    const id = await api.start('one');
    const answer = await api.ask('POST', `/v1/tasks/${id}.look/complete?wait=5s`, { output: textOf(limits.payloadBytes) });
    expect(answer).toMatchObject({ status: 200, body: { status: 'applied' } });
  });
});
