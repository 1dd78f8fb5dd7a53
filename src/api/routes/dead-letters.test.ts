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

  it('hide what is of an instance whose definition marks something, or that is gone, from whoever does not ask for it', async () => {
    const api = await openTestApi();
    const step = { type: 'event', event: 'e', key: 'k' };
    await api.deploy({ id: 'open', nodes: { step } });
    await api.deploy({ id: 'marked', input: { properties: { card: { sensitive: true } } }, nodes: { step } });
    const gone = '01890000-0000-7000-8000-000000000009';
    for (const [index, instanceId] of [await api.start('open'), await api.start('marked'), gone].entries())
      api.engine.addDeadLetter({
        ...{ id: String(index), code: 'MR_STEP_FAILED', reason: 'why', topic: 'notifications', partition: 0, offset: String(index) },
        ...{ key: Buffer.from('k'), value: Buffer.from('CARD-4111'), headers: [{ key: 'h', value: Buffer.from('CARD-4111') }] },
        ...{ instanceId, at: api.engine.now, status: 'open', omitted: null },
      });
    const shown = { masked: false, valueBase64: Buffer.from('CARD-4111').toString('base64'), headers: [{ key: 'h' }] };
    const hidden = { masked: true, keyBase64: null, valueBase64: null, valueBytes: 9, headers: [], reason: 'why' };
    for (const [id, expected] of [shown, hidden, hidden].entries()) {
      expect((await api.ask('GET', `/v1/dead-letters/${id}`)).body).toMatchObject({ id: String(id), ...expected });
      expect((await api.ask('GET', `/v1/dead-letters/${id}?unmasked=true`)).body).toMatchObject({ id: String(id), ...shown });
    }
    expect((await api.ask('GET', '/v1/dead-letters')).body).toMatchObject({ items: [hidden, hidden, shown] });
    expect((await api.ask('GET', '/v1/dead-letters?unmasked=true')).body).toMatchObject({ items: [shown, shown, shown] });
    expect((await api.ask('POST', '/v1/dead-letters/1/replay')).status).toBe(200);
    expect(api.produced).toMatchObject([{ value: Buffer.from('CARD-4111') }]);
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
