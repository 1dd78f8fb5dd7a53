/** The routes over an engine in memory: what each answers, and what it asks of the engine. */
import { describe, expect, it, vi } from 'vitest';
import { MillraceError } from '../core/error.ts';
import { type Body, expectProblem, openTestApi, type TestApi } from './testing/test-api.ts';

// Each test builds a whole server, which a busy machine takes its time for.
vi.setConfig({ testTimeout: 30_000 });

const approval = {
  id: 'approval',
  input: { type: 'object', required: ['amount'], properties: { amount: { type: 'number' } } },
  nodes: {
    approve: {
      type: 'human',
      title: 'Approve ${ input.amount }',
      assignees: { users: ['ada'], roles: ['manager'] },
      form: { type: 'object', required: ['approved'], properties: { approved: { type: 'boolean' } }, additionalProperties: false },
    },
    pay: { type: 'task', task: 'pay', queue: 'special', input: { amount: '${ input.amount }' } },
  },
  edges: [{ from: 'approve', to: 'pay' }],
  output: { done: true },
};
const waiting = { id: 'waiting', nodes: { paid: { type: 'event', event: 'payment.confirmed', key: '${ instance.id }' } } };
const instant = {
  id: 'instant',
  nodes: { only: { type: 'transform', output: { doubled: '${ input.x + input.x }' } } },
  output: '${ nodes.only.output }',
};

async function withApproval(): Promise<TestApi & { readonly id: string; readonly task: string }> {
  const api = await openTestApi();
  await api.deploy(approval);
  const id = await api.start('approval', { input: { amount: 120 }, businessKey: 'e-17' });
  return Object.assign(api, { id, task: `${id}.approve` });
}

