import { describe, expect, it } from 'vitest';
import { openTestApi } from '../testing/test-api.ts';

describe('Events', () => {
  it('go to the outbox as the record that producers write', async () => {
    const api = await openTestApi();
    const answer = await api.ask('POST', '/v1/events', { type: 'payment.confirmed', key: 'o-1', data: { paid: 0.1 } });
    expect(answer).toMatchObject({ status: 202, body: { id: expect.stringMatching(/^[0-9a-f-]{36}$/) } });
    const given = await api.ask('POST', '/v1/events', { id: 'mine', type: 't', source: 's', key: 'k', time: '2026-01-01T00:00:00+02:00' });
    expect(given.body).toEqual({ id: 'mine' });
    expect(api.engine.published).toMatchObject([
      { topic: 't.events', key: 'o-1', messageType: 'ExternalEvent', partition: null },
      { topic: 't.events', key: 'k' },
    ]);
  });
});
