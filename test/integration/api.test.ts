/**
 * REST on the real stack: a real API process with an orchestrator behind it. What needs no database or broker is tested
 * beside the sources (src/api); here is what only they can show: races, commits, streams, topics, dead letters, restarts.
 * Human tasks have `api-human-tasks.test.ts`.
 */
import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createClient, type HistoryEntry } from '../../src/client/index.ts';
import type { Json } from '../../src/core/json.ts';
import { connectKafka } from '../../src/messaging/kafkajs/index.ts';
import { topicNames } from '../../src/messaging/topics.ts';
import { loadConfig } from '../../src/service/config.ts';
import { kafkaOptions } from '../../src/service/connections.ts';
import { approval, refusal } from '../support/api-lab.ts';
import { queryInstances } from '../support/database.ts';
import { TestEngine } from '../support/engine.ts';
import { eventually, eventuallyHas } from '../support/eventually.ts';

/** Names of this run, so that other tests on the same stack do not meet these. */
const run = randomUUID().slice(0, 8);
const name = (what: string): string => `api-${what}-${run}`;

const instant = (id: string): Json => ({ id, nodes: { only: { type: 'transform', output: { x: 1 } } } });

let engine: TestEngine;

beforeAll(async () => {
  engine = await TestEngine.start({ taskConsumers: 0 });
}, 120_000);
afterAll(async () => {
  await engine?.stop();
});

/** A request that the client would never send. */
async function raw(path: string, init: RequestInit): Promise<{ readonly status: number; readonly code: string }> {
  const response = await fetch(`${engine.url}${path}`, init);
  const body = (await response.json()) as { readonly code: string };
  return { status: response.status, code: body.code };
}

const withKey = (key: string): Record<string, string> => ({ authorization: `Bearer ${key}`, 'content-type': 'application/json' });

describe('Deploying', () => {
  it('gives one version to several deploys of the same content at once, and one each to different ones', async () => {
    const id = name('deploys');
    const same = await Promise.all(Array.from({ length: 6 }, () => engine.client.deploy(instant(id))));
    expect(same.map(({ version }) => version)).toEqual([1, 1, 1, 1, 1, 1]);
    expect(same.filter(({ created }) => created)).toHaveLength(1);
    const different = await Promise.all(
      [2, 3, 4].map((x) => engine.client.deploy({ id, nodes: { only: { type: 'transform', output: { x } } } })),
    );
    expect(different.map(({ version }) => version).sort()).toEqual([2, 3, 4]);
    expect((await engine.client.definition(id)).versions).toHaveLength(4);
  });

  it('has made the topic of a new queue before it answers, with as many partitions as the installation', async () => {
    const queue = name('queue');
    const document = { id: name('queued'), nodes: { work: { type: 'task', task: 'nobody', queue } } };
    await Promise.all([engine.client.deploy(document), engine.client.deploy(document)]);
    const config = loadConfig(engine.env, ['kafka', 'topics']);
    const admin = connectKafka(kafkaOptions(config), pino({ level: 'silent' })).admin();
    const [topic] = await admin.describeTopics([topicNames(config.topics.prefix).tasks(queue)]);
    await admin.close();
    expect(topic?.partitions).toBe(config.topics.partitions);
    // Its first task finds the outbox ready for it: the start is not refused.
    await engine.client.start(document.id);
  });

  it('says how many instances stay on which version', async () => {
    const id = name('versions');
    await engine.client.deploy(approval(id));
    await Promise.all([1, 2].map(() => engine.client.start(id)));
    const { version, runningByVersion } = await engine.client.deploy({ ...approval(id), output: { changed: true } });
    expect({ version, runningByVersion }).toEqual({ version: 2, runningByVersion: [{ version: 1, running: 2 }] });
    const { instanceId } = await engine.client.start(id);
    expect((await engine.client.instance(instanceId)).definition).toEqual({ id, version: 2 });
  });
});