describe('Deploying', () => {
  it('makes the queues and tells the event types before it answers', async () => {
    const api = await openTestApi();
    const first = await api.ask('POST', '/v1/definitions', approval);
    expect(first).toMatchObject({ status: 201, body: { id: 'approval', version: 1, created: true, runningByVersion: [] } });
    expect(api.madeQueues).toEqual(['special']);
    await api.deploy(waiting);
    expect([...api.engine.eventTypes]).toEqual(['payment.confirmed']);
  });

  it('gives the same content the same version, whatever the order of its members', async () => {
    const api = await openTestApi();
    await api.deploy(approval);
    const { id, ...rest } = approval;
    expect(await api.ask('POST', '/v1/definitions', { ...rest, id })).toMatchObject({ status: 200, body: { version: 1, created: false } });
  });

  it('says what runs on which version', async () => {
    const api = await withApproval();
    await api.start('approval', { input: { amount: 1 } });
    const changed = await api.ask('POST', '/v1/definitions', { ...approval, output: { done: false } });
    expect(changed).toMatchObject({ status: 201, body: { version: 2, runningByVersion: [{ version: 1, running: 2 }] } });
    const started = await api.ask('POST', '/v1/definitions/approval/instances', { input: { amount: 1 } });
    expect(started.body).toMatchObject({ definition: { id: 'approval', version: 2 } });
    const older = await api.ask('POST', '/v1/definitions/approval/instances', { input: { amount: 1 }, version: 1 });
    expect(older.body).toMatchObject({ definition: { version: 1 } });
  });

  it('reports all errors at once with their places, and deploys nothing', async () => {
    const api = await openTestApi();
    const faulty = { id: 'f', nodse: {}, nodes: { a: { type: 'transform' }, b: { type: 'nothing' } }, edges: [{ from: 'a', to: 'c' }] };
    const problem = expectProblem(await api.ask('POST', '/v1/definitions', faulty), 422, 'MR_DEFINITION_INVALID');
    const pointers = (problem.errors as { pointer: string; code: string }[]).map(({ pointer }) => pointer);
    expect(pointers).toEqual(expect.arrayContaining(['/nodse', '/nodes/b/type', '/edges/0/to']));
    const checked = await api.ask('POST', '/v1/definitions/validate', faulty);
    expect(checked).toMatchObject({ status: 200, body: { valid: false, errors: problem.errors, errorCount: problem.errorCount } });
    expectProblem(await api.ask('GET', '/v1/definitions/f'), 404, 'MR_NOT_FOUND');
  });

  it('names the first 100 of many errors, and how many there are, alike by deploy and by validate', async () => {
    const api = await openTestApi();
    const nodes = Object.fromEntries(Array.from({ length: 150 }, (_, index) => [`n${index}`, { type: 'nothing' }]));
    const problem = expectProblem(await api.ask('POST', '/v1/definitions', { id: 'f', nodes, edges: [] }), 422, 'MR_DEFINITION_INVALID');
    expect(problem).toMatchObject({ errorCount: 150, detail: 'The definition has 150 errors.' });
    expect(problem.errors).toHaveLength(100);
    const checked = await api.ask('POST', '/v1/definitions/validate', { id: 'f', nodes, edges: [] });
    expect(checked.body).toEqual({ valid: false, errors: problem.errors, errorCount: 150 });
  });

  it('refuses topics that are not listed, and definitions that are too large', async () => {
    const api = await openTestApi();
    const publish = { id: 'p', nodes: { out: { type: 'publish', event: 'e', key: 'k', data: {}, topic: 'other' } } };
    const problem = expectProblem(await api.ask('POST', '/v1/definitions', publish), 422, 'MR_DEFINITION_INVALID');
    expect(problem.errors).toMatchObject([{ pointer: '/nodes/out/topic', code: 'MR_DEF_TOPIC_NOT_ALLOWED' }]);
    const large = { ...instant, output: 'x'.repeat(40_000) };
    expectProblem(await api.ask('POST', '/v1/definitions', large), 413, 'MR_DEFINITION_TOO_LARGE');
  });

  it('can be read back: the list in pages, the latest with all versions, one version', async () => {
    const api = await openTestApi();
    await api.deploy(approval);
    await api.deploy({ ...approval, output: null });
    await api.deploy(instant);
    const first = (await api.ask('GET', '/v1/definitions?limit=1')).body as Body;
    expect(first).toMatchObject({ items: [{ id: 'approval', latestVersion: 2 }], nextCursor: expect.any(String) });
    const second = await api.ask('GET', `/v1/definitions?limit=1&cursor=${String(first.nextCursor)}`);
    expect(second.body).toMatchObject({ items: [{ id: 'instant' }], nextCursor: null });
    expect((await api.ask('GET', '/v1/definitions/approval')).body).toMatchObject({
      version: 2,
      versions: [{ version: 1 }, { version: 2 }],
    });
    expect((await api.ask('GET', '/v1/definitions/approval/versions/1')).body).toMatchObject({ version: 1, document: approval });
    for (const version of ['3', '0', '01', 'x', '99999999999'])
      expectProblem(await api.ask('GET', `/v1/definitions/approval/versions/${version}`), 404, 'MR_NOT_FOUND');
  });
});

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
    await api.deploy({ ...approval, input: { type: 'object', required: ['reason'] } });
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

