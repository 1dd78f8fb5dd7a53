/**
 * Workers that go on by themselves and orchestrators that send tasks themselves, both on, through all the real parts: while a worker, an
 * orchestrator, Connect and the broker are killed, and while they stand still for longer than a session. On a stack of its own, so
 * that nobody else's broker goes away.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectKafka } from '../../src/messaging/kafkajs/index.ts';
import type { LogRecord } from '../../src/messaging/log.ts';
import { partitionOf } from '../../src/messaging/partition.ts';
import { topicNames } from '../../src/messaging/topics.ts';
import { installSteps, runEngineCommand } from '../../stack/engine.ts';
import { checkout, openHome } from '../../stack/home.ts';
import { deleteData } from '../../stack/reset.ts';
import { TestEngine } from '../support/engine.ts';
import { eventually, eventuallyHas } from '../support/eventually.ts';
import { decideAll, deployMix, expectAllFinished, type MixedLoad, sendEvents, startMix } from '../support/mixed-load.ts';
import { type StackHandle, startTestStack } from '../support/stack.ts';
import { expectVerified } from '../support/verified.ts';

const home = join(checkout, '.millrace-test', `direct-dispatch-${process.pid}`);
const folder = mkdtempSync(join(tmpdir(), 'millrace-direct-'));
const runs = join(folder, 'runs');
const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
/** Instances of each definition: some seconds of work for two workers. */
const COUNT = 12;
/** Ms: a segment of 100 ms has room for two of them, so that there are tasks that were claimed. */
const TASK_MS = 40;

let stack: StackHandle;
let engine: TestEngine;

beforeAll(async () => {
  stack = await startTestStack({ home });
  for (const step of installSteps) await runEngineCommand(step, stack.env, join(home, 'logs', 'install.log'));
  engine = await TestEngine.start({
    ...{ stack: stack.env, orchestrators: 2, workers: ['test/support/e2e-handlers.ts', 'test/support/e2e-handlers.ts'] },
    env: { MILLRACE_CONTINUATION: 'on', MILLRACE_DIRECT_DISPATCH: 'on', E2E_RUNS: runs },
  });
  await deployMix(engine, { type: 'task', task: 'e2e.slow', input: TASK_MS }, { continuation: true });
}, 240_000);
afterAll(async () => {
  await engine?.stop();
  await stack?.stop();
  deleteData(openHome(home));
  for (const each of [home, folder]) rmSync(each, { recursive: true, force: true });
}, 60_000);

