/** What is marked as sensitive is in no view, wherever a definition copies it to, except for who may see it and asks for it. */
import { describe, expect, it } from 'vitest';
import { ALL_MARKED } from '../core/definition/typed/marks.ts';
import type { InstanceId, TaskPath } from '../core/ids.ts';
import type { ChildResult } from '../core/instance/children/messages.ts';
import type { Json, JsonObject } from '../core/json.ts';
import { type Body, expectProblem, openTestApi } from './testing/test-api.ts';

const CARD = 'CARD-4111';
const SSN = 'SSN-0815';
const RECEIPT = 'RECEIPT-77';
const PIN = 'PIN-1234';
const marked = { type: 'string', sensitive: true };
const step = (output: Json, more: JsonObject = {}): JsonObject => ({ type: 'transform', output, ...more });
const object = (properties: JsonObject): JsonObject => ({ type: 'object', properties });

const person = { $ref: '#/$defs/person' };
const input = {
  ...object({ card: marked, people: { type: 'array', items: person }, plain: { type: 'string' } }),
  $defs: { person: { anyOf: [{ properties: { ssn: marked } }, { required: ['name'] }] } },
};
const given = { card: CARD, people: [{ ssn: SSN, name: 'Bob' }], plain: 'shown' };

const chain = ['pay', 'make', 'each', 'loop', 'tell', 'fetch', 'ask'];
const nodes: JsonObject = {
  pay: {
    type: 'task',
    task: 'pay',
    input: {
      ...{ token: '${ input.card }', all: '${ input.people }', text: 'card ${ input.card }', plain: '${ input.plain }' },
      ...{ first: '${ input.people[0].ssn }', whole: '${ input }', computed: '${ input.people[size(input.plain) - 5].ssn }' },
    },
    inputSchema: object({ text: { type: 'string' } }),
    outputSchema: object({ receipt: marked, at: {} }),
  },
  make: step(
    {
      copy: '${ nodes.pay.output.receipt }',
      mapped: '${ input.people.map(p, p.ssn) }',
      byKey: "${ nodes['pay']['output']['receipt'] }",
      at: '${ nodes.pay.output.at }',
    },
    { set: { other: '${ vars.kept }' } },
  ),
  each: {
    type: 'forEach',
    items: '${ input.people }',
    as: 'who',
    body: { nodes: { t: step({ s: '${ who.ssn }', n: '${ item.name }' }) }, output: '${ nodes.t.output }' },
  },
  loop: {
    type: 'repeat',
    until: 'index == 2',
    body: {
      nodes: { n: step({ a: '${ index == 0 ? input.card : last.b }' }) },
      output: { b: '${ nodes.n.output.a }', c: '${ last == null ? null : last.b }' },
    },
  },
  tell: { type: 'publish', event: 'told', key: '${ vars.kept }', data: { card: '${ vars.other }', plain: '${ input.plain }' } },
  fetch: {
    type: 'http',
    method: 'POST',
    url: 'https://h.example/${ input.card }',
    body: { a: ['${ vars.other }'] },
    headers: { 'x-a': '${ input.card }' },
  },
  ask: {
    type: 'human',
    title: 'Charge ${ input.card }?',
    assignees: { users: ['ada'], roles: ['clerk'] },
    form: object({ pin: marked, note: {} }),
  },
};
const masking: JsonObject = {
  id: 'masking',
  input,
  vars: { kept: '${ input.card }', free: '${ input.plain }' },
  nodes,
  edges: chain.slice(1).map((to, index) => ({ from: chain[index] ?? '', to })),
  output: {
    each: '${ nodes.each.output }',
    loop: '${ nodes.loop.output }',
    pin: '${ nodes.ask.output.pin }',
    note: '${ nodes.ask.output.note }',
  },
};