describe('An instance', () => {
  it('says why it waits', async () => {
    const { ask, id, task } = await withApproval();
    expect((await ask('GET', `/v1/instances/${id}`)).body).toMatchObject({
      status: 'running',
      businessKey: 'e-17',
      input: { amount: 120 },
      open: [
        {
          taskId: task,
          nodeId: 'approve',
          waitingFor: { kind: 'person', title: 'Approve 120', assignees: { users: ['ada'], roles: ['manager'] } },
        },
      ],
      openCount: 1,
      pending: [],
    });
  });

  it('is found by what it is, in pages', async () => {
    const api = await withApproval();
    for (const n of [1, 2, 3]) await api.start('approval', { input: { amount: n }, businessKey: `k${n}` });
    const seen: unknown[] = [];
    let cursor = '';
    do {
      const { items, nextCursor } = (await api.ask('GET', `/v1/instances?limit=2&definition=approval${cursor}`)).body as Body;
      seen.push(...(items as Body[]).map(({ businessKey }) => businessKey));
      cursor = nextCursor === null ? '' : `&cursor=${String(nextCursor)}`;
    } while (cursor !== '');
    expect(seen).toEqual(['k3', 'k2', 'k1', 'e-17']);
    expect((await api.ask('GET', '/v1/instances?businessKey=k2')).body).toMatchObject({ items: [{ businessKey: 'k2' }] });
    expect((await api.ask('GET', '/v1/instances?status=failed')).body).toMatchObject({ items: [] });
  });

  it('has a history in pages, and tasks', async () => {
    const { ask, id } = await withApproval();
    const first = (await ask('GET', `/v1/instances/${id}/history?limit=1`)).body as Body;
    expect(first).toMatchObject({ items: [{ seq: 1, type: 'InstanceStarted', cause: expect.stringMatching(/^rest:/) }] });
    const next = await ask('GET', `/v1/instances/${id}/history?cursor=${String(first.nextCursor)}`);
    expect((next.body as Body).items).toMatchObject([{ seq: 2, taskId: `${id}.approve` }]);
    expectProblem(await ask('GET', `/v1/instances/${id}/history?cursor=AAAA`), 400, 'MR_CURSOR_INVALID');
    expect((await ask('GET', `/v1/instances/${id}/tasks`)).body).toMatchObject({ items: [{ nodeId: 'approve', status: 'open' }] });
  });
});

describe('Commands', () => {
  it('are accepted and seen as pending, then applied', async () => {
    const api = await withApproval();
    api.engine.hold = true;
    const paused = await api.ask('POST', `/v1/instances/${api.id}/pause`);
    expect(paused).toMatchObject({ status: 202, body: { type: 'pause', status: 'pending', at: null } });
    expect((await api.ask('GET', `/v1/instances/${api.id}`)).body).toMatchObject({
      status: 'running',
      pending: [{ type: 'pause', by: 'root', commandId: (paused.body as Body).commandId }],
    });
    await api.engine.release();
    expect((await api.ask('GET', `/v1/instances/${api.id}`)).body).toMatchObject({ status: 'paused', pending: [] });
  });

  it('answer with what became of them when they are waited for', async () => {
    const api = await withApproval();
    expect(await api.ask('POST', `/v1/instances/${api.id}/pause?wait=5s`, {})).toMatchObject({ status: 200, body: { status: 'applied' } });
    api.engine.hold = true;
    // While one is pending only the orchestrator can say: the second is refused by it, and not at once.
    const first = await api.ask('POST', `/v1/instances/${api.id}/resume`, {});
    expect(first.status).toBe(202);
    const second = api.ask('POST', `/v1/instances/${api.id}/resume?wait=5s`, {});
    await expect.poll(() => api.engine.watch.waiting).toBe(1);
    await api.engine.release();
    expectProblem(await second, 409, 'MR_NOT_PAUSED');
    expect((await api.ask('POST', `/v1/instances/${api.id}/cancel?wait=1ms`, {})).status).toBe(202);
  });

  it('that are of no use are refused at once', async () => {
    const { ask, id } = await withApproval();
    expectProblem(await ask('POST', `/v1/instances/${id}/resume`), 409, 'MR_NOT_PAUSED');
    expectProblem(await ask('POST', `/v1/instances/${id}/retry`), 409, 'MR_NO_INCIDENT');
    expectProblem(await ask('POST', `/v1/instances/${id}/retry`, { taskId: `${id}.approve` }), 409, 'MR_NO_INCIDENT');
    expectProblem(await ask('POST', `/v1/instances/${id}/retry`, { taskId: `${id}.nothing` }), 404, 'MR_NOT_FOUND');
    await ask('POST', `/v1/instances/${id}/pause`);
    expectProblem(await ask('POST', `/v1/instances/${id}/pause`), 409, 'MR_ALREADY_PAUSED');
    expectProblem(await ask('POST', `/v1/instances/${id}/retry`), 409, 'MR_PAUSED');
  });

  it.each([
    ['all', {}],
    ['one', { taskId: 'sum' }],
  ])(
    'that retry %s name what was seen: the second of two does not resolve the incident after it',
    async (_, { taskId }: { taskId?: string }) => {
      const api = await openTestApi();
      await api.deploy({ id: 'failing', nodes: { sum: { type: 'transform', output: '${ input.missing }' } } });
      const id = await api.start('failing');
      api.engine.hold = true;
      const body = taskId === undefined ? {} : { taskId: `${id}.${taskId}` };
      expect((await api.ask('POST', `/v1/instances/${id}/retry`, body)).status).toBe(202);
      const second = api.ask('POST', `/v1/instances/${id}/retry?wait=5s`, body);
      await expect.poll(() => api.engine.watch.waiting).toBe(1);
      await api.engine.release();
      expectProblem(await second, 409, 'MR_NO_INCIDENT');
      expect(api.engine.state(id).tasks).toMatchObject({ sum: { attempt: 2 } });
    },
  );

  it('on an instance that has ended are refused', async () => {
    const { ask, id, task } = await withApproval();
    expect((await ask('POST', `/v1/instances/${id}/cancel`, { reason: 'no need' })).status).toBe(202);
    expect((await ask('GET', `/v1/instances/${id}`)).body).toMatchObject({ status: 'cancelled', open: [], openCount: 0 });
    for (const command of ['cancel', 'pause', 'resume', 'retry'])
      expectProblem(await ask('POST', `/v1/instances/${id}/${command}`), 409, 'MR_INSTANCE_ENDED');
    expectProblem(await ask('POST', `/v1/tasks/${task}/complete`, { output: { approved: true } }), 409, 'MR_INSTANCE_ENDED');
  });

  it('end their waiting when the process ends', async () => {
    const api = await withApproval();
    api.engine.hold = true;
    const answer = api.ask('POST', `/v1/instances/${api.id}/pause?wait=5s`, {});
    await expect.poll(() => api.engine.watch.waiting).toBe(1);
    api.end.abort();
    expect((await answer).status).toBe(202);
  });
});

