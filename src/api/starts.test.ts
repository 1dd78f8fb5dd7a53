/** What an idempotency key promises of a start: the first answer to the same body, a refusal of any other. */
import { describe, expect, it } from 'vitest';
import type { Json } from '../core/json.ts';
import { type Answer, type Body, expectProblem, openTestApi } from './testing/test-api.ts';

const order = { id: 'order', nodes: { pay: { type: 'task', task: 'pay' } } };

async function withOrder() {
  const api = await openTestApi();
  await api.deploy(order);
  return Object.assign(api, {
    startAs: (key: string, body: Json): Promise<Answer> =>
      api.ask('POST', '/v1/definitions/order/instances', body, { headers: { 'idempotency-key': key } }),
    async startedIds(): Promise<readonly unknown[]> {
      const { items } = (await api.ask('GET', '/v1/instances')).body as { readonly items: readonly Body[] };
      return items.map(({ instanceId }) => instanceId);
    },
  });
}

describe('A start that is repeated with its idempotency key', () => {
  const body = { input: { cart: { a: 1, b: [1, 2] } }, businessKey: 'o-1', version: 1 };

  it.each<[string, Json]>([
    ['another business key', { ...body, businessKey: 'o-2' }],
    ['no business key', { input: body.input, version: 1 }],
    ['another version', { ...body, version: 2 }],
    ['no version, though the latest is the same', { input: body.input, businessKey: 'o-1' }],
    ['the items of a list in another order', { ...body, input: { cart: { a: 1, b: [2, 1] } } }],
  ])('and %s is 422, and starts nothing', async (_, other) => {
    const api = await withOrder();
    const first = (await api.startAs('k', body)).body as Body;
    await api.deploy({ ...order, output: 2 });
    expectProblem(await api.startAs('k', other), 422, 'MR_IDEMPOTENCY_KEY_REUSED');
    expect(await api.startedIds()).toEqual([first.instanceId]);
  });

  it('and members in another order, at any depth, gets the first answer', async () => {
    const api = await withOrder();
    const first = await api.startAs('k', body);
    const repeat = await api.startAs('k', { version: 1, businessKey: 'o-1', input: { cart: { b: [1, 2], a: 1 } } });
    expect({ status: repeat.status, body: repeat.body }).toEqual({ status: 201, body: first.body });
    expect(repeat.headers.location).toBe(first.headers.location);
    expect(await api.startedIds()).toEqual([(first.body as Body).instanceId]);
  });

  it('after a version was deployed that takes it too still names the first version', async () => {
    const api = await withOrder();
    const first = await api.startAs('k', { input: { n: 1 } });
    await api.deploy({ ...order, output: 2 });
    const repeat = await api.startAs('k', { input: { n: 1 } });
    expect({ status: repeat.status, body: repeat.body }).toEqual({ status: 201, body: first.body });
    expect(repeat.body).toMatchObject({ definition: { id: 'order', version: 1 } });
    expect((await api.startAs('l', { input: { n: 1 } })).body).toMatchObject({ definition: { version: 2 } });
  });

  it('of another definition is a start of its own', async () => {
    const api = await withOrder();
    await api.deploy({ ...order, id: 'other' });
    await api.startAs('k', {});
    const other = await api.ask('POST', '/v1/definitions/other/instances', {}, { headers: { 'idempotency-key': 'k' } });
    expect(other).toMatchObject({ status: 201, body: { definition: { id: 'other' } } });
    expect(await api.startedIds()).toHaveLength(2);
  });
});
