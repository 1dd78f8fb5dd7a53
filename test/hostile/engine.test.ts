/** Malicious callers of REST and malicious definitions, against the real processes of an installation of its own. */
import kafkajs, { type Producer } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Json } from '../../src/core/json.ts';
import { registerCodecs } from '../../src/messaging/kafkajs/codecs.ts';
import { topicNames } from '../../src/messaging/topics.ts';
import { stackEnv } from '../support/env.ts';
import { eventually } from '../support/eventually.ts';
import { HostileLab, isEnded } from '../support/hostile-lab.ts';
import { CANARY, canaries, pathsOf, withCanary } from './canary.ts';
import { behindAnEvent, dearData, dearEvents, dearStarts, many, transform } from './documents.ts';
import { floodOfBodies } from './floods.ts';
import { dearValues, type Largest, largestDefinitions } from './largest.ts';
import { poisonsOf } from './poison.ts';
import { type HostileRequest, hostileRequests } from './requests.ts';
import { leastRoleOf, leastRoleToUnmask, operationsOfWorkers, rolesInOrder } from './roles.ts';

const ID = '019ac5e0-6d3c-7a52-b1ce-0d9d2e0d8f11';
const MIB = 1_048_576;
const PREFIX = 'hostile-engine';

let lab: HostileLab;

beforeAll(async () => {
  lab = await HostileLab.open(PREFIX);
}, 180_000);
afterAll(async () => {
  await lab?.close();
}, 60_000);

type Operation = { readonly operationId: string; readonly parameters?: readonly { readonly name: string }[] };

describe('Roles and routes', () => {
  test('each route answers the roles that may call it, and nobody else', async () => {
    const keys = new Map<string, string>();
    for (const role of [...rolesInOrder, 'worker'] as const) keys.set(role, await lab.createKey(role));
    const { paths } = JSON.parse((await lab.ask('GET', '/openapi.json')).text) as {
      paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
    };
    const operations = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { operationId, parameters = [] }]) => ({
        ...{ method: method.toUpperCase(), path, operationId },
        unmasks: parameters.some(({ name }) => name === 'unmasked'),
      })),
    );
    expect(operations.length).toBeGreaterThan(35);
    expect(operations.filter(({ unmasks }) => unmasks).length).toBeGreaterThanOrEqual(5);
    for (const { method, path, operationId, unmasks } of operations) {
      const least = leastRoleOf(operationId);
      expect(least === undefined, `${operationId} is listed`).toBe(operationsOfWorkers.includes(operationId));
      // The ids in the path do not exist, so the request changes nothing.
      const url = path
        .replace('/instances/{id}', `/instances/${ID}`)
        .replace('/tasks/{id}', `/tasks/${ID}.a`)
        .replaceAll(/\{\w+\}/g, '7');
      const body = method === 'GET' ? undefined : '{}';
      const ask = async (key: string | undefined): Promise<number> =>
        (await lab.ask(method, url, body, { authorization: key === undefined ? '' : `Bearer ${key}` })).status;
      for (const key of [undefined, 'wrong-key-of-nobody', '']) expect(await ask(key), `${operationId} without a key`).toBe(401);
      expect((await ask(keys.get('worker'))) === 403, `${operationId} as worker`).toBe(least !== undefined);
      for (const [index, role] of rolesInOrder.entries()) {
        const isAllowed = least !== undefined && index >= rolesInOrder.indexOf(least);
        const status = await ask(keys.get(role));
        if (isAllowed) expect([401, 403, 500], `${operationId} as ${role}`).not.toContain(status);
        else expect(status, `${operationId} as ${role}`).toBe(403);
        if (!unmasks) continue;
        const seen = await lab.ask(method, `${url}?unmasked=true`, body, { authorization: `Bearer ${keys.get(role)}` });
        const isShown = index >= rolesInOrder.indexOf(leastRoleToUnmask);
        expect(seen.status === 403, `${operationId} without masks as ${role}: ${seen.status}`).toBe(!isShown);
      }
    }
  });
});