async function withInstance() {
  const api = await openTestApi();
  await api.deploy(masking);
  const id = await api.start('masking', { input: given });
  const keys = {
    viewer: await api.engine.addKey('viewer', 'vi'),
    user: await api.engine.addKey('user', 'uwe'),
    operator: await api.engine.addKey('operator', 'olga'),
    admin: await api.engine.addKey('admin', 'amy'),
  };
  /** Everything that REST shows of the instance. */
  const views = async (key: string, query = ''): Promise<string> => {
    const get = async (url: string): Promise<string> => {
      const { status, body } = await api.ask('GET', url, undefined, { key });
      expect({ url, status }).toEqual({ url, status: 200 });
      return JSON.stringify(body);
    };
    const tasks = JSON.parse(await get(`/v1/instances/${id}/tasks`)) as { readonly items: readonly Body[] };
    const urls = [
      `/v1/instances/${id}`,
      `/v1/instances/${id}/history`,
      `/v1/instances/${id}/tasks`,
      ...tasks.items.map(({ taskId }) => `/v1/tasks/${taskId}`),
    ];
    const texts = [];
    for (const url of urls) texts.push(await get(`${url}${query}`));
    texts.push(await get('/v1/tasks'), await get(`/v1/instances/${id}/drawing`), await get(`/v1/instances?limit=5`));
    const instance = JSON.parse(await get(`/v1/instances/${id}`)) as Body;
    if (instance.status === 'completed') texts.push(await get(`/v1/instances/${id}/events${query}`));
    return texts.join('\n');
  };
  const run = async (): Promise<void> => {
    await api.engine.completes(id as InstanceId, 'pay', { receipt: RECEIPT, at: 'noon' });
    await api.engine.completes(id as InstanceId, 'fetch', { status: 200, headers: {}, body: {} });
  };
  return Object.assign(api, { id, keys, views, run });
}

const secrets = [CARD, SSN, RECEIPT, PIN];

