import { describe, expect, it } from 'vitest';
import { MillraceError } from '../../core/error.ts';
import { approval, instant } from '../testing/definitions.ts';
import { type Body, expectProblem, openTestApi } from '../testing/test-api.ts';

describe('Starting', () => {
  it('answers 201 with the id and where it is', async () => {
    const api = await openTestApi();
    await api.deploy(approval);
    const answer = await api.ask('POST', '/v1/definitions/approval/instances', { input: { amount: 1 } });
    const { instanceId } = answer.body as Body;
    expect(answer).toMatchObject({ status: 201, headers: { location: `/v1/instances/${String(instanceId)}` } });
    expect(instanceId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
  });

  it('refuses an input that does not fit, with its paths, and makes nothing', async () => {
    const api = await openTestApi();
    await api.deploy(approval);
    for (const body of [{ input: { amount: 'much' } }, { input: {} }, {}]) {
      const problem = expectProblem(await api.ask('POST', '/v1/definitions/approval/instances', body), 422, 'MR_INPUT_INVALID');
      expect((problem.errors as { pointer: string }[])[0]?.pointer).toMatch(/^\/input/);
    }
    expect((await api.ask('GET', '/v1/instances')).body).toMatchObject({ items: [] });
  });

  it('of what is not there is 404; with what is unknown or wrong 400', async () => {
    const api = await openTestApi();
    await api.deploy(instant);
    expectProblem(await api.ask('POST', '/v1/definitions/instant/instances', { version: 2 }), 404, 'MR_NOT_FOUND');
    expectProblem(await api.ask('POST', '/v1/definitions/instant/instances', { version: 0 }), 400, 'MR_REQUEST_INVALID');
    expectProblem(await api.ask('POST', '/v1/definitions/instant/instances', { inputs: {} }), 400, 'MR_REQUEST_INVALID');
    expectProblem(await api.ask('POST', '/v1/definitions/instant/instances?wiat=1s', {}), 400, 'MR_REQUEST_INVALID');
    expectProblem(await api.ask('POST', '/v1/definitions/instant/instances?wait=1h', {}), 400, 'MR_REQUEST_INVALID');
    expectProblem(await api.ask('POST', '/v1/definitions/instant/instances?wait=soon', {}), 400, 'MR_REQUEST_INVALID');
  });

  it('is repeated by its idempotency key: one instance, one answer; another body is 422', async () => {
    const api = await openTestApi();
    await api.deploy(approval);
    const start = (body: Body, key: string) =>
      api.ask('POST', '/v1/definitions/approval/instances', body, { headers: { 'idempotency-key': key } });
    const [first, ...others] = await Promise.all(
      Array.from({ length: 5 }, () => start({ input: { amount: 1 }, businessKey: 'b' }, 'same')),
    );
    for (const other of others) expect({ status: other.status, body: other.body }).toEqual({ status: 201, body: first?.body });
    expect((await start({ businessKey: 'b', input: { amount: 1 } }, 'same')).body).toEqual(first?.body);
    expectProblem(await start({ input: { amount: 2 } }, 'same'), 422, 'MR_IDEMPOTENCY_KEY_REUSED');
    expectProblem(await start({ input: { amount: 2 } }, 'x'.repeat(256)), 400, 'MR_REQUEST_INVALID');
    expect((await api.ask('GET', '/v1/instances')).body).toMatchObject({ items: [expect.anything()], nextCursor: null });
  });

  it('is repeated also when a version deployed since would refuse it', async () => {
    const api = await openTestApi();
    await api.deploy(approval);
    const start = (body: Body) => api.ask('POST', '/v1/definitions/approval/instances', body, { headers: { 'idempotency-key': 'k' } });
    const first = await start({ input: { amount: 1 } });
    const breaking = { ...approval, input: { type: 'object', required: ['reason'] } };
    expect((await api.ask('POST', '/v1/definitions?allowBreaking=true', breaking)).status).toBe(201);
    expect(await start({ input: { amount: 1 } })).toMatchObject({ status: 201, body: first.body as Body });
    expectProblem(await start({ input: { amount: 2 } }), 422, 'MR_IDEMPOTENCY_KEY_REUSED');
    const other = await api.ask(
      'POST',
      '/v1/definitions/approval/instances',
      { input: { amount: 1 } },
      { headers: { 'idempotency-key': 'l' } },
    );
    expectProblem(other, 422, 'MR_INPUT_INVALID');
  });

  it('waits for the end when it is asked to', async () => {
    const api = await openTestApi();
    await api.deploy(instant);
    const done = await api.ask('POST', '/v1/definitions/instant/instances?wait=5s', { input: { x: 21 } });
    expect(done).toMatchObject({ status: 200, body: { status: 'completed', output: { doubled: 42 }, open: [] } });
    await api.deploy(approval);
    const running = await api.ask('POST', '/v1/definitions/approval/instances?wait=1ms', { input: { amount: 1 } });
    expect(running).toMatchObject({ status: 201, body: { definition: { id: 'approval' } } });
  });

  it('does not wait for the end of an instance that needs a person first', async () => {
    const api = await openTestApi();
    await api.deploy(instant);
    const stuck = await api.ask('POST', '/v1/definitions/instant/instances?wait=5s', { input: {} });
    expect(stuck).toMatchObject({ status: 200, body: { status: 'incident', open: [{ waitingFor: { kind: 'incident' } }] } });
  });

  it('is refused while nothing is published, and counted', async () => {
    const api = await openTestApi();
    await api.deploy(instant);
    api.refuse = 'the replication slot is gone.';
    const answer = await api.ask('POST', '/v1/definitions/instant/instances', {});
    expectProblem(answer, 503, 'MR_NOT_PUBLISHING');
    expect(answer.headers['retry-after']).toBe('5');
    expect((await api.app.inject('/metrics')).payload).toContain('millrace_starts_refused_total{process="test"} 1');
  });

  it('answers 503 while the database is away, 413 for what fits into no message', async () => {
    const api = await openTestApi();
    await api.deploy(instant);
    api.engine.failNextStart = new MillraceError('MR_DATABASE_UNAVAILABLE', 'away', { retryable: true });
    expectProblem(await api.ask('POST', '/v1/definitions/instant/instances', {}), 503, 'MR_DATABASE_UNAVAILABLE');
    const tooLarge = new MillraceError('MR_MESSAGE_TOO_LARGE', 'large', { retryable: false });
    api.engine.instances.start = (starts) => Promise.resolve(starts.map(() => ({ kind: 'failed', error: tooLarge })));
    expectProblem(await api.ask('POST', '/v1/definitions/instant/instances', {}), 413, 'MR_MESSAGE_TOO_LARGE');
  });
});
