/** External events by REST: what is published is what was sent. */
import { describe, expect, it } from 'vitest';
import type { Json } from '../core/json.ts';
import { expectProblem, limits, openTestApi } from './testing/test-api.ts';

async function published(event: Json): Promise<unknown> {
  const { ask, engine, codec } = await openTestApi();
  const answer = await ask('POST', '/v1/events', event);
  expect(answer.status).toBe(202);
  const [message, ...others] = engine.published;
  expect(others).toEqual([]);
  const decoded = await codec.decode(message?.payload ?? Buffer.alloc(0), ['ExternalEvent']);
  if (!decoded.ok) throw new Error(decoded.reason);
  const { data, ...rest } = decoded.value;
  expect(answer.body).toEqual({ id: rest.id });
  expect(message?.key).toBe(rest.key);
  return { ...rest, data: JSON.parse(data) as Json };
}

describe('An event', () => {
  it('is published with everything that was said of it', async () => {
    const data = { paid: 0.1, lines: [1, null, 'ü'], nested: { deep: true } };
    expect(
      await published({ id: 'e-1', type: 'payment.confirmed', source: 'shop', key: 'o-1', time: '2026-01-01T00:00:00.250+02:00', data }),
    ).toEqual({ id: 'e-1', type: 'payment.confirmed', source: 'shop', key: 'o-1', time: Date.parse('2025-12-31T22:00:00.250Z'), data });
  });

  it('gets an id and our source, and neither a time nor data, when nothing is said of them', async () => {
    expect(await published({ type: 't', key: 'k' })).toEqual({
      ...{ type: 't', key: 'k', source: 'millrace.rest', time: null, data: null },
      id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f-]{21}$/),
    });
  });

  it.each<[string, Json]>([
    ['a text', 'plain'],
    ['a list', [1, 2]],
    ['false', false],
    ['zero', 0],
    ['nothing', null],
  ])('can hold %s as its data', async (_, data) => {
    expect(await published({ type: 't', key: 'k', data })).toMatchObject({ data });
  });

  it('has a key of as many characters as that of a wait may have', async () => {
    expect(await published({ type: 't', key: '🦊'.repeat(500) })).toMatchObject({ key: '🦊'.repeat(500) });
    const { ask, engine } = await openTestApi();
    for (const key of ['x'.repeat(501), '🦊'.repeat(501)]) {
      const answer = await ask('POST', '/v1/events', { type: 't', key });
      expect(expectProblem(answer, 400, 'MR_REQUEST_INVALID').errors).toMatchObject([{ pointer: '/key' }]);
    }
    expect(engine.published).toEqual([]);
  });

  it('whose data is too large is 413, and published nowhere', async () => {
    const { ask, engine } = await openTestApi();
    const answer = await ask('POST', '/v1/events', { type: 't', key: 'k', data: 'x'.repeat(limits.payloadBytes) });
    expect(expectProblem(answer, 413, 'MR_PAYLOAD_TOO_LARGE').errors).toMatchObject([{ pointer: '/data' }]);
    expect(engine.published).toEqual([]);
  });
});