describe('Starting', () => {
  it('with one idempotency key at once makes one instance, and a repeat gets the first answer', async () => {
    const id = name('idempotent');
    await engine.client.deploy(approval(id));
    const start = () => engine.client.start(id, { input: { amount: 1 }, businessKey: 'b' }, { idempotencyKey: 'k' });
    const answers = await Promise.all(Array.from({ length: 20 }, start));
    expect(new Set(answers.map(({ instanceId }) => instanceId)).size).toBe(1);
    expect(await start()).toEqual(answers[0]);
    expect((await engine.client.instances({ definition: id })).items).toHaveLength(1);
    const other = engine.client.start(id, { input: { amount: 2 } }, { idempotencyKey: 'k' });
    expect(await refusal(other)).toEqual({ status: 422, code: 'MR_IDEMPOTENCY_KEY_REUSED' });
    // Also when a version that was deployed since would refuse the input.
    await engine.client.deploy({ ...approval(id), input: { type: 'object', required: ['reason'] } }, { allowBreaking: true });
    expect(await start()).toEqual(answers[0]);
    // The scope of a key is the definition.
    const elsewhere = name('idempotent-too');
    await engine.client.deploy(approval(elsewhere));
    await engine.client.start(elsewhere, { input: { amount: 2 } }, { idempotencyKey: 'k' });
  });

  it('answers the whole instance when it ended in time', async () => {
    const id = name('instant');
    await engine.client.deploy(instant(id));
    expect(await engine.client.start(id, {}, { waitMs: 20_000 })).toMatchObject({ status: 'completed', open: [] });
    const waits = name('waits');
    await engine.client.deploy({ id: waits, nodes: { moment: { type: 'wait', for: '300ms' } } });
    expect(await engine.client.start(waits, {}, { waitMs: 20_000 })).toMatchObject({ status: 'completed' });
  });

  it('of a crowd commits all of them, and answers each with its own', async () => {
    const id = name('crowd');
    await engine.client.deploy(approval(id));
    // As many as are taken however slow the database is.
    const started = await Promise.all(
      Array.from({ length: 200 }, (_, n) => engine.client.start(id, { input: { amount: n }, businessKey: `n${n}` })),
    );
    expect(new Set(started.map(({ instanceId }) => instanceId)).size).toBe(200);
    const [{ count } = { count: 0 }] = await queryInstances<{ count: number }>(
      'SELECT count(*)::int AS count FROM instance WHERE definition_id = $1',
      [id],
    );
    expect(count).toBe(200);
  });
});

describe('Lists', () => {
  it('show every item once, newest first, also while new ones come', async () => {
    const id = name('pages');
    await engine.client.deploy(approval(id));
    for (const n of [1, 2, 3, 4, 5]) await engine.client.start(id, { businessKey: `k${n}` });
    const seen: (string | null)[] = [];
    let cursor: string | undefined;
    do {
      const page = await engine.client.instances({ definition: id, limit: 2, ...(cursor === undefined ? {} : { cursor }) });
      seen.push(...page.items.map(({ businessKey }) => businessKey));
      cursor = page.nextCursor ?? undefined;
      await engine.client.start(id, { businessKey: 'meanwhile' });
    } while (cursor !== undefined);
    expect(seen).toEqual(['k5', 'k4', 'k3', 'k2', 'k1']);
  });

  it('refuse a cursor of another list', async () => {
    const id = name('cursors');
    await engine.client.deploy(approval(id));
    await engine.client.start(id);
    await engine.client.start(id);
    const { nextCursor } = await engine.client.inbox({ definition: id, limit: 1 });
    const misused = engine.client.instances({ cursor: nextCursor ?? '' });
    expect(await refusal(misused)).toEqual({ status: 400, code: 'MR_CURSOR_INVALID' });
  });
});