describe('What is marked as sensitive', () => {
  /** All that GET routes answer, with the query for those that take it. */
  async function views(key: string, ids: Parameters<typeof pathsOf>[1], query = ''): Promise<ReadonlyMap<string, string>> {
    const { paths } = JSON.parse((await lab.ask('GET', '/openapi.json')).text) as {
      paths: Readonly<Record<string, { readonly get?: Operation }>>;
    };
    const shown = new Map<string, string>();
    for (const [route, { get }] of Object.entries(paths)) {
      if (get === undefined) continue;
      const found = pathsOf(route, ids);
      expect(found, `canary.ts knows what to put into ${route}`).toBeDefined();
      const takesQuery = get.parameters?.some(({ name }) => name === 'unmasked') === true;
      if (query !== '' && !takesQuery) continue;
      for (const path of found ?? []) {
        const { status, text } = await lab.ask('GET', `${path}${query}`, undefined, { authorization: `Bearer ${key}` });
        expect([200, 204, 403, 404], `GET ${path}: ${text.slice(0, 300)}`).toContain(status);
        if (status === 200) shown.set(path, text);
      }
    }
    return shown;
  }

  test('is in no view of anybody who does not ask for it, while it runs and after', { timeout: 180_000 }, async () => {
    const { client } = lab.engine;
    for (const definition of [canaries.child, canaries.parent, canaries.first]) await lab.engine.deploy(definition);
    const id = await lab.engine.startInstance('canary', { card: CANARY, plain: 'shown' });
    const parents = [await lab.engine.startInstance('canary-parent'), await lab.engine.startInstance('canary-parent')];
    await client.sendEvent({ type: 'canary.came', key: 'by-event', data: { card: CANARY } });
    await client.sendEvent({ type: 'canary.paid', key: CANARY, data: { cents: 3 } });
    await eventually(async () => expect((await client.instances({ definition: 'canary' })).items).toHaveLength(2));
    await client.deploy(canaries.next, { allowBreaking: true });
    const childOf = async (parent: string): Promise<string> => {
      const found = async () => (await client.instances({ parent })).items[0]?.instanceId;
      await eventually(async () => expect(await found()).toBeDefined());
      return (await found()) ?? '';
    };
    await statusBecomes(id, 'incident');
    const children = await Promise.all([id, ...parents].map(childOf));
    // People give it, say it in errors, and correct with it.
    const taskOf = (instance: string | undefined) => `${instance}.ask`;
    await eventually(async () => expect((await client.task(taskOf(children[2]))).status).toBe('open'));
    await client.complete(taskOf(children[1]), { pin: CANARY }, { assignee: 'ada', waitMs: 30_000 });
    await client.fail(taskOf(children[2]), { code: 'DECLINED', message: `${CANARY} was declined` }, { assignee: 'ada', waitMs: 30_000 });
    await client.setVars(id, { kept: CANARY }, { waitMs: 30_000 });
    await client.completeNode(id, `${id}.counts`, CANARY, { waitMs: 30_000 });
    await expect(client.migrate(id, 2, { waitMs: 30_000 })).rejects.toThrow('cannot move');
    const jobs = [
      await client.createJob({ operation: 'migrate', toVersion: 2, query: { definition: 'canary' } }),
      await client.createJob({ operation: 'retry', query: { definition: 'canary' } }),
    ].map(({ jobId }) => jobId);
    for (const job of jobs) await eventually(async () => expect((await client.job(job)).status).toBe('done'), { timeoutMs: 60_000 });
    await statusBecomes(parents[1] ?? '', 'incident');
    const all = (await client.instances({ limit: 500 })).items.filter(({ definition }) => definition.id.startsWith('canary'));
    const instances = all.map(({ instanceId }) => instanceId);
    expect(instances).toHaveLength(8);
    const listed = await Promise.all(instances.map((instance) => client.instanceTasks(instance)));
    const ids = { instances, jobs, tasks: listed.flatMap(({ items }) => items.map(({ taskId }) => taskId)) };

    const viewer = await lab.createKey('viewer');
    const operator = await lab.createKey('operator');
    // A stream ends with its instance.
    const open = { ...ids, instances: [] };
    for (const key of [viewer, operator]) expect(withCanary(await views(key, open))).toEqual([]);
    for (const path of instances.flatMap((instance) => ['', '/history', '/tasks'].map((part) => `/v1/instances/${instance}${part}`)))
      expect((await lab.ask('GET', path, undefined, { authorization: `Bearer ${viewer}` })).text).not.toContain(CANARY);
    // Some end by themselves meanwhile, as their children do.
    for (const instance of instances)
      await eventually(async () => {
        if (!isEnded(await client.instance(instance))) await client.cancel(instance, 'seen', { waitMs: 10_000 });
        expect(isEnded(await client.instance(instance)), instance).toBe(true);
      });
    for (const key of [viewer, operator]) expect(withCanary(await views(key, ids))).toEqual([]);
    // It is there: a view without masks has it, of each instance and kind of view.
    const seen = withCanary(await views(operator, ids, '?unmasked=true'));
    for (const instance of instances) expect(seen).toContain(`/v1/instances/${instance}/history`);
    for (const path of ['', '/history', '/tasks', '/events']) expect(seen).toContain(`/v1/instances/${id}${path}`);
    for (const node of ['echo', 'ask', 'fetch']) expect(seen).toContain(`/v1/tasks/${id}.${node}`);
  });
});