describe('The inbox', () => {
  it('shows open tasks by whom they are for, and a task with its form', async () => {
    const api = await withApproval();
    const ada = api.engine.addKey('user', 'ada');
    expect((await api.ask('GET', '/v1/tasks?assignee=me', undefined, { key: ada })).body).toMatchObject({
      items: [{ taskId: api.task, title: 'Approve 120', type: 'human', definition: { id: 'approval', version: 1 } }],
    });
    expect((await api.ask('GET', '/v1/tasks?role=manager')).body).toMatchObject({ items: [{ taskId: api.task }] });
    expect((await api.ask('GET', '/v1/tasks?role=clerk')).body).toMatchObject({ items: [] });
    expect((await api.ask('GET', `/v1/tasks/${api.task}`)).body).toMatchObject({ status: 'open', form: approval.nodes.approve.form });
    expectProblem(await api.ask('GET', '/v1/tasks?instanceId=00000000-0000-0000-0000-00000000000g'), 400, 'MR_REQUEST_INVALID');
  });

  it('lets one claim a task, and only those it is for', async () => {
    const api = await withApproval();
    const ada = { key: api.engine.addKey('user', 'ada') };
    const bob = { key: api.engine.addKey('user', 'bob', ['manager']) };
    const eve = { key: api.engine.addKey('user', 'eve') };
    expectProblem(await api.ask('POST', `/v1/tasks/${api.task}/claim`, {}, eve), 403, 'MR_NOT_ASSIGNED');
    expectProblem(await api.ask('POST', `/v1/tasks/${api.task}/claim`, { assignee: 'ada' }, eve), 403, 'MR_FORBIDDEN');
    const both = await Promise.all([ada, bob].map((who) => api.ask('POST', `/v1/tasks/${api.task}/claim`, {}, who)));
    expect(both.map(({ status }) => status).sort()).toEqual([200, 409]);
    expect(await api.ask('POST', `/v1/tasks/${api.task}/claim`, {}, ada)).toMatchObject({ status: 200, body: { assignee: 'ada' } });
    expectProblem(await api.ask('POST', `/v1/tasks/${api.task}/complete`, { output: { approved: true } }, bob), 409, 'MR_TASK_CLAIMED');
    expectProblem(await api.ask('POST', `/v1/tasks/${api.task}/unclaim`, {}, bob), 409, 'MR_TASK_CLAIMED');
    expect(await api.ask('POST', `/v1/tasks/${api.task}/unclaim`, {}, ada)).toMatchObject({ status: 200, body: { assignee: null } });
    // An admin may speak for somebody, and take anybody's claim away.
    expect((await api.ask('POST', `/v1/tasks/${api.task}/claim`, { assignee: 'bob' })).body).toMatchObject({ assignee: 'bob' });
    expect((await api.ask('POST', `/v1/tasks/${api.task}/unclaim`)).body).toMatchObject({ assignee: null });
  });

  it('takes what fits the form, once', async () => {
    const api = await withApproval();
    const misfit = await api.ask('POST', `/v1/tasks/${api.task}/complete`, { output: { approved: 'yes', x: 1 } });
    const { errors } = expectProblem(misfit, 422, 'MR_FORM_INVALID');
    expect((errors as { pointer: string }[]).map(({ pointer }) => pointer)).toContain('/output/approved');
    expectProblem(await api.ask('POST', `/v1/tasks/${api.task}/complete`, {}), 400, 'MR_REQUEST_INVALID');
    api.engine.hold = true;
    const done = await api.ask('POST', `/v1/tasks/${api.task}/complete`, { output: { approved: true }, assignee: 'ada' });
    expect(done).toMatchObject({ status: 202, body: { type: 'completeTask', status: 'pending' } });
    // Out of the inbox at once, and the second one is refused at once, though nothing is applied yet.
    expect((await api.ask('GET', '/v1/tasks')).body).toMatchObject({ items: [] });
    expectProblem(await api.ask('POST', `/v1/tasks/${api.task}/complete`, { output: { approved: true } }), 409, 'MR_TASK_DECIDED');
    expectProblem(await api.ask('POST', `/v1/tasks/${api.task}/fail`, { error: { code: 'NO', message: 'no' } }), 409, 'MR_TASK_DECIDED');
    await api.engine.release();
    expect((await api.ask('GET', `/v1/instances/${api.id}`)).body).toMatchObject({
      open: [{ nodeId: 'pay', waitingFor: { kind: 'worker', queue: 'special' } }],
    });
    expectProblem(await api.ask('POST', `/v1/tasks/${api.task}/claim`), 409, 'MR_TASK_NOT_OPEN');
    expectProblem(await api.ask('POST', `/v1/tasks/${api.id}.pay/complete`, { output: 1 }), 409, 'MR_TASK_NOT_HUMAN');
    await api.engine.completes(api.id as never, 'pay', { receipt: 'r' });
    expect((await api.ask('GET', `/v1/instances/${api.id}`)).body).toMatchObject({ status: 'completed', output: { done: true } });
  });

  it('lets two complete at once: one wins, the other gets 409', async () => {
    const api = await withApproval();
    const answers = await Promise.all(
      [true, false].map((approved) => api.ask('POST', `/v1/tasks/${api.task}/complete?wait=5s`, { output: { approved } })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
  });
});

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

describe('Dead letters', () => {
  async function withLetter(): Promise<TestApi> {
    const api = await openTestApi();
    api.engine.deadLetters.push({
      ...{ id: '7', code: 'MR_NOT_FRAMED', reason: 'no magic byte', topic: 'orders', partition: 3, offset: '41' },
      ...{ key: Buffer.from('k'), value: Buffer.alloc(5_000, 1), headers: [{ key: 'h', value: Buffer.from('v') }] },
      ...{ instanceId: null, at: api.engine.now, status: 'open' },
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

  it('are let go', async () => {
    const api = await withLetter();
    expect(await api.ask('POST', '/v1/dead-letters/7/discard')).toMatchObject({ status: 200, body: { status: 'discarded' } });
    expect(api.produced).toEqual([]);
  });
});

describe('The live stream', () => {
  async function listen(api: TestApi): Promise<string> {
    return await api.app.listen({ host: '127.0.0.1', port: 0 });
  }

  async function follow(api: TestApi, url: string, id: string, lastEventId?: string): Promise<Response> {
    const key = api.engine.addKey('viewer', 'vi');
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
});
