/**
 * What an operator does at night, by commands alone, on an installation of this file's own: their effects on instances and
 * messages, what they say, and their exit codes. What the command line does without an engine: src/cli/cli.test.ts.
 */
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HistoryEntry, Instance, Job } from '../../src/client/index.ts';
import { connectKafka } from '../../src/messaging/kafkajs/index.ts';
import { defaultQueue, groupNames, topicNames } from '../../src/messaging/topics.ts';
import { loadConfig } from '../../src/service/config.ts';
import { kafkaOptions } from '../../src/service/connections.ts';
import { TestEngine } from '../support/engine.ts';
import { eventually, eventuallyHas } from '../support/eventually.ts';
import { type Installation, install } from '../support/installation.ts';

const PREFIX = 'command-line';
const topics = topicNames(PREFIX);

const asked = { type: 'human', title: 'Look at ${ input.n }', assignees: { users: ['ada', 'bob'] } };
const flaky = { type: 'task', task: 'e2e.flaky', input: 1, retry: { maxAttempts: 1 } };
const definitions = {
  shift: {
    nodes: { look: asked, work: { type: 'task', task: 'e2e.echo', input: { n: '${ input.n }' } } },
    edges: [{ from: 'look', to: 'work' }],
    output: '${ nodes.work.output }',
  },
  broken: { nodes: { left: flaky, right: flaky } },
  hopeless: { nodes: { work: { type: 'task', task: 'e2e.broken' } }, onFailure: 'fail' },
  budget: {
    nodes: { look: asked, spend: { type: 'transform', output: 1 }, sorry: { type: 'transform', output: '${ nodes.look.error.message }' } },
    edges: [
      { from: 'look', to: 'spend' },
      { from: 'look', to: 'sorry', on: 'failed', error: 'NO_BUDGET' },
    ],
    output: { said: '${ nodes.sorry.output }', spent: '${ nodes.spend.status }' },
  },
  payment: { nodes: { paid: { type: 'event', event: 'paid', key: '${ input.order }' } }, output: '${ nodes.paid.output.data }' },
  work: { nodes: { work: { type: 'task', task: 'e2e.echo', input: 'done' } }, output: '${ nodes.work.output }' },
  card: {
    input: { type: 'object', properties: { card: { type: 'string', sensitive: true } } },
    nodes: { copy: { type: 'transform', output: { card: '${ input.card }', text: 'plain' } } },
    output: '${ nodes.copy.output }',
  },
};

let installation: Installation;
let engine: TestEngine;

beforeAll(async () => {
  installation = await install(PREFIX);
  engine = await TestEngine.start({ env: installation.env, taskConsumers: 0, workers: ['test/support/e2e-handlers.ts'] });
  for (const [id, document] of Object.entries(definitions)) await engine.deploy({ id, ...document });
  await startsAreTaken();
}, 180_000);
afterAll(async () => {
  await engine?.stop();
  await installation?.remove();
});

async function startsAreTaken(): Promise<void> {
  await eventuallyHas(
    async () => (await (await fetch(`${engine.url}/health/ready`)).json()) as { readonly checks: { readonly starts: string } },
    ({ checks }) => checks.starts === 'ok',
  );
}

/** The output of a command that succeeded without errors on stderr. */
async function done(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await engine.run(...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
}

async function json<Answer>(...args: readonly string[]): Promise<Answer> {
  return JSON.parse(await done(...args, '--json')) as Answer;
}

async function isApplied(...args: readonly string[]): Promise<void> {
  expect(await done(...args, '--wait')).toBe('Applied.\n');
}

async function fails(code: number, complaint: string, ...args: readonly string[]): Promise<void> {
  const ended = await engine.run(...args);
  expect(ended.stderr).toContain(complaint);
  expect(ended).toMatchObject({ code, stdout: '' });
}

const get = (instanceId: string) => json<Instance>('get', instanceId);
const until = (instanceId: string, holds: (instance: Instance) => boolean) =>
  eventuallyHas(() => engine.client.instance(instanceId), holds);
const ends = (instanceId: string) => until(instanceId, ({ status }) => status === 'completed');

/** The cells of the line of a table that begins so. */
function cells(table: string, beginning: string): readonly string[] | undefined {
  return table
    .split('\n')
    .find((line) => line.startsWith(beginning))
    ?.split(/ {2,}/);
}

const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);

// Each command is a process of its own, which takes its time on a busy machine.
const TIMEOUT_MS = 180_000;