describe('Requests that mean harm', () => {
  test.each(hostileRequests)('$name', async ({ method = 'GET', path, body, headers, statuses }: HostileRequest) => {
    const answer = await lab.ask(method, path, body, headers);
    expect(answer.text.length, 'length of the answer').toBeLessThan(MIB);
    if (statuses === undefined) expect(Math.floor(answer.status / 100), `status ${answer.status}: ${answer.text.slice(0, 500)}`).toBe(4);
    else expect(statuses, answer.text.slice(0, 500)).toContain(answer.status);
    if (answer.status >= 400) expect(answer.type).toContain('application/problem+json');
    expect(answer.text).not.toMatch(/node_modules|at \w+ \(|postgres:/);
  });

  test('have harmed no process', async () => await lab.isUnharmed());
});

/** @returns the instance, after the event has come to it. */
async function setOff(document: Json, input: Json): Promise<string> {
  const { id } = document as { readonly id: string };
  await lab.engine.deploy(document);
  const instanceId = await lab.engine.startInstance(id, input);
  const { key } = input as { readonly key: string };
  await lab.engine.client.sendEvent({ type: 'hostile.go', key, data: null });
  return instanceId;
}

async function statusBecomes(instanceId: string, status: string): Promise<void> {
  await eventually(async () => expect((await lab.engine.client.instance(instanceId)).status).toBe(status), { timeoutMs: 60_000 });
}

/** Another instance completes meanwhile. */
async function othersGoOn(): Promise<void> {
  await lab.engine.deploy({
    id: 'other',
    nodes: { a: { type: 'wait', for: '1ms' }, b: transform('${ input.n + 1 }') },
    edges: [{ from: 'a', to: 'b' }],
  });
  const started = await lab.engine.client.start('other', { input: { n: 1 } }, { waitMs: 30_000 });
  expect(started).toMatchObject({ status: 'completed' });
}

describe('Definitions that mean harm', () => {
  test('with many expensive nodes behind one event take turns with everybody', async () => {
    const heavy = transform('${ input.k.all(a, input.k.all(b, b >= 0)) }');
    const id = await setOff(behindAnEvent('sixty', many(20, heavy)), { key: 'sixty', k: Array.from({ length: 280 }, (_, n) => n) });
    await othersGoOn();
    await statusBecomes(id, 'completed');
  });

  test('with errors inside macros inside macros come under an incident', async () => {
    const thrown = transform('${ input.k.exists(a, input.k.exists(b, input.k.exists(c, input.nope == a))) }');
    const id = await setOff(behindAnEvent('thrown', many(5, thrown)), { key: 'thrown', k: Array.from({ length: 1_000 }, (_, n) => n) });
    await othersGoOn();
    await statusBecomes(id, 'incident');
  });

  test('with dear conditions and starts for one event let everybody in between', { timeout: 120_000 }, async () => {
    const { client } = lab.engine;
    for (const document of dearEvents) await lab.engine.deploy(document);
    const waiting = await lab.engine.startInstance('dear-waits');
    await lab.engine.startInstance('dear-refusals');
    await client.sendEvent({ type: 'hostile.dear', key: 'k', data: dearData });
    await othersGoOn();
    await eventually(async () => expect((await client.instance(waiting)).openCount).toBe(29), { timeoutMs: 60_000 });
    const started = async (id: string) => (await client.instances({ definition: id })).items.length;
    for (const id of dearStarts) await eventually(async () => expect(await started(id), id).toBe(1), { timeoutMs: 60_000 });
  });

  test('that copy a large input are read page by page, and no answer holds it all', async () => {
    const text = 'x'.repeat(500_000);
    const copies = 30;
    const id = await setOff(behindAnEvent('copies', many(copies, transform('${ input }'))), { key: 'copies', text });
    await othersGoOn();
    await statusBecomes(id, 'completed');

    const view = await lab.ask('GET', `/v1/instances/${id}`);
    expect(view.text.length).toBeLessThan(2 * MIB);
    const tasks = await lab.ask('GET', `/v1/instances/${id}/tasks?limit=500`);
    const { items } = JSON.parse(tasks.text) as { items: readonly { taskId: string; output: Json; omitted: readonly string[] }[] };
    expect([items.length, items.filter(({ omitted }) => omitted.includes('output')).length]).toEqual([copies + 1, copies]);
    expect(tasks.text.length).toBeLessThan(MIB);
    const { taskId } = items.find(({ omitted }) => omitted.includes('output')) ?? { taskId: '' };
    expect(JSON.parse((await lab.ask('GET', `/v1/tasks/${taskId}`)).text)).toMatchObject({ output: { text }, omitted: [] });

    let entries = 0;
    for (let cursor: string | null = ''; cursor !== null; ) {
      const answer = await lab.ask('GET', `/v1/instances/${id}/history?limit=500${cursor === '' ? '' : `&cursor=${cursor}`}`);
      expect(answer.text.length).toBeLessThan(3 * MIB);
      const page = JSON.parse(answer.text) as { readonly items: readonly { readonly seq: number }[]; readonly nextCursor: string | null };
      for (const { seq } of page.items) expect(seq).toBe(++entries);
      cursor = page.nextCursor;
    }
    expect(entries).toBeGreaterThan(2 * copies);
  });

  test('have harmed no process', async () => await lab.isUnharmed());
});

describe('The largest that is allowed', () => {
  test.each(largestDefinitions)('of definitions: $name', { timeout: 90_000 }, async ({ document, isRefused }: Largest) => {
    const id = document.id as string;
    const deployed = await lab.ask('POST', '/v1/definitions', JSON.stringify(document));
    expect(deployed.status, deployed.text.slice(0, 500)).toBe(isRefused === true ? 422 : 201);
    if (isRefused === true) return;
    await lab.ask('POST', '/v1/definitions', JSON.stringify({ ...document, title: 'Changed' }));
    const input = Object.fromEntries(Array.from({ length: 299 }, (_, n) => [`p${n}`, '2026-01-01']));
    const started = await lab.ask('POST', `/v1/definitions/${id}/instances`, JSON.stringify({ input: { ...input, a: 1 }, version: 1 }));
    expect(started.status, started.text.slice(0, 500)).toBe(201);
    const { instanceId } = JSON.parse(started.text) as { readonly instanceId: string };
    await eventually(async () => expect((await lab.engine.client.instance(instanceId)).openCount === 0 || id === 'forms').toBe(true), {
      timeoutMs: 60_000,
    });
    for (const path of [
      ...[`/v1/definitions/${id}`, `/v1/definitions/${id}/versions/2/drawing`, `/v1/instances/${instanceId}/drawing?format=mermaid`],
      ...[`/v1/instances/${instanceId}/history?limit=500`, `/v1/instances/${instanceId}/tasks?limit=500`, '/v1/tasks?limit=500'],
    ])
      expect((await lab.ask('GET', path)).status, path).toBe(200);
    const dryRun = JSON.stringify({ version: 2, dryRun: true });
    expect((await lab.ask('POST', `/v1/instances/${instanceId}/migrate`, dryRun)).status).toBe(200);
  });

  test.each(dearValues.map((dear, n) => ({ ...dear, n })))('of values: $name', { timeout: 90_000 }, async ({ schema, value, n }) => {
    const nodes = { ask: { type: 'human', title: 'Well?', assignees: { users: ['ada'] }, form: schema } } as const;
    await lab.engine.deploy({ id: `dear-${n}`, input: schema, nodes: { a: transform('${ input }') } });
    await lab.engine.deploy({ id: `dear-form-${n}`, nodes });
    const started = await lab.ask('POST', `/v1/definitions/dear-${n}/instances`, JSON.stringify({ input: value }));
    expect([201, 422], started.text.slice(0, 500)).toContain(started.status);
    const instanceId = await lab.engine.startInstance(`dear-form-${n}`);
    const completed = await lab.ask('POST', `/v1/tasks/${instanceId}.ask/complete`, JSON.stringify({ output: value }));
    expect([200, 202, 422], completed.text.slice(0, 500)).toContain(completed.status);
  });

  test('of children: thousands are asked for, and cancelled at once', { timeout: 120_000 }, async () => {
    await lab.engine.deploy({ id: 'child', nodes: { nap: { type: 'wait', for: '1h' } } });
    const each = { type: 'forEach', items: '${ input.items }', concurrency: 2_000, workflow: { definition: 'child', input: '${ item }' } };
    await lab.engine.deploy({ id: 'family', nodes: { each } });
    const parent = await lab.engine.startInstance('family', { items: Array.from({ length: 2_000 }, (_, n) => n) });
    await eventually(async () => expect((await lab.engine.client.instance(parent)).awaitedChildren).toBe(2_000), { timeoutMs: 60_000 });
    await lab.engine.client.cancel(parent, 'not any more');
    await statusBecomes(parent, 'cancelled');
  });

  test('has harmed no process', async () => await lab.isUnharmed());
});

describe('A flood', () => {
  test('of starts is accepted, or refused with the time to come again: what was accepted is there, and people pass', {
    timeout: 120_000,
  }, async () => {
    await lab.engine.deploy({
      id: 'person',
      nodes: { ask: { type: 'human', title: 'Well?', assignees: { users: ['ada'] } } },
    });
    await lab.engine.deploy({ id: 'flood', nodes: { a: transform('${ input.n }') } });
    const asked = await lab.engine.startInstance('person');
    const start = async (n: number) => {
      const response = await fetch(`${lab.engine.url}/v1/definitions/flood/instances`, {
        method: 'POST',
        headers: { authorization: `Bearer ${lab.engine.apiKey}`, 'content-type': 'application/json' },
        body: JSON.stringify({ input: { n, text: 'x'.repeat(5_000) } }),
      });
      const body = (await response.json()) as { code?: string };
      return { status: response.status, retryAfter: response.headers.get('retry-after'), body };
    };
    const flood = Array.from({ length: 500 }, (_, n) => start(n));
    await lab.engine.client.cancel(asked, 'not any more');
    await statusBecomes(asked, 'cancelled');
    const answers = await Promise.all(flood);
    const refused = answers.filter(({ status }) => status !== 201);
    // How many are refused is the machine's to say.
    for (const answer of refused)
      expect(answer).toMatchObject({ status: 429, retryAfter: expect.stringMatching(/^\d+$/), body: { code: 'MR_TOO_MANY_STARTS' } });
    const [{ instances } = { instances: 0 }] = await lab.installation.databases.query<{ instances: number }>(
      "SELECT count(*)::int4 AS instances FROM instance WHERE definition_id = 'flood'",
    );
    expect(instances).toBe(answers.length - refused.length);
    await eventually(async () => expect((await start(0)).status).toBe(201));
  });

  test('of large bodies is taken, or refused with the time to come again', { timeout: 120_000 }, async () => {
    for (const answer of await floodOfBodies(lab)) expect(['202', '429 MR_TOO_BUSY 1']).toContain(answer);
    await othersGoOn();
  });

  test('has harmed no process', async () => await lab.isUnharmed());
});

describe('Floods of poison', () => {
  let sender: Producer;
  let schemaIds: readonly number[];

  beforeAll(async () => {
    const { KAFKA_BROKERS = '', SCHEMA_REGISTRY_URL = '' } = stackEnv();
    registerCodecs(64 * MIB);
    const kafka = new kafkajs.Kafka({ brokers: KAFKA_BROKERS.split(','), logLevel: kafkajs.logLevel.NOTHING });
    sender = kafka.producer();
    await sender.connect();
    const subjects = (await (await fetch(`${SCHEMA_REGISTRY_URL}/subjects`)).json()) as readonly string[];
    const own = subjects.filter((subject) => subject.startsWith(`${PREFIX}.`));
    const read = async (subject: string) =>
      (
        (await (await fetch(`${SCHEMA_REGISTRY_URL}/subjects/${encodeURIComponent(subject)}/versions/latest`)).json()) as {
          readonly id: number;
        }
      ).id;
    schemaIds = await Promise.all(own.map(read));
    await lab.engine.deploy({ id: 'waiting', nodes: { paid: { type: 'event', event: 'hostile.go', key: '${ input.key }' } } });
  });
  afterAll(async () => await sender?.disconnect());

  test('of each kind let the good records among them through', { timeout: 150_000 }, async () => {
    const names = topicNames(PREFIX);
    const waiting: string[] = [];
    for (const { name, topic, count, compression, message } of poisonsOf(schemaIds)) {
      const key = `flood-${topic}-${name}`;
      waiting.push(await lab.engine.startInstance('waiting', { key }));
      const flood = Array.from({ length: count }, (_, n) => ({ ...message(n), partition: 0 }));
      // As many as the broker takes at once: of the large ones, each by itself.
      const atOnce = count >= 100 ? 50 : 1;
      for (let at = 0; at < count; at += atOnce)
        await sender.send({
          topic: names[topic],
          messages: flood.slice(at, at + atOnce),
          ...(compression === undefined ? {} : { compression }),
        });
      const headers = { ce_specversion: '1.0', ce_id: key, ce_type: 'hostile.go', ce_source: 'good' };
      await sender.send({ topic: names.events, messages: [{ key, value: '{}', partition: 0, headers }] });
    }
    for (const id of waiting) await statusBecomes(id, 'completed');
  });

  test('are dead letters that say why, and a page of them is small', async () => {
    const { text } = await lab.ask('GET', '/v1/dead-letters?limit=500');
    const { items } = JSON.parse(text) as { readonly items: readonly { readonly code: string }[] };
    expect(items).toHaveLength(500);
    expect(text.length).toBeLessThan(16 * MIB);
    // Of notifications they may still be on their way.
    await eventually(async () => {
      const rows = await lab.installation.databases.query<{ code: string }>('SELECT DISTINCT code FROM dead_letter');
      expect(rows.map(({ code }) => code)).toEqual(
        expect.arrayContaining([
          ...['MR_NOT_FRAMED', 'MR_SCHEMA_UNKNOWN', 'MR_SCHEMA_MISMATCH', 'MR_EVENT_INVALID', 'MR_TOO_LARGE', 'MR_NO_KEY', 'MR_TOMBSTONE'],
        ]),
      );
    });
  });

  test('have harmed no process', async () => await lab.isUnharmed());
});
