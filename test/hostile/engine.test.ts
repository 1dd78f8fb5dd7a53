/** Malicious callers of REST and malicious definitions, against the real processes of an installation of its own. */
import kafkajs, { type Producer } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Json } from '../../src/core/json.ts';
import { registerCodecs } from '../../src/messaging/kafkajs/codecs.ts';
import { topicNames } from '../../src/messaging/topics.ts';
import { stackEnv } from '../support/env.ts';
import { eventually } from '../support/eventually.ts';
import { HostileLab } from '../support/hostile-lab.ts';
import { poisonsOf } from './poison.ts';
import { type HostileRequest, hostileRequests } from './requests.ts';
import { leastRoleOf, rolesInOrder } from './roles.ts';

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

type Operation = { readonly operationId: string };

describe('Roles and routes', () => {
  test('each route answers the roles that may call it, and nobody else', async () => {
    const keys = new Map<string, string>();
    for (const role of rolesInOrder) keys.set(role, await lab.createKey(role));
    const { paths } = JSON.parse((await lab.ask('GET', '/openapi.json')).text) as {
      paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
    };
    const operations = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { operationId }]) => ({ method: method.toUpperCase(), path, operationId })),
    );
    expect(operations.length).toBeGreaterThan(35);
    for (const { method, path, operationId } of operations) {
      const least = leastRoleOf(operationId);
      expect(least, `${operationId} is listed`).toBeDefined();
      // The ids in the path do not exist, so the request changes nothing.
      const url = path
        .replace('/instances/{id}', `/instances/${ID}`)
        .replace('/tasks/{id}', `/tasks/${ID}.a`)
        .replaceAll(/\{\w+\}/g, '7');
      const body = method === 'POST' ? '{}' : undefined;
      const ask = async (key: string | undefined): Promise<number> =>
        (await lab.ask(method, url, body, { authorization: key === undefined ? '' : `Bearer ${key}` })).status;
      for (const key of [undefined, 'wrong-key-of-nobody', '']) expect(await ask(key), `${operationId} without a key`).toBe(401);
      for (const [index, role] of rolesInOrder.entries()) {
        const isAllowed = least !== undefined && index >= rolesInOrder.indexOf(least);
        const status = await ask(keys.get(role));
        if (isAllowed) expect([401, 403, 500], `${operationId} as ${role}`).not.toContain(status);
        else expect(status, `${operationId} as ${role}`).toBe(403);
      }
    }
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

/** After an event, so that the orchestrator decides it, and not the API. */
const behindAnEvent = (id: string, nodes: Readonly<Record<string, Json>>): Json => ({
  id,
  nodes: { go: { type: 'event', event: 'hostile.go', key: '${ input.key }' }, ...nodes },
  edges: Object.keys(nodes).map((name) => ({ from: 'go', to: name })),
});
const many = (count: number, node: Json): Readonly<Record<string, Json>> =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`n${n}`, node]));
const transform = (output: string): Json => ({ type: 'transform', output });

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

  test('that copy a large input are read page by page, and no answer holds it all', async () => {
    const text = 'x'.repeat(500_000);
    const copies = 120;
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
    const rows = await lab.installation.databases.query<{ code: string; letters: number }>(
      'SELECT code, count(*)::int4 AS letters FROM dead_letter GROUP BY code',
    );
    const codes = new Set(rows.map(({ code }) => code));
    for (const code of [
      'MR_NOT_FRAMED',
      'MR_SCHEMA_UNKNOWN',
      'MR_SCHEMA_MISMATCH',
      'MR_EVENT_INVALID',
      'MR_TOO_LARGE',
      'MR_NO_KEY',
      'MR_TOMBSTONE',
    ])
      expect(codes).toContain(code);
  });

  test('have harmed no process', async () => await lab.isUnharmed());
});