describe('Commands', () => {
  it('are applied, and refused once the instance has ended', async () => {
    const id = name('commands');
    await engine.client.deploy(approval(id));
    const { instanceId } = await engine.client.start(id);
    expect(await engine.client.pause(instanceId, { waitMs: 20_000 })).toMatchObject({ status: 'applied' });
    expect((await engine.client.instance(instanceId)).status).toBe('paused');
    expect(await engine.client.resume(instanceId, { waitMs: 20_000 })).toMatchObject({ status: 'applied' });
    expect(await engine.client.cancel(instanceId, 'no need', { waitMs: 20_000 })).toMatchObject({ status: 'applied' });
    expect(await engine.client.instance(instanceId)).toMatchObject({ status: 'cancelled', pending: [], open: [] });
    for (const command of [engine.client.cancel, engine.client.pause, engine.client.resume, engine.client.retry] as const)
      expect(await refusal(command(instanceId))).toEqual({ status: 409, code: 'MR_INSTANCE_ENDED' });
  });

  it('resolve an incident', async () => {
    const id = name('incident');
    await engine.client.deploy({ id, nodes: { divide: { type: 'transform', output: { x: '${ 1 / int(input.by) }' } } } });
    const { instanceId } = await engine.client.start(id, { input: { by: 0 } });
    const { open, status } = await engine.client.instance(instanceId);
    expect({ status, open }).toMatchObject({ status: 'incident', open: [{ nodeId: 'divide', waitingFor: { kind: 'incident' } }] });
    // The data has not changed, so it fails again. What counts is that it was tried.
    expect(await engine.client.retry(instanceId, `${instanceId}.divide`, { waitMs: 20_000 })).toMatchObject({ status: 'applied' });
    const types = (await engine.client.history(instanceId)).items.map(({ type }) => type);
    expect(types).toContain('IncidentResolved');
  });
});

describe('An event', () => {
  it('sent by REST reaches who waits for it, once', async () => {
    const id = name('event');
    await engine.client.deploy({
      id,
      nodes: { paid: { type: 'event', event: `paid-${run}`, key: '${ input.order }' } },
      output: '${ nodes.paid.output.data }',
    });
    const waiting = engine.client.start(id, { input: { order: 'o-1' } }, { waitMs: 30_000 });
    const event = { id: `e-${run}`, type: `paid-${run}`, source: 'test', key: 'o-1', data: { amount: 0.1 } };
    expect(await engine.client.sendEvent(event)).toEqual({ id: event.id });
    expect(await engine.client.sendEvent(event)).toEqual({ id: event.id });
    expect(await waiting).toMatchObject({ status: 'completed', output: { amount: 0.1 } });
  });
});

describe('The live stream', () => {
  it('gives each entry once, in order, and goes on after the API was killed', async () => {
    const id = name('stream');
    await engine.client.deploy(approval(id));
    const { instanceId } = await engine.client.start(id);
    const entries: HistoryEntry[] = [];
    const followed = (async () => {
      for await (const entry of engine.client.follow(instanceId)) entries.push(entry);
    })();
    await eventually(() => expect(entries.length).toBeGreaterThan(0));
    await engine.kill('api');
    await engine.startProcess('api');
    await engine.client.complete(`${instanceId}.approve`, { approved: true });
    await followed;
    expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, index) => index + 1));
    expect(entries.at(-1)?.type).toBe('InstanceCompleted');
    const stored = await engine.client.history(instanceId, { limit: 500 });
    expect(entries).toEqual(stored.items);
  });
});