/** Of all orchestrators that answer. */
async function counted(metric: string): Promise<number> {
  const texts = await Promise.all(['orchestrator-1', 'orchestrator-2'].map((name) => engine.metrics(name).catch(() => '')));
  const lines = texts.flatMap((text) => text.split('\n')).filter((line) => line.startsWith(`millrace_${metric}`));
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

/** Lines of the handlers, one for each run: task, attempt, idempotency key. */
function runsOf({ instanceIds }: MixedLoad): readonly (readonly string[])[] {
  const ids = new Set(instanceIds);
  const lines = readFileSync(runs, 'utf8').split('\n');
  return lines.map((line) => line.split(' ')).filter(([taskId = '']) => ids.has(taskId.slice(0, 36)));
}

/** How often each task ran beyond the first time. Each repeat can be told by its key. */
function repeatsOf(load: MixedLoad): ReadonlyMap<string, number> {
  const byTask = Map.groupBy(runsOf(load), ([taskId = '', attempt]) => `${taskId} ${attempt}`);
  for (const [task, ran] of byTask) expect([task, new Set(ran.map(([, , key]) => key)).size]).toEqual([task, 1]);
  return new Map([...byTask].map(([task, ran]) => [task, ran.length - 1]));
}

async function finish(load: MixedLoad): Promise<void> {
  await sendEvents(engine, load);
  await eventually(() => decideAll(engine, { ...load, ofPerson: load.ofPerson.slice(0, 1) }));
  await decideAll(engine, { ...load, ofPerson: load.ofPerson.slice(1) });
  await expectAllFinished(engine, load);
}

test('what is sent directly is what Debezium makes of a row of the outbox', async () => {
  const load = await startMix(engine, 1, `records-${Date.now()}`);
  await finish(load);
  // The fan-out, at least.
  expect(await counted('tasks_direct_total')).toBeGreaterThanOrEqual(10);
  const records: LogRecord[] = [];
  const log = connectKafka({ brokers: (stack.env.KAFKA_BROKERS ?? '').split(','), clientId: 'direct-dispatch-test' }, quiet);
  const consumer = log.consumer({
    groupId: 'direct-dispatch-test',
    topics: [topicNames(stack.env.MILLRACE_TOPIC_PREFIX ?? '').tasks('handlers')],
    handlers: {
      onBatch: (batch) => void records.push(...batch.records.filter(({ key }) => load.instanceIds.includes(String(key)))),
      onAssigned: () => undefined,
      onRevoked: () => undefined,
    },
  });
  await consumer.start();
  await eventually(() => expect(records.length).toBeGreaterThanOrEqual(15));
  await consumer.stop();
  // First tasks of starts come from Debezium, those of the fan-out do not.
  const partitions = Number(stack.env.MILLRACE_PARTITIONS ?? 8);
  const shapes = records.map(({ key, value, partition, headers }) => ({
    isPlaced: partition === partitionOf(String(key), partitions),
    framing: value?.subarray(0, 5).toString('hex'),
    // Debezium adds the id of the row, which nothing reads; who sends directly has no row.
    headers: headers.filter(({ key }) => key !== 'id').map((header) => `${header.key}: ${header.value}`),
  }));
  const [first] = shapes;
  expect(first).toMatchObject({ isPlaced: true, headers: ['messageType: TaskScheduled'] });
  expect(shapes).toEqual(shapes.map(() => first));
  const ofRows = records.filter(({ headers }) => headers.some(({ key }) => key === 'id')).length;
  expect([ofRows > 0, ofRows < records.length]).toEqual([true, true]);
  expect([...repeatsOf(load).values()].filter((repeats) => repeats > 0)).toEqual([]);
  expect(await counted('continuations_total{process="orchestrator",result="released"')).toBe(0);
}, 120_000);

describe('nothing is lost, and nothing is repeated beyond the promise, when', () => {
  /** What goes wrong in the middle of the load, with the work that is left then. */
  const faults: readonly (readonly [string, (work: () => Promise<void>) => Promise<void>])[] = [
    ['a worker is killed', (work) => killed('worker-1', work)],
    ['an orchestrator is killed', (work) => killed('orchestrator-1', work)],
    ['Connect is killed', (work) => killedPart('connect', work)],
    ['the broker is killed', (work) => killedPart('kafka', work)],
    ['a worker and an orchestrator stand still beyond their sessions', frozen],
  ];

  async function killed(name: string, work: () => Promise<void>): Promise<void> {
    await engine.kill(name);
    await engine.startProcess(name);
    await work();
  }

  async function killedPart(part: 'connect' | 'kafka', work: () => Promise<void>): Promise<void> {
    await stack.kill(part);
    await stack.start(part);
    await work();
  }

  /** They wake up as zombies, when the others have done their work. */
  async function frozen(work: () => Promise<void>): Promise<void> {
    for (const name of ['worker-1', 'orchestrator-1']) engine.signal(name, 'SIGSTOP');
    try {
      await work();
    } finally {
      for (const name of ['worker-1', 'orchestrator-1']) engine.signal(name, 'SIGCONT');
    }
  }

  test.each(faults)(
    '%s',
    async (_, fault) => {
      const load = await startMix(engine, COUNT, `fault-${Date.now()}`);
      await eventuallyHas(
        () => runsOf(load).length,
        (count) => count > COUNT,
        { intervalMs: 5 },
      );
      await fault(() => finish(load));
      const repeats = repeatsOf(load);
      // What was under way when it went wrong; a redelivered first task and the one that was claimed, in a sequence.
      expect(Math.max(...repeats.values())).toBeLessThanOrEqual(1);
      const ofInstance = Map.groupBy(
        [...repeats].filter(([task]) => /\.s\d /.test(task)),
        ([task]) => task.slice(0, 36),
      );
      for (const each of ofInstance.values()) expect(each.reduce((sum, [, count]) => sum + count, 0)).toBeLessThanOrEqual(2);
      expect(await counted('continuations_total{process="orchestrator",result="misfit"')).toBe(0);
    },
    180_000,
  );
});

test('after all of it each instance is as its history says', () => expectVerified(stack.env.INSTANCE_DATABASE_URL ?? ''));
