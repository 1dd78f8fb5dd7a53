/**
 * The constructs of the language that no other end-to-end test runs, through all the real parts, while orchestrators and workers are
 * killed and replaced; a person's corrections of what runs; a definition that is paused as a whole.
 */
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Instance } from '../../src/client/index.ts';
import type { Json } from '../../src/core/json.ts';
import { child, constructs } from '../support/constructs.ts';
import { queryInstances } from '../support/database.ts';
import { TestEngine, testSecret } from '../support/engine.ts';
import { eventually, eventuallyHas } from '../support/eventually.ts';
import { tablesWith, topicsWith } from '../support/everywhere.ts';

/** Of each definition. */
const COUNT = 3;
const broken = { type: 'task', task: 'e2e.broken', retry: { maxAttempts: 1 } };
/** What `charge` and `notify` do by themselves never works, and `price` needs a value that is not there. */
const stuck = (version: number) => ({
  id: 'e2e-c-stuck',
  vars: { prices: {}, factor: 1 },
  nodes: {
    count: { type: 'task', task: 'e2e.echo', input: '${ vars.factor }' },
    price: { type: 'transform', output: '${ vars.prices.tea }' },
    ...{ charge: broken, notify: broken },
    hold: { type: 'human', title: 'Go on?', assignees: { users: ['ada'] } },
  },
  edges: ['count', 'price', 'charge', 'notify'].map((from) => ({ from, to: 'hold' })),
  output: {
    ...{ count: '${ nodes.count.output }', price: '${ nodes.price.output }', charged: '${ nodes.charge.output }' },
    ...{ notify: '${ nodes.notify.status }', held: '${ nodes.hold.output }', version },
  },
});
/** Whose times come when the test says so. */
const schedule = { cron: '0 0 1 1 *' };
const paused = {
  id: 'e2e-c-paused',
  nodes: {
    nap: { type: 'wait', for: '${ input.nap }' },
    work: { type: 'task', task: 'e2e.echo', input: '${ input.n }' },
    slow: { type: 'task', task: 'e2e.slow', input: 1_000 },
    after: { type: 'task', task: 'e2e.echo', input: 'after' },
  },
  edges: [
    { from: 'nap', to: 'work' },
    { from: 'slow', to: 'after' },
  ],
  output: '${ [nodes.work.output, nodes.after.output] }',
  triggers: [{ name: 'yearly', schedule, input: { n: 'by schedule', nap: '1ms' } }],
};
/** It waits longer than those that are paused, from later on. */
const clock = { id: 'e2e-c-clock', nodes: { nap: { type: 'wait', for: '3s' } }, triggers: [{ name: 'yearly', schedule }] };

const deadly = {
  id: 'e2e-c-deadly',
  nodes: {
    work: { type: 'task', task: 'e2e.deadly', queue: 'e2e-deadly', retry: { maxAttempts: 1 } },
  },
  output: '${ nodes.work.output }',
};

type Command = 'set-vars' | 'retry' | 'complete-node' | 'skip-node' | 'rerun-node' | 'migrate';
type Correct = (engine: TestEngine, id: string, command: Command, body: { readonly [name: string]: Json }) => Promise<void>;