describe('A dead letter', () => {
  it('is shown whole, replayed byte for byte, and discarded once', async () => {
    const config = loadConfig(engine.env, ['kafka', 'topics']);
    const topic = topicNames(config.topics.prefix).events;
    const producer = connectKafka(kafkaOptions(config), pino({ level: 'silent' })).producer();
    const key = name('letter');
    const value = Buffer.from(`no frame ${run}`);
    await producer.send([{ topic, key, value, headers: [{ key: 'h', value: Buffer.from('v') }] }]);
    await producer.stop();
    const deadLettersOf = async () => {
      const { items } = await engine.client.deadLetters({ limit: 500 });
      return items.filter(({ keyBase64 }) => keyBase64 === Buffer.from(key).toString('base64'));
    };
    const [deadLetter] = await eventuallyHas(deadLettersOf, ({ length }) => length === 1);
    expect(deadLetter).toMatchObject({ topic, code: 'MR_NOT_FRAMED', status: 'open', valueBytes: value.length });
    expect(Buffer.from(deadLetter?.valueBase64 ?? '', 'base64')).toEqual(value);
    const id = deadLetter?.id ?? '';
    expect(await engine.client.replayDeadLetter(id)).toEqual({ id, status: 'replayed' });
    expect(await refusal(engine.client.replayDeadLetter(id))).toEqual({ status: 409, code: 'MR_DEAD_LETTER_CLOSED' });
    // It is still not framed, so it becomes another dead letter, from another offset of the same partition.
    const [again] = await eventuallyHas(deadLettersOf, (deadLetters) => deadLetters.some((each) => each.id !== id));
    expect(again).toMatchObject({ partition: deadLetter?.partition, valueBase64: deadLetter?.valueBase64, headers: deadLetter?.headers });
    expect(again?.offset).not.toBe(deadLetter?.offset);
    const second = again?.id ?? '';
    expect(await engine.client.discardDeadLetter(second)).toEqual({ id: second, status: 'discarded' });
    expect(await refusal(engine.client.discardDeadLetter(second))).toEqual({ status: 409, code: 'MR_DEAD_LETTER_CLOSED' });
    expect(await deadLettersOf()).toEqual([]);
  });
});

describe('Keys', () => {
  it('of a role may do what the role may, for whom they speak, until they are revoked', async () => {
    const id = name('keys');
    await engine.client.deploy(approval(id));
    const { instanceId } = await engine.client.start(id);
    const made = await engine.cli('keys', 'create', '--subject', 'ada', '--role', 'user', '--json');
    const { keyId, key } = JSON.parse(made) as { readonly keyId: string; readonly key: string };
    const ada = createClient({ url: engine.url, apiKey: key });
    expect((await ada.inbox({ assignee: 'me', definition: id })).items).toMatchObject([{ instanceId }]);
    expect(await refusal(ada.cancel(instanceId))).toEqual({ status: 403, code: 'MR_FORBIDDEN' });
    expect(await refusal(ada.complete(`${instanceId}.approve`, { approved: true }, { assignee: 'bob' }))).toEqual({
      status: 403,
      code: 'MR_FORBIDDEN',
    });
    await ada.complete(`${instanceId}.approve`, { approved: true }, { waitMs: 20_000 });
    const { items } = await engine.client.history(instanceId);
    expect(items.find(({ type }) => type === 'TaskCompleted')?.details).toMatchObject({ by: 'ada' });
    await engine.cli('keys', 'revoke', keyId);
    await eventually(async () => expect(await refusal(ada.definitions())).toEqual({ status: 401, code: 'MR_UNAUTHENTICATED' }));
  });

  it('that are missing or wrong are answered 401', async () => {
    expect(await raw('/v1/instances', {})).toEqual({ status: 401, code: 'MR_UNAUTHENTICATED' });
    expect(await raw('/v1/instances', { headers: withKey('nobody-has-this-key') })).toEqual({ status: 401, code: 'MR_UNAUTHENTICATED' });
  });
});

