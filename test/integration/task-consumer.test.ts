import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { deflateRawSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { TaskScheduled } from '../../src/messaging/generated/records.ts';
import { groupNames } from '../../src/messaging/topics.ts';
import { loadConfig } from '../../src/service/config.ts';
import type { RunningProcess } from '../../src/service/process.ts';
import { runTaskConsumer, runWorker, workerConfigGroups } from '../../src/task-consumer/main.ts';
import { eventually } from '../support/eventually.ts';
import { TaskLab } from '../support/task-lab.ts';

const handlers = fileURLToPath(new URL('../support/lab-handlers.ts', import.meta.url));
const lateHandlers = fileURLToPath(new URL('../support/lab-late-handlers.ts', import.meta.url));
const workerProcess = fileURLToPath(new URL('../support/worker-process.ts', import.meta.url));
/** The shortest that a broker allows by default. */
const SESSION_TIMEOUT_MS = 6_000;

/** The details of a response with a status of its own. */
const DECLINED = '{"status":402,"headers":{},"body":{"code":"card_declined"}}';

let lab: TaskLab;
const folder = mkdtempSync(join(tmpdir(), 'millrace-lab-'));

beforeAll(async () => {
  lab = await TaskLab.open({ KAFKA_SESSION_TIMEOUT: `${SESSION_TIMEOUT_MS}ms` }, ['slow']);
});
afterAll(async () => {
  await lab?.close();
  rmSync(folder, { recursive: true });
});

function stopLater(running: RunningProcess): RunningProcess {
  onTestFinished(async () => {
    await running.stop();
  });
  return running;
}

function json(response: ServerResponse, body: string | Buffer, headers: Readonly<Record<string, string>> = {}): void {
  response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(body);
}

/** A worker process, and the lines that its handlers wrote about their runs. */
function spawnWorker(runs: string): ChildProcess {
  const env = { ...process.env, ...lab.env, LOG_LEVEL: 'info', LAB_RUNS: runs };
  const child = spawn(process.execPath, [workerProcess, handlers], { env, stdio: ['ignore', 'ignore', 'inherit'] });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  return child;
}

/** For workers within this process. */
function noteRuns(name: string): string {
  const runs = join(folder, name);
  process.env.LAB_RUNS = runs;
  onTestFinished(() => {
    delete process.env.LAB_RUNS;
  });
  return runs;
}

function linesOf(runs: string, what: string): readonly string[] {
  return existsSync(runs)
    ? readFileSync(runs, 'utf8')
        .split('\n')
        .filter((line) => line.startsWith(`${what} `))
    : [];
}

/** Which tasks of the queue `slow` workers have noted to run, by partition. */
async function notesOnSlow(): Promise<ReadonlyMap<number, string>> {
  const admin = lab.log.admin();
  try {
    return await admin.committedNotes(groupNames(lab.config.topics.prefix).tasks('slow'), lab.names.tasks('slow'));
  } finally {
    await admin.close();
  }
}

describe('the http task consumer', () => {
  let server: Server;
  let base: string;
  let denied: number;

  beforeAll(async () => {
    denied = 0;
    server = createServer((request, response) => {
      const url = request.url ?? '';
      const status = /^\/status\/(\d+)$/.exec(url)?.[1];
      if (status !== undefined) response.writeHead(Number(status), { 'retry-after': '3' }).end();
      else if (url === '/json')
        response.writeHead(200, { 'content-type': 'application/json' }).end(`{"key":"${request.headers['idempotency-key']}"}`);
      else if (url === '/continue') {
        response.writeContinue();
        response.writeEarlyHints({ link: '</a>; rel=preload' });
        json(response, '{"a":1}');
      } else if (url === '/deflate') json(response, deflateRawSync('{"a":1}'), { 'content-encoding': 'deflate' });
      else if (url === '/vendor') json(response, '{"a":1}', { 'content-type': 'application/x-amz-json-1.1' });
      else if (url === '/untyped') response.end('{"a":1}');
      else if (url === '/twice') json(response, '\ufeff{"a":2,"a":1}');
      else if (url === '/ids') json(response, '{"a":12345678901234567890}');
      else if (url === '/busy') response.writeHead(409).end('{"error":{"code":"idempotency_key_in_use"}}');
      else if (url === '/conflict') response.writeHead(409).end('{"error":{"code":"exists"}}');
      else if (url === '/refused') response.writeHead(402, { 'content-type': 'application/json' }).end('{"code":"card_declined"}');
      else if (url === '/large') response.end('x'.repeat(10_000));
      else if (url === '/redirect') response.writeHead(302, { location: '/json' }).end();
      else if (url === '/metadata') response.writeHead(302, { location: 'http://169.254.169.254/latest/meta-data' }).end();
      else if (url === '/hang') denied++;
      else response.socket?.destroy();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  it('runs each kind of request to its outcome, and commits them all', async () => {
    const env = { ...lab.env, MILLRACE_HTTP_ALLOW: '127.0.0.1', MILLRACE_HTTP_RESPONSE_LIMIT_BYTES: '5000' };
    stopLater(await runTaskConsumer(loadConfig(env, workerConfigGroups)));
    const expected: [string, object, object][] = [
      ['/json', { status: 'completed', errorCode: null }, {}],
      ['/redirect', { status: 'completed', errorCode: null }, {}],
      // A response with Retry-After is retryable, whatever its status.
      ['/status/404', { status: 'failed', errorCode: 'HTTP_404', retryable: true, retryAfterMs: 3_000 }, {}],
      ['/refused', { status: 'failed', errorCode: 'HTTP_402', retryable: false, errorDetails: DECLINED }, {}],
      ['/status/429', { status: 'failed', errorCode: 'HTTP_429', retryable: true, retryAfterMs: 3_000 }, {}],
      ['/status/503', { status: 'failed', errorCode: 'HTTP_503', retryable: true, retryAfterMs: 3_000 }, {}],
      ['/broken', { status: 'failed', errorCode: 'NETWORK', retryable: true }, {}],
      ['/large', { status: 'failed', errorCode: 'RESPONSE_TOO_LARGE', retryable: false }, {}],
      ['/metadata', { status: 'failed', errorCode: 'ADDRESS_DENIED', retryable: false }, {}],
      ['/hang', { status: 'timedOut', errorCode: 'TIMEOUT', retryable: true }, { timeoutMs: 300 }],
    ];
    const tasks = expected.map(([path, , task]) => lab.task({ input: { url: `${base}${path}` }, ...task }));
    const elsewhere = lab.task({ input: { url: base.replace('127.0.0.1', '[::1]') } });
    await lab.dispatch(...tasks, elsewhere);
    await eventually(() => expect(lab.outcomesOf(...tasks, elsewhere)).toHaveLength(expected.length + 1));
    for (const [index, task] of tasks.entries()) {
      const { attempt, basis } = task;
      expect(lab.outcomesOf(task), expected[index]?.[0]).toMatchObject([{ attempt, basis, ...expected[index]?.[1] }]);
    }
    expect(lab.outcomesOf(elsewhere)).toMatchObject([{ errorCode: 'ADDRESS_DENIED', retryable: false }]);
    const [first, redirected] = tasks as [TaskScheduled, TaskScheduled];
    for (const task of [first, redirected])
      expect(JSON.parse(lab.outcomesOf(task)[0]?.output ?? '')).toMatchObject({
        status: 200,
        body: { key: `${task.taskId}:${task.basis}` },
      });
    expect(denied).toBe(1);
    await eventually(async () => expect(await lab.uncommitted(null)).toBe(0));
  });

  it('reads answers as browsers do, and takes a conflict with its own earlier attempt for one that passes', async () => {
    stopLater(await runTaskConsumer(loadConfig({ ...lab.env, MILLRACE_HTTP_ALLOW: '127.0.0.1' }, workerConfigGroups)));
    const answers: [string, object, unknown][] = [
      ...['/continue', '/deflate', '/vendor', '/untyped', '/twice'].map((path): [string, object, unknown] => [path, {}, { a: 1 }]),
      ['/ids', { numbers: 'string' }, { a: '12345678901234567890' }],
    ];
    const refusals: [string, object, object][] = [
      ['/ids', {}, { errorCode: 'OUTPUT_INVALID', retryable: false }],
      ['/busy', {}, { errorCode: 'HTTP_409', retryable: true, errorDetails: expect.stringContaining('idempotency_key_in_use') }],
      ['/conflict', {}, { errorCode: 'HTTP_409', retryable: false }],
      ['/conflict', { attempt: 2 }, { errorCode: 'HTTP_409', retryable: true }],
    ];
    const read = answers.map(([path, options]) => lab.task({ input: { url: `${base}${path}`, ...options } }));
    const refused = refusals.map(([path, task]) => lab.task({ input: { url: `${base}${path}` }, ...task }));
    await lab.dispatch(...read, ...refused);
    await eventually(() => expect(lab.outcomesOf(...read, ...refused)).toHaveLength(read.length + refused.length));
    for (const [index, task] of read.entries()) {
      const [outcome] = lab.outcomesOf(task);
      expect(outcome, answers[index]?.[0]).toMatchObject({ status: 'completed' });
      expect((JSON.parse(outcome?.output ?? '') as { readonly body: unknown }).body, answers[index]?.[0]).toEqual(answers[index]?.[2]);
    }
    for (const [index, task] of refused.entries())
      expect(lab.outcomesOf(task), refusals[index]?.[0]).toMatchObject([{ status: 'failed', ...refusals[index]?.[2] }]);
  });

  it('sets each kind of invalid message aside whole, and the rest goes on', async () => {
    const env = { ...lab.env, MILLRACE_HTTP_ALLOW: '127.0.0.1' };
    stopLater(await runTaskConsumer(loadConfig(env, workerConfigGroups)));
    const topic = lab.names.tasks(null);
    const good = lab.task({ input: { url: `${base}/json` } });
    const { key, value } = lab.recordOf(lab.task({ input: { url: `${base}/json` } }));
    const outcome = lab.codec.encode('DeadLetter', lab.names.deadLetters, {
      ...{
        code: 'X',
        reason: '',
        topic: '',
        partition: 0,
        offset: 0,
        key: null,
        value: null,
        headers: [],
        at: 0,
        instanceId: null,
        omitted: null,
      },
    });
    const invalid: [string, { readonly key: Buffer | string | null; readonly value: Buffer | null }][] = [
      ['MR_NOT_FRAMED', { key, value: Buffer.from('hello') }],
      ['MR_SCHEMA_UNKNOWN', { key, value: Buffer.from([0, 0x7f, 0, 0, 1, 2]) }],
      ['MR_SCHEMA_MISMATCH', { key, value: outcome }],
      ['MR_NO_KEY', { key: null, value }],
      ['MR_TOMBSTONE', { key, value: null }],
      ['MR_MESSAGE_INVALID', { key: 'somebody else', value }],
    ];
    const headers = [{ key: 'from', value: Buffer.from('outside') }];
    await lab.producer.send(invalid.map(([, record]) => ({ topic, partition: 0, headers, ...record })));
    await lab.producer.send([{ ...lab.recordOf(good), partition: 0 }]);
    await eventually(() => expect(lab.outcomesOf(good)).toMatchObject([{ status: 'completed' }]));
    await eventually(() => expect(lab.deadLetters.map(({ code }) => code).sort()).toEqual(invalid.map(([code]) => code).sort()));
    for (const [code, record] of invalid) {
      const deadLetter = lab.deadLetters.find((one) => one.code === code);
      expect(deadLetter).toMatchObject({ topic, partition: 0, value: record.value, headers });
      expect(deadLetter?.key?.toString() ?? null).toBe(record.key);
    }
    await eventually(async () => expect(await lab.uncommitted(null)).toBe(0));
  });
});

describe('a worker with handlers', () => {
  it('joins the queues that they name, runs what it can and gives back the rest', async () => {
    stopLater(await runWorker(lab.config, handlers));
    const queue = 'handlers';
    const tasks = {
      echo: lab.task({ queue, task: 'echo', input: { a: [1, 2.5, 'x'] } }),
      slow: lab.task({ queue: 'slow', task: 'slow', input: 5 }),
      unknown: lab.task({ queue, task: 'not-deployed-here' }),
      later: lab.task({ queue, task: 'echo', type: 'of-a-later-version' }),
      terminal: lab.task({ queue, task: 'fails', input: 'terminal' }),
      retryable: lab.task({ queue, task: 'fails', input: 'retryable' }),
      other: lab.task({ queue, task: 'fails' }),
    };
    const all = Object.values(tasks);
    await lab.dispatch(...all);
    await eventually(() => expect(lab.outcomesOf(...all)).toHaveLength(all.length));
    const outcomeOf = (task: TaskScheduled) => lab.outcomesOf(task)[0];
    expect(outcomeOf(tasks.echo)).toMatchObject({ status: 'completed', output: '{"a":[1,2.5,"x"]}' });
    expect(outcomeOf(tasks.slow)).toMatchObject({ status: 'completed', output: String(process.pid) });
    expect(outcomeOf(tasks.unknown)).toMatchObject({ status: 'returned', errorCode: null });
    expect(outcomeOf(tasks.later)).toMatchObject({ status: 'returned' });
    expect(outcomeOf(tasks.terminal)).toMatchObject({ status: 'failed', errorCode: 'NO_WAY', errorMessage: 'never', retryable: false });
    expect(outcomeOf(tasks.retryable)).toMatchObject({ status: 'failed', errorCode: 'BUSY', retryable: true, retryAfterMs: 2_000 });
    expect(outcomeOf(tasks.other)).toMatchObject({ status: 'failed', errorCode: 'TypeError', retryable: true, retryAfterMs: null });
    await eventually(async () => expect((await lab.uncommitted('handlers')) + (await lab.uncommitted('slow'))).toBe(0));
  });

  it('keeps a task that takes longer than the session timeout, and goes on with others meanwhile', async () => {
    const runs = noteRuns('long');
    stopLater(await runWorker(lab.config, handlers));
    const long = lab.task({ queue: 'slow', task: 'slow', input: SESSION_TIMEOUT_MS * 1.5 });
    await lab.dispatch(long);
    await eventually(() => expect(linesOf(runs, 'begin')).toHaveLength(1));
    const short = Array.from({ length: 50 }, () => lab.task({ queue: 'slow', task: 'slow', input: 1 }));
    await lab.dispatch(...short);
    await eventually(() => expect(lab.outcomesOf(...short)).toHaveLength(50), { timeoutMs: SESSION_TIMEOUT_MS });
    expect(linesOf(runs, 'end')).toHaveLength(50);
    await eventually(() => expect(lab.outcomesOf(long)).toMatchObject([{ status: 'completed' }]), { timeoutMs: 30_000 });
    // A worker that had lost its membership would have got every record again.
    expect(linesOf(runs, 'begin')).toHaveLength(51);
    await eventually(async () => expect(await lab.uncommitted('slow')).toBe(0));
  });

  it('shares its partitions with one that joins and leaves, and loses nothing by it', async () => {
    const runs = noteRuns('shared');
    stopLater(await runWorker(lab.config, handlers));
    const tasks = Array.from({ length: 100 }, () => lab.task({ queue: 'slow', task: 'slow', input: 400 }));
    await lab.dispatch(...tasks.slice(0, 50));
    await eventually(() => expect(linesOf(runs, 'begin').length).toBeGreaterThan(0));
    const guest = spawnWorker(runs);
    await lab.dispatch(...tasks.slice(50, 75));
    await eventually(async () => {
      await lab.dispatch(lab.task({ queue: 'slow', task: 'slow', input: 1 }));
      expect(linesOf(runs, 'begin').some((line) => line.endsWith(` ${guest.pid}`))).toBe(true);
    });
    guest.kill('SIGTERM');
    await lab.dispatch(...tasks.slice(75));
    await eventually(() => expect(new Set(lab.outcomesOf(...tasks).map(({ taskId }) => taskId)).size).toBe(100));
    expect(lab.outcomesOf(...tasks).every(({ status }) => status === 'completed')).toBe(true);
    await eventually(async () => expect(await lab.uncommitted('slow')).toBe(0));
  });

  it('waits for a queue that no deployed definition uses yet', async () => {
    const worker = runWorker(lab.config, lateHandlers);
    await lab.addQueue('late');
    stopLater(await worker);
    const task = lab.task({ queue: 'late', task: 'late' });
    await lab.dispatch(task);
    await eventually(() => expect(lab.outcomesOf(task)).toMatchObject([{ status: 'completed', output: '"at last"' }]));
  });

  it('is replaced when it is killed in the middle of its tasks', async () => {
    const runs = join(folder, 'killed');
    const victim = spawnWorker(runs);
    const tasks = Array.from({ length: 20 }, () => lab.task({ queue: 'slow', task: 'slow', input: 1_500 }));
    await lab.dispatch(...tasks);
    await eventually(() => expect(linesOf(runs, 'begin').length).toBeGreaterThan(0));
    victim.kill('SIGKILL');
    await once(victim, 'exit');
    const noted = [...(await notesOnSlow()).values()].flatMap((note) => note.split(' '));
    stopLater(await runWorker(lab.config, handlers));
    await eventually(() => expect(new Set(lab.outcomesOf(...tasks).map(({ taskId }) => taskId)).size).toBe(20), { timeoutMs: 50_000 });
    // What it had noted counts as an attempt, also where it came no further than that; the rest is run.
    const lost = lab.outcomesOf(...tasks).filter(({ errorCode }) => errorCode === 'WORKER_LOST');
    expect(lost).toHaveLength(noted.length);
    for (const each of lab.outcomesOf(...tasks))
      if (!lost.includes(each)) expect([each.status, each.output]).toEqual(['completed', String(process.pid)]);
    await eventually(async () => expect(await lab.uncommitted('slow')).toBe(0));
  });

  it('counts a lost worker as an attempt: a task that kills whoever runs it is not given to one after the other for ever', async () => {
    const runs = join(folder, 'lost');
    const task = lab.task({ queue: 'slow', task: 'slow', input: 600_000 });
    const victim = spawnWorker(runs);
    await lab.dispatch(task);
    await eventually(async () => expect((await notesOnSlow()).size).toBe(1));
    // It is noted before it begins.
    await eventually(() => expect(linesOf(runs, 'begin')).toHaveLength(1));
    victim.kill('SIGKILL');
    stopLater(await runWorker(lab.config, handlers));
    await eventually(() => expect(lab.outcomesOf(task)).toHaveLength(1), { timeoutMs: 50_000 });
    expect(lab.outcomesOf(task)).toMatchObject([{ status: 'failed', errorCode: 'WORKER_LOST', retryable: true, attempt: 1 }]);
    expect(linesOf(runs, 'begin')).toHaveLength(1);
    await eventually(async () => expect(await lab.uncommitted('slow')).toBe(0));
    expect(await notesOnSlow()).toEqual(new Map());
  });

  it('ends what it has begun when it is told to stop, so that nobody runs it again', async () => {
    const runs = join(folder, 'drained');
    const worker = spawnWorker(runs);
    const tasks = Array.from({ length: 10 }, () => lab.task({ queue: 'slow', task: 'slow', input: 1_000 }));
    await lab.dispatch(...tasks);
    await eventually(() => expect(linesOf(runs, 'begin')).toHaveLength(10));
    worker.kill('SIGTERM');
    const code = await new Promise((resolve) => worker.once('exit', resolve));
    expect(code).toBe(0);
    expect(linesOf(runs, 'end')).toHaveLength(10);
    await eventually(() => expect(lab.outcomesOf(...tasks)).toHaveLength(10));
    expect(await lab.uncommitted('slow')).toBe(0);
  });
});