describe('constructs on the whole stack', () => {
  let engine: TestEngine;
  let server: Server;
  const folder = mkdtempSync(join(tmpdir(), 'millrace-constructs-'));
  const runs = join(folder, 'runs');
  /** What the server was sent in `authorization`. */
  const authorized = new Set<string | undefined>();

  beforeAll(async () => {
    server = createServer(async (request, response) => {
      const { authorization } = request.headers;
      authorized.add(authorization);
      const received = { authorization, body: await text(request) };
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(received));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const handlers = 'test/support/e2e-handlers.ts';
    engine = await TestEngine.start({
      orchestrators: 2,
      workers: [handlers, handlers],
      env: { KAFKA_SESSION_TIMEOUT: '6s', E2E_DEADLY: runs },
    });
    for (const document of [child(1), child(2), stuck(1), paused, clock, deadly]) await engine.deploy(document);
    for (const { definition } of constructs) await engine.deploy(definition);
  }, 120_000);
  afterAll(async () => {
    await engine?.stop();
    server.close();
    rmSync(folder, { recursive: true });
  });

  const is = async (id: string, holds: (instance: Instance) => boolean, what: string): Promise<Instance> =>
    await eventuallyHas(() => engine.client.instance(id), holds, { timeoutMs: 90_000, intervalMs: 250, what: `${id} ${what}` });
  const replace = async (...victims: readonly string[]): Promise<void> => {
    await Promise.all(victims.map((victim) => engine.kill(victim)));
    await Promise.all(victims.map((victim) => engine.startProcess(victim)));
  };

  test('each ends as its definition says while orchestrators, workers and the task consumer are killed', async () => {
    const { client } = engine;
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const running = constructs.flatMap((construct) => Array.from({ length: COUNT }, () => construct));
    const started = running.map(async ({ definition, input, ends }) => ({
      ...{ id: definition.id, ends },
      instanceId: await engine.startInstance(definition.id, input(base)),
    }));
    const instances = await Promise.all(started);
    const asked = instances.filter(({ id }) => id === 'e2e-c-people').map(({ instanceId }) => `${instanceId}.sign`);
    const decide = (act: (taskId: string) => Promise<unknown>): Promise<unknown> =>
      Promise.all(asked.map((taskId) => eventually(() => act(taskId), { timeoutMs: 60_000 })));
    await decide((taskId) => client.delegate(taskId, 'carol', { assignee: 'bob', comment: 'on holiday' }));
    await decide((taskId) => client.complete(taskId, {}, { assignee: 'ada', outcome: 'sign' }));
    await replace('orchestrator-1', 'worker-1', 'task-consumer-1');
    // Who delegated decides no more; the other does in his place.
    await decide((taskId) => client.complete(taskId, {}, { assignee: 'carol', outcome: 'sign' }));
    await replace('orchestrator-2', 'worker-2');

    for (const { instanceId, ends } of instances)
      expect(await is(instanceId, ({ status }) => status !== 'running', 'has ended')).toMatchObject(ends);
    for (const taskId of asked) {
      const { status, votes, delegations } = await client.task(taskId);
      expect({ status, votes: votes.map(({ by }) => by).sort(), delegations }).toMatchObject({
        ...{ status: 'completed', votes: ['ada', 'carol'] },
        delegations: [{ by: 'bob', to: 'carol', comment: 'on holiday' }],
      });
    }
    const apart = await eventuallyHas(
      () =>
        queryInstances<{ version: number; status: string }>(
          `SELECT i.definition_version AS version, i.status FROM instance i JOIN instance p ON p.id = i.parent_id
            WHERE p.id = ANY ($1::uuid[]) ORDER BY 1, 2`,
          [instances.map(({ instanceId }) => instanceId)],
        ),
      (found) => found.every(({ status }) => status === 'completed'),
    );
    // Of e2e-c-parent one child each is pinned, one is the latest, and one is detached; that of e2e-c-leaving goes on without its parent.
    expect(apart.map(({ version }) => version)).toEqual([...Array(COUNT).fill(1), ...Array(3 * COUNT).fill(2)]);
    const ids = instances.map(({ instanceId }) => instanceId);
    expect(await queryInstances('SELECT code FROM dead_letter WHERE instance_id = ANY ($1::text[])', [ids])).toEqual([]);
  }, 180_000);

  test('the value of a secret is nowhere in Postgres and Kafka, though workers and a server had it', async () => {
    expect([...authorized]).toEqual([`Bearer ${testSecret.value}`]);
    // What stands in its place is found, so the value would be.
    const reference = `secrets.${testSecret.name}`;
    expect(await tablesWith(reference)).toEqual(expect.arrayContaining(['definition_version', 'history']));
    expect(await tablesWith(testSecret.value)).toEqual([]);
    const prefix = engine.env.MILLRACE_TOPIC_PREFIX ?? '';
    const [references, values] = await topicsWith([reference, testSecret.value]);
    expect(references).toEqual(expect.arrayContaining(['notifications', 'tasks.handlers', 'tasks'].map((name) => `${prefix}.${name}`)));
    expect(values).toEqual([]);
  }, 120_000);

  const reason = 'a typo';
  const byRest: Correct = async ({ client }, id, command, { taskId, vars, output, version }) => {
    const why = { reason, waitMs: 30_000 };
    const task = String(taskId);
    const commands = {
      'set-vars': () => client.setVars(id, vars as { readonly [name: string]: Json }, why),
      retry: () => client.retry(id, task, { waitMs: 30_000 }),
      'complete-node': () => client.completeNode(id, task, output ?? null, why),
      'skip-node': () => client.skipNode(id, task, why),
      'rerun-node': () => client.rerunNode(id, task, why),
      migrate: () => client.migrate(id, version as number, why),
    };
    expect(await commands[command]()).toMatchObject({ instanceId: id, status: 'applied' });
  };
  const byCommandLine: Correct = async (run, id, command, { taskId, vars, output, version }) => {
    const task = ['--task', String(taskId)];
    const options = {
      'set-vars': ['--vars', JSON.stringify(vars)],
      retry: task,
      'complete-node': [...task, '--output', JSON.stringify(output)],
      'skip-node': task,
      'rerun-node': task,
      migrate: ['--to', String(version)],
    };
    const why = command === 'retry' ? [] : ['--reason', reason];
    const name = command === 'migrate' ? 'migrate-instance' : command;
    const ended = await run.run(name, id, ...options[command], ...why, '--wait', '30s', '--json');
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(ended.stdout)).toMatchObject({ instanceId: id, status: 'applied' });
  };

  test('what is stuck is corrected by REST and by the command line, while an orchestrator is killed', async () => {
    const { client } = engine;
    const { version: before } = await client.deploy(stuck(1));
    const ways = [byRest, byCommandLine].map(async (correct) => ({ correct, id: await engine.startInstance(stuck(1).id) }));
    const both = await Promise.all(ways);
    for (const { id } of both)
      await is(id, ({ open }) => open.filter(({ waitingFor }) => waitingFor.kind === 'incident').length === 3, 'has three incidents');
    const { version } = await client.deploy(stuck(before + 1));
    const task = (id: string, node: string) => ({ taskId: `${id}.${node}` });
    const corrected = both.map(async ({ correct, id }) => {
      await correct(engine, id, 'set-vars', { vars: { prices: { tea: 3 }, factor: 2 } });
      await correct(engine, id, 'rerun-node', task(id, 'count'));
      await correct(engine, id, 'retry', task(id, 'price'));
      await correct(engine, id, 'complete-node', { ...task(id, 'charge'), output: 'by hand' });
      await correct(engine, id, 'skip-node', task(id, 'notify'));
      await correct(engine, id, 'migrate', { version });
      await eventually(() => client.complete(`${id}.hold`, 'held', { assignee: 'ada' }));
    });
    await Promise.all([...corrected, replace('orchestrator-1')]);
    const output = { count: 2, price: 3, charged: 'by hand', notify: 'cancelled', held: 'held', version };
    for (const { id } of both) {
      expect(await is(id, ({ status }) => status === 'completed', 'has completed')).toMatchObject({ output, definition: { version } });
      const { items } = await client.history(id, { type: 'VarsChanged,NodeRerun,NodeCorrected,InstanceMigrated', limit: 500 });
      const why = { reason, by: 'admin' };
      expect(items.map(({ type, taskId, details }) => ({ type, taskId, details }))).toMatchObject([
        { type: 'VarsChanged', taskId: null, details: { ...why, vars: { prices: { tea: 3 }, factor: 2 } } },
        { type: 'NodeRerun', ...task(id, 'count'), details: why },
        { type: 'NodeCorrected', ...task(id, 'charge'), details: { ...why, action: 'complete' } },
        { type: 'NodeCorrected', ...task(id, 'notify'), details: { ...why, action: 'skip' } },
        { type: 'InstanceMigrated', taskId: null, details: why },
      ]);
    }
  }, 180_000);

  test('a handler that ends its worker is not given to one after the other: its attempt has failed, and a retry is another one', async () => {
    await engine.startWorker('test/support/e2e-deadly-handlers.ts');
    const id = await engine.startInstance(deadly.id);
    const ran = (expected: string) => eventually(() => expect(readFileSync(runs, 'utf8')).toBe(expected));
    await ran('1\n');
    await engine.startProcess('worker-3');
    const work = (await is(id, ({ status }) => status === 'incident', 'is under an incident')).open;
    expect(work).toMatchObject([{ nodeId: 'work', attempt: 1, waitingFor: { kind: 'incident', error: { code: 'WORKER_LOST' } } }]);
    await engine.client.retry(id, undefined, { waitMs: 30_000 });
    expect((await is(id, ({ status }) => status === 'completed', 'has completed')).output).toBe(2);
    await ran('1\n2\n');
  }, 120_000);

  test('a definition that is paused begins nothing: its schedules pass by, and its instances stand still until it is resumed', async () => {
    const { client } = engine;
    const definition = paused.id;
    const whole = async (operation: 'pause' | 'resume'): Promise<void> => {
      await (operation === 'pause' ? client.pauseTriggers(definition) : client.resumeTriggers(definition));
      const { jobId } = await client.createJob({ operation, query: { definition }, reason: 'a wrong price' });
      await eventuallyHas(
        () => client.job(jobId),
        ({ status }) => status === 'done',
      );
    };
    const comesDue = (id: string) =>
      queryInstances("UPDATE schedule SET next_at = date_trunc('minute', now()) WHERE definition_id = $1", [id]);
    const startedOf = async (id: string, count: number): Promise<readonly string[]> => {
      const { items } = await eventuallyHas(
        () => client.instances({ definition: id }),
        ({ items: all }) => all.length >= count,
      );
      expect(items).toHaveLength(count);
      return items.map(({ instanceId }) => instanceId);
    };
    const started = Array.from({ length: COUNT }, (_, n) => engine.startInstance(definition, { n, nap: '2s' }));
    const ids = await Promise.all(started);
    for (const id of ids) await is(id, ({ open }) => open.some(({ nodeId }) => nodeId === 'slow'), 'is with a worker');
    await whole('pause');
    await Promise.all([comesDue(definition), comesDue(clock.id), replace('orchestrator-1')]);
    const [other] = await startedOf(clock.id, 1);
    await is(other ?? '', ({ status }) => status === 'completed', 'has waited');
    for (const id of ids) {
      // What a worker had has ended, and nothing followed it; the wait has not.
      const still = await is(id, ({ openCount }) => openCount === 1, 'has only its wait');
      expect(still).toMatchObject({ status: 'paused', open: [{ nodeId: 'nap' }] });
      expect((await client.instanceTasks(id)).items.map(({ nodeId, status }) => `${nodeId} ${status}`).sort()).toEqual([
        'nap open',
        'slow completed',
      ]);
    }
    await startedOf(definition, COUNT);

    await whole('resume');
    for (const [n, id] of ids.entries())
      expect(await is(id, ({ status }) => status === 'completed', 'has completed')).toMatchObject({ output: [n, 'after'] });
    await comesDue(definition);
    const [newest = ''] = await startedOf(definition, COUNT + 1);
    expect((await is(newest, ({ status }) => status === 'completed', 'has completed')).output).toEqual(['by schedule', 'after']);
    // The stack is everybody's.
    for (const each of [paused, clock]) await engine.deploy({ ...each, triggers: [] });
  }, 180_000);
});