describe('Bad input over the wire', () => {
  it.each([
    ['malformed JSON', '{"type":', 400, 'MR_JSON_MALFORMED'],
    ['an unknown field', '{"type":"t","key":"k","kye":1}', 400, 'MR_REQUEST_INVALID'],
    ['a key of 501 characters', JSON.stringify({ type: 't', key: 'x'.repeat(501) }), 400, 'MR_REQUEST_INVALID'],
    ['the same key twice', '{"type":"t","key":"k","data":{"amount":1,"amount":2}}', 422, 'MR_JSON_DUPLICATE_KEY'],
    ['a number that would be rounded', '{"type":"t","key":"k","data":12345678901234567891}', 422, 'MR_NUMBER_UNSAFE'],
    ['a string that cannot be stored', '{"type":"t","key":"k\\u0000"}', 422, 'MR_STRING_UNSAFE'],
    ['a payload that is too large', JSON.stringify({ type: 't', key: 'k', data: 'x'.repeat(600_000) }), 413, 'MR_PAYLOAD_TOO_LARGE'],
    ['a body that is too large', `"${'x'.repeat(1_100_000)}"`, 413, 'MR_BODY_TOO_LARGE'],
  ])('%s is refused', async (_, body, status, code) => {
    expect(await raw('/v1/events', { method: 'POST', headers: withKey(engine.apiKey), body })).toEqual({ status, code });
  });

  it('the same key twice is refused in definitions, starts and completions', async () => {
    const id = name('twice');
    await engine.client.deploy(approval(id));
    const { instanceId } = await engine.client.start(id);
    const twice = { status: 422, code: 'MR_JSON_DUPLICATE_KEY' };
    const post = (path: string, body: string) => raw(path, { method: 'POST', headers: withKey(engine.apiKey), body });
    expect(await post('/v1/definitions', '{"id":"twice","nodes":{"a":{},"a":{}}}')).toEqual(twice);
    expect(await post(`/v1/definitions/${id}/instances`, '{"input":{"amount":1,"amount":2}}')).toEqual(twice);
    expect(await post(`/v1/tasks/${instanceId}.approve/complete`, '{"output":{"approved":true,"approved":false}}')).toEqual(twice);
  });

  it('what a schema says of cents and of times is held by decimals, and by what the engine reads', async () => {
    const id = name('typed');
    const properties = {
      ...{ amount: { type: 'number', multipleOf: 0.01 }, at: { type: 'string', format: 'date-time' } },
      pause: { type: 'string', format: 'duration' },
    };
    const nodes = { until: { type: 'wait', until: '${ input.at }' }, pause: { type: 'wait', for: '${ input.pause }' } };
    await engine.client.deploy({ id, input: { type: 'object', properties }, nodes, edges: [{ from: 'until', to: 'pause' }] });
    for (const amount of [19.99, 4.35, 0.07]) {
      const input = { amount, at: '2024-01-15T14:30:00+05:30', pause: 'PT0.001S' };
      const { instanceId } = await engine.client.start(id, { input });
      await eventuallyHas(
        () => engine.client.instance(instanceId),
        ({ status }) => status === 'completed',
      );
    }
    const fitting = { amount: 1, at: '2024-01-15T14:30:00Z', pause: 'P1D' };
    for (const change of [{ amount: 19.999 }, { at: '2024-01-15T14:30:00+0530' }, { at: '2024-01-15 14:30:00Z' }, { pause: 'P1M' }])
      expect(await refusal(engine.client.start(id, { input: { ...fitting, ...change } }))).toEqual({
        status: 422,
        code: 'MR_INPUT_INVALID',
      });
  });

  it('a body may begin with a byte order mark', async () => {
    const body = `\ufeff${JSON.stringify({ type: 't', key: 'k' })}`;
    const response = await fetch(`${engine.url}/v1/events`, { method: 'POST', headers: withKey(engine.apiKey), body });
    expect(response.status).toBe(202);
  });

  it('an input as large as is allowed is started and read back whole', async () => {
    const id = name('large');
    await engine.client.deploy(approval(id));
    const text = 'ü'.repeat(250_000);
    const { instanceId } = await engine.client.start(id, { input: { text } });
    expect((await engine.client.instance(instanceId)).input).toEqual({ text });
  });
});

describe('A second API process', () => {
  it('with the same key makes no other, and sees what the first one does', async () => {
    const before = await engine.cli('keys', 'list', '--json');
    const other = await TestEngine.start({ orchestrators: 0, taskConsumers: 0 });
    try {
      expect(await engine.cli('keys', 'list', '--json')).toBe(before);
      const id = name('two');
      await engine.client.deploy(instant(id));
      // The second process knows it within a second.
      await eventuallyHas(
        () => other.client.start(id, {}, { waitMs: 20_000 }),
        (answer) => 'status' in answer && answer.status === 'completed',
      );
      const document: unknown = await (await fetch(`${other.url}/openapi.json`)).json();
      expect(document).toMatchObject({ openapi: '3.1.0' });
    } finally {
      await other.stop();
    }
  });
});