describe('Beside each other', { concurrent: true, timeout: TIMEOUT_MS }, () => {
  test('What a definition marks as sensitive is shown to whoever asks for it by --unmasked, and by no other command', async () => {
    const started = await json<Instance>('start', 'card', '--input', '{"card":"CARD-4111"}', '--wait');
    const id = started.instanceId;
    const masked = { card: '***', text: 'plain' };
    expect(started).toMatchObject({ status: 'completed', input: { card: '***' }, output: masked });
    expect(await get(id)).toMatchObject({ input: { card: '***' }, output: masked });
    expect(await json('get', id, '--unmasked')).toMatchObject({
      input: { card: 'CARD-4111' },
      output: { card: 'CARD-4111', text: 'plain' },
    });
    for (const command of ['get', 'history', 'watch'])
      for (const format of [[], ['--json']]) {
        expect(await done(command, id, ...format)).not.toContain('CARD-4111');
        if (format.length > 0) expect(await done(command, id, ...format, '--unmasked')).toContain('CARD-4111');
      }
  });

  test('An instance that is paused starts nothing until it is resumed', async () => {
    const id = (await done('start', 'shift', '--input', '{"n":7}')).trim();
    await isApplied('pause', id);
    await fails(4, 'MR_ALREADY_PAUSED', 'pause', id);
    await isApplied('complete', `${id}.look`, '--as', 'ada');
    expect(await get(id)).toMatchObject({ status: 'paused', open: [] });
    await isApplied('resume', id);
    expect(await ends(id)).toMatchObject({ output: { n: 7 } });
    const line = cells(await done('list', '--definition', 'shift', '--status', 'completed'), id);
    expect(line).toEqual([id, 'shift@1', '–', 'completed', TIME, TIME]);
    expect(await done('get', id)).toContain('output        {"n":7}\n');
  });

  test('An instance under incident goes on after a retry, of one task or of all', async () => {
    const id = await engine.startInstance('broken');
    await until(id, ({ open }) => open.length === 2 && open.every(({ waitingFor }) => waitingFor.kind === 'incident'));
    expect(cells(await done('list', '--status', 'incident'), id)?.[3]).toBe('incident');
    const line = cells(await done('get', id), 'left');
    expect(line).toEqual(['left', 'failed', '1', 'a person: Error: attempt 1 fails', TIME, `${id}.left`]);
    await isApplied('retry', id, '--task', `${id}.left`);
    const half = await until(id, ({ openCount }) => openCount === 1);
    expect(half).toMatchObject({ status: 'incident', open: [{ nodeId: 'right' }] });
    await fails(4, 'MR_NO_INCIDENT', 'retry', id, '--task', `${id}.left`);
    await fails(3, 'no such task', 'retry', id, '--task', `${id}.middle`);
    await isApplied('retry', id);
    await ends(id);
  });

  test('An instance that is cancelled says why, and takes no command any more', async () => {
    const id = await engine.startInstance('shift', { n: 1 });
    await isApplied('cancel', id, '--reason', 'a mistake');
    expect(await get(id)).toMatchObject({ status: 'cancelled', open: [] });
    const { items } = await engine.client.history(id);
    expect(items.at(-1)).toMatchObject({ type: 'InstanceCancelled', details: { reason: 'a mistake' } });
    for (const command of ['cancel', 'retry']) await fails(4, 'MR_INSTANCE_ENDED', command, id);
  });

  test('A bulk job is tried, shown and followed, and lists what failed and why', async () => {
    const key = 'bulk-by-hand';
    const begin = async (order: string) => (await engine.client.start('payment', { input: { order }, businessKey: key })).instanceId;
    const [id] = await Promise.all([begin('o-bulk-1'), begin('o-bulk-2')]);
    const query = ['--business-key', key];
    expect(await done('jobs', 'create', 'cancel', ...query, '--dry-run')).toContain('2 instances would get the command "cancel".');
    await fails(2, 'Give at least one filter', 'jobs', 'create', 'cancel');
    const refused = await engine.run('jobs', 'create', 'retry', ...query, '--status', 'running');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('2 of 2 sent: 0 applied, 2 refused, 0 pending');
    const [, jobId = ''] = /Job (\S+):/.exec(refused.stderr) ?? [];
    expect(refused.stderr).toContain(`2 were refused: millrace jobs results ${jobId} --result refused`);
    const results = await done('jobs', 'results', jobId, '--result', 'refused');
    expect(cells(results, id)).toEqual([id, 'refused', 'MR_NO_INCIDENT: The instance is under no incident.', TIME]);
    expect(cells(await done('jobs', 'list'), jobId)?.slice(1, 4)).toEqual(['retry', `businessKey=${key} status=running`, 'done']);
    expect(await done('jobs', 'show', jobId)).toContain('progress   2 of 2 sent: 0 applied, 2 refused, 0 pending');
    await fails(4, 'MR_JOB_STATUS', 'jobs', 'cancel', jobId);

    const canary = await json<Job>('jobs', 'create', 'pause', ...query, '--canary', '1', '--no-follow');
    await eventuallyHas(
      () => engine.client.job(canary.jobId),
      ({ status }) => status === 'paused',
    );
    expect(await done('jobs', 'show', canary.jobId)).toContain(`its canary was sent; millrace jobs resume ${canary.jobId}`);
    expect(await json<Job>('jobs', 'resume', canary.jobId)).toMatchObject({ status: 'running', paused: null });
    const last = await eventuallyHas(
      () => engine.client.job(canary.jobId),
      ({ status }) => status === 'done',
    );
    expect(last).toMatchObject({ sent: 2, applied: 2, refused: 0 });
  });

  test('An instance that fails while it is awaited ends with 1, one that is not there with 3', async () => {
    const failed = await engine.run('start', 'hopeless', '--wait', '--json');
    expect(failed).toMatchObject({ code: 1, stderr: 'The instance failed.\n' });
    expect(JSON.parse(failed.stdout)).toMatchObject({ status: 'failed', error: { code: 'BROKEN' } });
    for (const command of ['get', 'cancel']) await fails(3, 'MR_NOT_FOUND', command, '01900000-0000-7000-8000-000000000000');
    await fails(3, 'MR_NOT_FOUND', 'start', 'nobody-deployed-it');
  });

  test('An instance is followed to its end, which an event brings', async () => {
    const id = await engine.startInstance('payment', { order: 'o-1' });
    const watching = done('watch', id, '--json');
    const sent = await done('send-event', 'paid', '--key', 'o-1', '--id', 'e-1', '--source', 'bank', '--data', '{"euro":5}');
    expect(sent).toBe('Accepted as e-1.\n');
    const lines = (await watching).trim().split('\n');
    const entries = lines.map((line) => JSON.parse(line) as HistoryEntry);
    expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, index) => index + 1));
    expect(entries.at(-1)?.type).toBe('InstanceCompleted');
    expect(await ends(id)).toMatchObject({ output: { euro: 5 } });
    expect(await done('watch', id)).toMatch(/ {2}InstanceCompleted\n$/);
  });

  test('A task of a person is claimed, given back, and failed with a code whose edge is taken', async () => {
    const id = await engine.startInstance('budget', { n: 3 });
    const task = `${id}.look`;
    const listed = async () => cells(await done('tasks', '--instance', id), 'Look at 3');
    expect(await listed()).toEqual(['Look at 3', 'ada, bob', '–', TIME, task]);
    expect(await done('claim', task, '--as', 'ada')).toBe('Claimed by ada.\n');
    expect((await listed())?.[1]).toBe('ada');
    await fails(4, 'MR_TASK_CLAIMED', 'claim', task, '--as', 'bob');
    expect(await done('unclaim', task, '--as', 'ada')).toBe('Unclaimed.\n');
    await isApplied('fail', task, '--as', 'bob', '--code', 'NO_BUDGET', '--message', 'nothing is left');
    expect(await ends(id)).toMatchObject({ output: { said: 'nothing is left', spent: 'skipped' } });
    await fails(4, 'MR_INSTANCE_ENDED', 'complete', task, '--as', 'ada');
    expect(await engine.run('tasks', '--instance', id)).toEqual({ code: 0, stdout: '', stderr: 'No open tasks.\n' });
  });

  test('Definitions are listed with their versions', async () => {
    for (const output of [1, 2]) await engine.deploy({ id: 'versions', nodes: { only: { type: 'transform', output } } });
    const table = await done('definitions');
    expect(cells(table, 'versions ')).toEqual(['versions', '2', '2', TIME]);
    expect(cells(table, 'shift ')).toEqual(['shift', '1', '1', TIME]);
  });

  test('What is installed is left as it is when it is installed again', async () => {
    const said = async (...args: readonly string[]) => (await engine.run(...args)).stdout;
    expect(await said('migrate')).toBe('Both databases are up to date.\n');
    expect(await said('topics')).toBe('All topics exist.\n');
    expect(await said('schemas', 'register')).toBe('All schemas are registered.\n');
    expect(await said('connector', 'apply')).toBe('The connector is applied.\n');
  });
});