describe('What is marked', () => {
  it.each(['viewer', 'user', 'operator', 'admin'] as const)('is in no view of a key with the role %s', async (role) => {
    const api = await withInstance();
    await api.run();
    for (const secret of secrets) expect(await api.views(api.keys[role])).not.toContain(secret);
    const ada = await api.engine.addKey('user', 'ada');
    const answer = await api.ask('POST', `/v1/tasks/${api.id}.ask/complete`, { output: { pin: PIN, note: 'fine' } }, { key: ada });
    expect(answer.status).toBe(202);
    const shown = await api.views(api.keys[role]);
    for (const secret of secrets) expect(shown).not.toContain(secret);
    // The rest is there.
    for (const text of [
      '"plain":"shown"',
      '"n":"Bob"',
      '"at":"noon"',
      '"note":"fine"',
      '"free":"shown"',
      '"card":"***"',
      '"ssn":"***"',
      '"pin":"***"',
    ])
      expect(shown).toContain(text);
    const { body } = await api.ask('GET', `/v1/instances/${api.id}`, undefined, { key: api.keys[role] });
    expect(body).toMatchObject({
      input: { card: '***', people: [{ ssn: '***', name: 'Bob' }], plain: 'shown' },
      output: { each: [{ s: '***', n: 'Bob' }], pin: '***', note: 'fine' },
    });
  });

  it('is shown to operators and admins who ask for it, and to nobody else', async () => {
    const api = await withInstance();
    await api.run();
    await api.ask('POST', `/v1/tasks/${api.id}.ask/complete`, { output: { pin: PIN } });
    for (const role of ['operator', 'admin'] as const) {
      const shown = await api.views(api.keys[role], '?unmasked=true');
      for (const secret of secrets) expect(shown).toContain(secret);
      expect(await api.views(api.keys[role], '?unmasked=false')).not.toContain(CARD);
    }
    for (const role of ['viewer', 'user'] as const)
      for (const path of ['', '/history', '/tasks', '/events'])
        expectProblem(
          await api.ask('GET', `/v1/instances/${api.id}${path}?unmasked=true`, undefined, { key: api.keys[role] }),
          403,
          'MR_FORBIDDEN',
        );
    expectProblem(await api.ask('GET', `/v1/tasks/${api.id}.ask?unmasked=true`, undefined, { key: api.keys.user }), 403, 'MR_FORBIDDEN');
    expectProblem(await api.ask('GET', `/v1/instances/${api.id}?unmasked=maybe`), 400, 'MR_REQUEST_INVALID');
  });

  it('stands whole in the title of a task for whoever may do it', async () => {
    const api = await withInstance();
    await api.run();
    const title = async (url: string, key: string): Promise<Json | undefined> => {
      const { body } = await api.ask('GET', url, undefined, { key });
      const { items, task, ...one } = body as Body & { readonly items?: readonly Body[]; readonly task?: Body };
      return (items?.[0] ?? task ?? one).title;
    };
    const clerk = await api.engine.addKey('user', 'cleo', ['clerk']);
    const lurker = await api.engine.addKey('viewer', 'ada', ['clerk']);
    for (const url of ['/v1/tasks', `/v1/tasks/${api.id}.ask`]) {
      expect(await title(url, clerk)).toBe(`Charge ${CARD}?`);
      expect(await title(url, lurker)).toBe('***');
      expect(await title(url, api.keys.admin)).toBe('***');
    }
    expect(await title('/v1/tasks/next', clerk)).toBe(`Charge ${CARD}?`);
    expect(await title('/v1/tasks/next', lurker)).toBe('***');
    expect((await api.ask('POST', `/v1/tasks/${api.id}.ask/claim`, {}, { key: clerk })).body).toMatchObject({ title: `Charge ${CARD}?` });
  });

  it('is masked in errors too, of which only the code is left, and the engine works on the real value', async () => {
    const api = await withInstance();
    expect(api.engine.state(api.id).input).toEqual(given);
    const error = { code: 'DECLINED', message: `${CARD} was declined`, details: { body: CARD } };
    await api.engine.ends(api.id as InstanceId, 'pay', { status: 'failed', error, retryable: false, retryAfterMs: null });
    const shown = await api.views(api.keys.operator);
    expect(shown).not.toContain(CARD);
    expect(shown).toContain('"code":"DECLINED","message":"***","details":"***"');
    expect(await api.views(api.keys.operator, '?unmasked=true')).toContain(`${CARD} was declined`);
  });

  it('is masked where the engine puts it: in the query of a url, a form, the key of an event, the input of a child of an item', async () => {
    const api = await openTestApi();
    await api.deploy({ id: 'child', nodes: { a: step(1) } });
    const nodes = {
      asks: {
        type: 'http',
        method: 'GET',
        url: 'https://h.example/a',
        query: { card: '${ input.card }' },
        headers: { 'x-plain': 'shown' },
      },
      posts: { type: 'http', method: 'POST', url: 'https://h.example/b', form: { card: '${ input.card }' } },
      hears: { type: 'event', anyOf: [{ event: 'paid', key: '${ input.card }' }] },
      many: {
        type: 'forEach',
        items: '${ input.people }',
        workflow: { definition: 'child', input: { ssn: '${ item.ssn }', name: '${ item.name }' } },
      },
      votes: {
        ...{ type: 'human', title: 'Which?', assignees: { users: ['ada'] }, outcomes: ['yes', 'no'] },
        form: object({ pin: marked, note: {} }),
      },
      tells: step({ outcome: '${ nodes.votes.output.outcome }', pin: '${ nodes.votes.output.pin }' }),
    };
    await api.deploy({ id: 'engine', input, nodes, edges: [{ from: 'votes', to: 'tells' }], output: '${ nodes.hears.output }' });
    const id = await api.start('engine', { input: given });
    const event = { id: 'e1', type: 'paid', source: 's', key: CARD, data: { cents: 3 } };
    await api.ask('POST', '/v1/events', event);
    const ada = await api.engine.addKey('user', 'ada');
    await api.ask('POST', `/v1/tasks/${id}.votes/complete`, { outcome: 'yes', output: { pin: PIN, note: 'fine' } }, { key: ada });
    const shown = await Promise.all(
      ['', '/history', '/tasks'].map(async (path) => JSON.stringify((await api.ask('GET', `/v1/instances/${id}${path}`)).body)),
    );
    for (const secret of [CARD, SSN, PIN]) expect(shown.join('\n')).not.toContain(secret);
    for (const text of [
      ...['"url":"***","headers":{"x-plain":"shown"}', '"url":"https://h.example/b"', '"body":"***"'],
      ...['"ssn":"***","name":"Bob"', '"pin":"***","note":"fine"', '"outcome":"yes","pin":"***"'],
    ])
      expect(shown.join('\n')).toContain(text);
  });

  it('hides everything while the definition cannot be read, and fails nothing', async () => {
    const api = await withInstance();
    const { marks } = api.engine.cache;
    for (const answer of [() => Promise.reject(new Error('The database is away.')), () => Promise.resolve(ALL_MARKED)]) {
      api.engine.cache.marks = answer;
      const shown = await api.views(api.keys.viewer);
      for (const text of [CARD, SSN, '"plain":"shown"', 'Bob']) expect(shown).not.toContain(text);
      expect(await api.views(api.keys.operator, '?unmasked=true')).toContain(CARD);
    }
    api.engine.cache.marks = marks;
    expect(await api.views(api.keys.viewer)).toContain('"plain":"shown"');
  });

  it('goes by the version that the instance is on, and hides what only another version knows', async () => {
    const api = await openTestApi();
    const version = (output: JsonObject, vars: JsonObject): JsonObject => ({
      ...{ id: 'moves', input, vars },
      nodes: { makes: step(output), asks: { type: 'human', title: 'Go on?', assignees: { users: ['ada'] } } },
      edges: [{ from: 'makes', to: 'asks' }],
    });
    await api.deploy(version({ before: '${ input.card }', same: '${ input.plain }' }, { old: '${ input.card }' }));
    const id = await api.start('moves', { input: given });
    await api.deploy(version({ same: '${ input.plain }', now: '${ input.card }' }, { young: '${ input.card }' }));
    expect((await api.ask('POST', `/v1/instances/${id}/migrate?wait=5s`, { version: 2 })).status).toBe(200);
    const { body } = await api.ask('GET', `/v1/instances/${id}/history`);
    expect(JSON.stringify(body)).not.toContain(CARD);
    expect(JSON.stringify(body)).toContain('"before":"***","same":"shown"');
  });

  it('is in no view of a parent either, which its child gives it to', async () => {
    const api = await openTestApi();
    const child = (output: JsonObject): JsonObject => ({
      ...{ id: 'child', onFailure: 'fail', output },
      nodes: { asks: { type: 'human', title: 'Which?', assignees: { users: ['ada'] }, form: object({ pin: marked }) } },
    });
    await api.deploy(child({ pin: '${ nodes.asks.output.pin }', plain: 'shown' }));
    const nodes = {
      runs: { type: 'workflow', definition: 'child' },
      makes: step({ copy: '${ nodes.runs.output.pin }', text: 'pin ${ nodes.runs.output.pin }', plain: '${ nodes.runs.output.plain }' }),
    };
    // It marks nothing itself, and neither does one that runs it in turn.
    await api.deploy({ id: 'parent', nodes, edges: [{ from: 'runs', to: 'makes' }], output: '${ nodes.makes.output }' });
    await api.deploy({ id: 'outer', nodes: { runs: { type: 'workflow', definition: 'parent' } }, output: '${ nodes.runs.output.copy }' });
    const hears = async (instanceId: InstanceId, result: ChildResult): Promise<void> => {
      const path = 'runs' as TaskPath;
      const task = api.engine.state(instanceId).tasks[path];
      if (task?.type !== 'workflow' || !('childId' in task) || task.childId === null) throw new Error('there is no child');
      const parent = { kind: 'instance', instanceId, path, attempt: 1 } as const;
      await api.engine.apply(instanceId, { type: 'ChildEnd', childId: task.childId, parent, result });
    };
    const history = async (id: string, query = '') => JSON.stringify((await api.ask('GET', `/v1/instances/${id}/history${query}`)).body);

    const [parent, outer, failing] = [await api.start('parent'), await api.start('outer'), await api.start('parent')] as InstanceId[];
    if (parent === undefined || outer === undefined || failing === undefined) throw new Error('nothing started');
    await hears(parent, { status: 'completed', output: { pin: PIN, plain: 'shown' } });
    expect(await history(parent)).toContain('{"copy":"***","text":"***","plain":"shown"}');
    await hears(outer, { status: 'completed', output: { copy: PIN, text: PIN, plain: 'shown' } });
    expect((await api.ask('GET', `/v1/instances/${outer}`)).body).toMatchObject({ status: 'completed', output: '***' });
    await hears(failing, { status: 'failed', error: { code: 'DECLINED', message: `${PIN} was declined` } });
    expect(await history(failing)).toContain('"code":"DECLINED","message":"***"');
    for (const id of [parent, outer, failing]) {
      for (const path of ['', '/tasks']) expect(JSON.stringify(await api.ask('GET', `/v1/instances/${id}${path}`))).not.toContain(PIN);
      expect(await history(id)).not.toContain(PIN);
      expect(await history(id, '?unmasked=true')).toContain(PIN);
    }

    // A child that marks nothing any more has nothing masked in its parents.
    await api.deploy({
      ...child({ pin: '1', plain: 'shown' }),
      nodes: { asks: { type: 'human', title: 'Which?', assignees: { users: ['ada'] } } },
    });
    await expect.poll(async () => await history(failing), { timeout: 20_000 }).toContain(PIN);
  });

  it('is masked in a live stream by the version that the instance has moved to', async () => {
    const api = await openTestApi();
    const version = (properties: JsonObject): JsonObject => ({
      ...{ id: 'moves', input: object(properties), vars: { kept: '${ input.card }' } },
      nodes: { asks: { type: 'human', title: 'Go on?', assignees: { users: ['ada'] } }, ends: step({ copy: '${ vars.kept }' }) },
      edges: [{ from: 'asks', to: 'ends' }],
      output: '${ nodes.ends.output }',
    });
    await api.deploy(version({ card: { type: 'string' } }));
    const id = await api.start('moves', { input: { card: CARD } });
    await api.deploy(version({ card: marked }));
    const url = await api.app.listen({ host: '127.0.0.1', port: 0 });
    const response = await fetch(`${url}/v1/instances/${id}/events`, {
      headers: { authorization: `Bearer ${await api.engine.addKey('viewer', 'vi')}` },
    });
    const text = response.text();
    await expect.poll(() => api.engine.watch.waiting).toBe(1);
    expect((await api.ask('POST', `/v1/instances/${id}/migrate?wait=5s`, { version: 2 })).status).toBe(200);
    const ada = await api.engine.addKey('user', 'ada');
    await api.ask('POST', `/v1/tasks/${id}.asks/complete`, { output: {} }, { key: ada });
    const [before, after] = (await text).split('event: InstanceMigrated');
    expect(before).toContain(CARD);
    expect(after).toContain('event: InstanceCompleted');
    expect(after).not.toContain(CARD);
    expect(after).toContain('{"copy":"***"}');
  });

  it('changes nothing for definitions that mark nothing', async () => {
    const api = await openTestApi();
    await api.deploy({ id: 'open', nodes: { a: { type: 'task', task: 't', input: { x: { sensitive: true } } } } });
    const id = await api.start('open', { input: { card: CARD } });
    expect((await api.ask('GET', `/v1/instances/${id}`)).body).toMatchObject({ input: { card: CARD } });
  });

  it('is warned of where views show what is made of it', async () => {
    const api = await openTestApi();
    const ask = (assignees: Json, more: JsonObject = {}): JsonObject => ({ type: 'human', title: 'Go on?', assignees, ...more });
    const nodes = {
      named: ask({ users: ['${ input.card }'] }),
      later: ask({ users: ['ada'] }, { escalate: { after: '1h', to: { users: ['u-${ input.card }'] } } }),
      plain: ask({ users: ['${ input.plain }'] }),
    };
    const { body } = await api.ask('POST', '/v1/definitions', { id: 'named', input, nodes });
    const { warnings } = body as { readonly warnings: readonly Body[] };
    expect(warnings.map(({ code, pointer }) => [code, pointer])).toEqual([
      ['MR_DEF_SENSITIVE_SHOWN', '/nodes/named/assignees'],
      ['MR_DEF_SENSITIVE_SHOWN', '/nodes/later/escalate'],
    ]);
  });

  it('must be said by true or false', async () => {
    const api = await openTestApi();
    const refused = await api.ask('POST', '/v1/definitions', { ...masking, input: object({ card: { type: 'string', sensitive: 'yes' } }) });
    const { errors } = expectProblem(refused, 422, 'MR_DEFINITION_INVALID');
    expect(errors).toMatchObject([
      { pointer: '/input/properties/card/sensitive', message: 'The JSON Schema cannot be used: "sensitive" must be true or false.' },
    ]);
  });
});
