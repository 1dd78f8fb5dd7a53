import { describe, expect, it } from 'vitest';
import { withApproval } from '../testing/definitions.ts';
import type { TestApi } from '../testing/test-api.ts';

describe('The live stream', () => {
  async function listen(api: TestApi): Promise<string> {
    return await api.app.listen({ host: '127.0.0.1', port: 0 });
  }

  async function follow(api: TestApi, url: string, id: string, lastEventId?: string): Promise<Response> {
    const key = await api.engine.addKey('viewer', 'vi');
    return await fetch(`${url}/v1/instances/${id}/events`, {
      headers: { authorization: `Bearer ${key}`, ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }) },
    });
  }

  const idsIn = (text: string): number[] => [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));

  it('sends the history as it grows, and ends with it', async () => {
    const api = await withApproval();
    const response = await follow(api, await listen(api), api.id);
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    const text = response.text();
    await expect.poll(() => api.engine.watch.waiting).toBe(1);
    await api.ask('POST', `/v1/tasks/${api.task}/complete`, { output: { approved: true } });
    await api.engine.completes(api.id as never, 'pay', null);
    const { seq } = api.engine.state(api.id);
    expect(idsIn(await text)).toEqual(Array.from({ length: seq }, (_, index) => index + 1));
    expect(await text).toContain('event: InstanceCompleted');
  });

  it('goes on where it broke off, and says when nothing will follow', async () => {
    const api = await withApproval();
    await api.ask('POST', `/v1/instances/${api.id}/cancel`);
    const url = await listen(api);
    const { seq } = api.engine.state(api.id);
    expect(idsIn(await (await follow(api, url, api.id, '1')).text())).toEqual(Array.from({ length: seq - 1 }, (_, index) => index + 2));
    expect((await follow(api, url, api.id, String(seq))).status).toBe(204);
    expect((await follow(api, url, api.id, 'x')).status).toBe(400);
  });

  it('ends when the process does, so that the client goes elsewhere', async () => {
    const api = await withApproval();
    const response = await follow(api, await listen(api), api.id);
    const text = response.text();
    await expect.poll(() => api.engine.watch.waiting).toBe(1);
    api.end.abort();
    expect(idsIn(await text).length).toBeGreaterThan(0);
  });

  it('ends within ten seconds after its key was revoked', { timeout: 40_000 }, async () => {
    const api = await withApproval();
    const response = await follow(api, await listen(api), api.id);
    const text = response.text();
    await expect.poll(() => api.engine.watch.waiting).toBe(1);
    await api.engine.removeKey('key-of-vi-viewer-0123456789');
    // The stream of an instance that goes on ends for nothing else.
    expect(idsIn(await text).length).toBeGreaterThan(0);
    expect(api.engine.watch.waiting).toBe(0);
  });

  it('leaves streams to other keys', async () => {
    const api = await withApproval({ streams: 8 });
    const url = await listen(api);
    const responses = [];
    for (let index = 0; index < 3; index++) responses.push(await follow(api, url, api.id));
    expect(responses.map(({ status }) => status)).toEqual([200, 200, 429]);
    const other = await fetch(`${url}/v1/instances/${api.id}/events`, {
      headers: { authorization: `Bearer ${await api.engine.addKey('viewer', 'eve')}` },
    });
    expect(other.status).toBe(200);
    await responses[0]?.body?.cancel();
    await expect.poll(async () => (await follow(api, url, api.id)).status).toBe(200);
    api.end.abort();
  });
});