describe('One after the other', { timeout: TIMEOUT_MS }, () => {
  const log = () => connectKafka(kafkaOptions(loadConfig(engine.env, ['kafka', 'topics'])), pino({ level: 'silent' }));

  test('Messages that cannot be read are listed, sent again and let go', async () => {
    const producer = log().producer();
    await producer.send([{ topic: topics.events, key: 'k', value: Buffer.from('no frame') }]);
    await producer.stop();
    const deadLetters = async () => (await engine.client.deadLetters()).items;
    const [deadLetter] = await eventuallyHas(deadLetters, ({ length }) => length === 1);
    const first = deadLetter?.id ?? '';
    expect(cells(await done('dead-letters', '--status', 'open'), first)).toEqual([
      ...[first, 'MR_NOT_FRAMED', `${topics.events}/${deadLetter?.partition}@${deadLetter?.offset}`, TIME, deadLetter?.reason],
    ]);
    expect(await done('dead-letters', 'replay', first)).toBe(`${first} is replayed.\n`);
    await fails(4, 'MR_DEAD_LETTER_CLOSED', 'dead-letters', 'replay', first);
    const [again] = await eventuallyHas(deadLetters, (found) => found.some(({ id }) => id !== first));
    const second = again?.id ?? '';
    expect(await done('dead-letters', 'discard', second)).toBe(`${second} is discarded.\n`);
    expect(await engine.run('dead-letters')).toEqual({ code: 0, stdout: '', stderr: 'No dead letters.\n' });
  });

  /** A worker that takes a task, commits its record, and dies before it sends the outcome. */
  async function takeAndLose(instanceId: string): Promise<void> {
    let taken = false;
    const consumer = log().consumer({
      groupId: groupNames(PREFIX).tasks(defaultQueue),
      topics: [topics.tasks(defaultQueue)],
      handlers: {
        onBatch(batch) {
          taken ||= batch.records.some(({ key }) => String(key) === instanceId);
          consumer.commit(batch, (batch.records.at(-1)?.offset ?? 0n) + 1n, batch.generation);
        },
        onAssigned: () => undefined,
        onRevoked: () => undefined,
      },
    });
    await consumer.start();
    await eventually(() => expect(taken).toBe(true));
    await consumer.stop();
  }

  test('A task whose messages were lost is sent again', async () => {
    await engine.stopProcess('worker-1');
    const id = await engine.startInstance('work');
    await takeAndLose(id);
    await engine.startProcess('worker-1');
    // Its timeout has passed.
    await installation.databases.query(`UPDATE task SET dispatched_at = now() - interval '1 hour' WHERE instance_id = $1`, [id]);
    expect(await json('redispatch')).toEqual({ redispatched: 1, waiting: 0 });
    expect(await ends(id)).toMatchObject({ output: 'done' });
    expect(await done('redispatch', '--wait', '1s', '--force')).toBe('0 tasks were sent again.\n');
  });

  test('Messages that stood behind a slot which was lost are published by a new one', async () => {
    expect((await engine.run('republish')).stdout).toBe('Everything was published with this slot. There is nothing to do.\n');
    await installation.stopConnector();
    const id = await engine.startInstance('work');
    const { databases } = installation;
    // The slot is in use until its reader has ended.
    await eventually(() => databases.query('SELECT pg_drop_replication_slot($1)', [databases.slot]));
    const published = await engine.run('republish');
    expect(published).toMatchObject({ code: 0, stdout: expect.stringMatching(/^[1-9]\d* messages are published again\.\n$/) });
    const reset = await engine.run('connector', 'reset');
    expect(reset).toMatchObject({ code: 0, stdout: 'The connector continues at the position of the replication slot.\n' });
    expect(await ends(id)).toMatchObject({ output: 'done' });
    await startsAreTaken();
    expect((await engine.run('verify')).stdout).toMatch(/^\d+ instances, no difference\.\n$/);
  });

  test('An instance whose stored state is not what its history says is named, and ends with 1', async () => {
    const id = await engine.startInstance('work');
    await ends(id);
    const { databases } = installation;
    const [stored] = await databases.query<{ state: string }>('SELECT state::text AS state FROM instance WHERE id = $1', [id]);
    await databases.query(`UPDATE instance SET state = jsonb_set(state::jsonb, '{seq}', '99') WHERE id = $1`, [id]);
    const verified = await engine.run('verify');
    expect(verified).toMatchObject({ code: 1, stderr: expect.stringMatching(/1 of \d+ instances differ\.\n$/) });
    expect(verified.stdout).toMatch(new RegExp(`^${id}: the stored state differs .* at /seq\n$`));
    // What every test leaves is verified at the end.
    await databases.query('UPDATE instance SET state = $2 WHERE id = $1', [id, stored?.state]);
    expect((await engine.run('verify')).code).toBe(0);
  });
});
