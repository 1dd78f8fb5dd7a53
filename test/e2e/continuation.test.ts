/** Workers that go on by themselves, through all the real parts: with the switch on, with a worker that dies in a segment, and in a paused queue. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { queryInstances } from '../support/database.ts';
import { TestEngine } from '../support/engine.ts';
import { eventually, eventuallyHas } from '../support/eventually.ts';

const TASKS = 10;
const folder = mkdtempSync(join(tmpdir(), 'millrace-continuation-'));
const runs = join(folder, 'runs');

/** Ten tasks in sequence, each of which takes what the one before gave. */
function sequence(id: string, task: string, continuation: boolean) {
  const names = Array.from({ length: TASKS }, (_, n) => `n${n}`);
  const nodes = Object.fromEntries(
    names.map((name, n) => [name, { type: 'task', task, input: n === 0 ? '${ input }' : `\${ nodes.n${n - 1}.output }` }]),
  );
  return { id, continuation, nodes, edges: names.slice(1).map((to, n) => ({ from: `n${n}`, to })), output: '${ nodes.n9.output }' };
}

describe('a worker that goes on by itself', () => {
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await TestEngine.start({
      orchestrators: 2,
      workers: ['test/support/e2e-handlers.ts', 'test/support/e2e-handlers.ts'],
      env: { MILLRACE_CONTINUATION: 'on', E2E_RUNS: runs },
    });
    for (const is of [true, false]) await engine.deploy(sequence(`e2e-continued-${is}`, 'e2e.echo', is));
    await engine.deploy(sequence('e2e-continued-slowly', 'e2e.slow', true));
  }, 120_000);
  afterAll(async () => {
    await engine?.stop();
    rmSync(folder, { recursive: true });
  });

  /** Of all processes. */
  async function counted(metric: string): Promise<number> {
    const texts = await Promise.all(
      engine.processes.filter((name) => /^(worker|orchestrator)/.test(name)).map((name) => engine.metrics(name).catch(() => '')),
    );
    const lines = texts.flatMap((text) => text.split('\n')).filter((line) => line.startsWith(`millrace_${metric}`));
    return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  }

  async function finished(definition: string, input: unknown): Promise<string> {
    const id = await engine.startInstance(definition, input as never);
    const instance = await eventuallyHas(
      () => engine.client.instance(id),
      ({ status }) => status === 'completed',
    );
    expect(instance.output).toEqual(input);
    return id;
  }

  async function eventsOf(id: string): Promise<readonly string[]> {
    const { items } = await engine.client.history(id, { limit: 500 });
    return items.map(({ type }) => type);
  }

  test('runs ten tasks without a record for each, and leaves the history that there is without', async () => {
    // The first instances of a version tell the workers of it.
    await eventually(async () => {
      await finished('e2e-continued-true', { of: 'warm-up' });
      expect(await counted('tasks_continued_total')).toBeGreaterThan(0);
    });
    const before = await counted('tasks_continued_total');
    const ids = await Promise.all(Array.from({ length: 20 }, (_, n) => finished('e2e-continued-true', { n })));
    expect(await counted('tasks_continued_total')).toBeGreaterThan(before);
    const plain = await eventsOf(await finished('e2e-continued-false', { of: 'plain' }));
    for (const id of ids) expect(await eventsOf(id)).toEqual(plain);
    expect(await counted('continuations_total{process="orchestrator",result="misfit"')).toBe(0);
    expect(await queryInstances('SELECT id FROM instance WHERE held IS NOT NULL AND id = ANY ($1::uuid[])', [ids])).toEqual([]);
  }, 120_000);

  test.each(['worker-1', 'orchestrator-1'])(
    'loses nothing when %s is killed in a segment',
    async (victim) => {
      await finished('e2e-continued-slowly', 1);
      // Ms: a segment of 100 ms has room for two of them, so about every second task is one that was claimed.
      const input = 60;
      const ids = await Promise.all(Array.from({ length: 12 }, () => engine.startInstance('e2e-continued-slowly', input)));
      const began = (): number =>
        readFileSync(runs, 'utf8')
          .split('\n')
          .filter((line) => ids.some((id) => line.startsWith(id))).length;
      await eventually(() => expect(began()).toBeGreaterThan(24));
      await engine.kill(victim);
      await engine.startProcess(victim);
      for (const id of ids) {
        const instance = await eventuallyHas(
          () => engine.client.instance(id),
          ({ status }) => status === 'completed',
        );
        expect(instance.output).toBe(input);
      }
      const plain = await eventsOf(await finished('e2e-continued-false', { of: 'plain' }));
      for (const id of ids) expect(await eventsOf(id)).toEqual(plain);
      expect(await counted('continuations_total{process="orchestrator",result="misfit"')).toBe(0);
    },
    180_000,
  );

  test('a paused queue runs nothing and lets its timeouts stand still, beside another one, and runs everything once when it is resumed', async () => {
    const { client } = engine;
    const queue = 'e2e-pausable';
    const task = { type: 'task', task: 'e2e.pausable', queue, timeout: '5s', queueTimeout: '5s', retry: { maxAttempts: 1 } };
    const next = { type: 'task', task: 'e2e.pausable', queue, input: '${ nodes.first.output }' };
    await engine.deploy({
      id: 'e2e-paused',
      continuation: true,
      nodes: { first: { ...task, input: '${ input }' }, next },
      edges: [{ from: 'first', to: 'next' }],
    });
    await client.pauseQueue(queue, { reason: 'the bank is away' });
    await engine.startWorker('test/support/e2e-pausable-handlers.ts');
    const worker = engine.processes.at(-1) ?? '';
    const ids = await Promise.all([1, 2, 3].map((input) => engine.startInstance('e2e-paused', input)));
    await finished('e2e-continued-true', { of: 'another queue' });
    const { paused } = (await client.queues()).items.find((each) => each.queue === queue) ?? {};
    expect(paused?.message).toMatch(/^The queue e2e-pausable is paused by .* since .*: the bank is away$/);
    // They were due, and put off.
    await eventually(async () => {
      const rows = await queryInstances('SELECT FROM timer WHERE original_due_at IS NOT NULL AND instance_id = ANY ($1::uuid[])', [ids]);
      expect(rows).toHaveLength(3);
    });
    await engine.stopProcess(worker);
    await engine.startProcess(worker);
    // It is ready, so it has joined its group and knows which queues are paused.
    const began = (): string[] =>
      readFileSync(runs, 'utf8')
        .split('\n')
        .filter((line) => ids.some((id) => line.startsWith(id)));
    expect(began()).toEqual([]);
    for (const id of ids)
      expect((await client.instance(id)).open).toMatchObject([{ attempt: 1, waitingFor: { kind: 'worker', queue, paused } }]);
    expect(await client.resumeQueue(queue)).toEqual({ queue, paused: null });
    for (const id of ids) {
      await eventuallyHas(
        () => client.instance(id),
        ({ status }) => status === 'completed',
      );
    }
    // One line for each task: each ran once, in its first attempt.
    expect(
      began()
        .map((line) => line.split(' ').slice(0, 2).join(' '))
        .sort(),
    ).toEqual(ids.flatMap((id) => [`${id}.first 1`, `${id}.next 1`]).sort());
  }, 120_000);
});
