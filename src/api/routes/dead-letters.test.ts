import { describe, expect, it } from 'vitest';
import { expectProblem, openTestApi, type TestApi } from '../testing/test-api.ts';

describe('Dead letters', () => {
  async function withLetter(omitted: string | null = null): Promise<TestApi> {
    const api = await openTestApi();
    api.engine.addDeadLetter({
      ...{ id: '7', code: 'MR_NOT_FRAMED', reason: 'no magic byte', topic: 'orders', partition: 3, offset: '41' },
      ...{ key: Buffer.from('k'), value: Buffer.alloc(5_000, 1), headers: [{ key: 'h', value: Buffer.from('v') }] },
      ...{ instanceId: null, at: api.engine.now, status: 'open', omitted },
    });
    return api;
  }

  it('are shown with the beginning of the original', async () => {
    const { ask } = await withLetter();
    expect((await ask('GET', '/v1/dead-letters')).body).toMatchObject({
      items: [
        {
          ...{ id: '7', code: 'MR_NOT_FRAMED', topic: 'orders', partition: 3, offset: '41', keyBase64: 'aw==', valueBytes: 5_000 },
          valueBase64: Buffer.alloc(4_096, 1).toString('base64'),
          headers: [{ key: 'h', valueBase64: 'dg==' }],
        },
      ],
    });
    expect((await ask('GET', '/v1/dead-letters/7')).body).toMatchObject({
      ...{ id: '7', valueBytes: 5_000, valueBase64: Buffer.alloc(5_000, 1).toString('base64') },
    });
    expectProblem(await ask('GET', '/v1/dead-letters/8'), 404, 'MR_NOT_FOUND');
    expect((await ask('GET', '/v1/dead-letters?status=discarded')).body).toMatchObject({ items: [] });
  });

  it('are sent again byte for byte where they came from, once', async () => {
    const api = await withLetter();
    expect(await api.ask('POST', '/v1/dead-letters/7/replay')).toMatchObject({ status: 200, body: { id: '7', status: 'replayed' } });
    expect(api.produced).toEqual([
      {
        topic: 'orders',
        partition: 3,
        key: Buffer.from('k'),
        value: Buffer.alloc(5_000, 1),
        headers: [{ key: 'h', value: Buffer.from('v') }],
      },
    ]);
    expectProblem(await api.ask('POST', '/v1/dead-letters/7/replay'), 409, 'MR_DEAD_LETTER_CLOSED');
    expectProblem(await api.ask('POST', '/v1/dead-letters/7/discard'), 409, 'MR_DEAD_LETTER_CLOSED');
  });

  it('that do not hold all of their original say so, and cannot be sent again', async () => {
    const api = await withLetter('value');
    expect((await api.ask('GET', '/v1/dead-letters')).body).toMatchObject({ items: [{ omitted: 'value' }] });
    expectProblem(await api.ask('POST', '/v1/dead-letters/7/replay'), 409, 'MR_DEAD_LETTER_INCOMPLETE');
    expect(api.produced).toEqual([]);
  });

  it('are let go', async () => {
    const api = await withLetter();
    expect(await api.ask('POST', '/v1/dead-letters/7/discard')).toMatchObject({ status: 200, body: { status: 'discarded' } });
    expect(api.produced).toEqual([]);
  });
});
