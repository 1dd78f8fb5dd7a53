/** A worker that goes on by itself, on the log in memory: what it says that it runs, what it runs, and what becomes of records that come. */
import { describe, expect, it } from 'vitest';
import { eventually } from '../../../test/support/eventually.ts';
import { definitionOf } from '../../../test/support/scenario.ts';
import type { Definition } from '../../core/definition/types.ts';
import type { InstanceId, TaskPath } from '../../core/ids.ts';
import { continuationOf } from '../../core/instance/continuation/continuation.ts';
import { defaultRunLimits, start, step } from '../../core/instance/index.ts';
import { taskAt } from '../../core/instance/state/scopes.ts';
import type { InstanceState } from '../../core/instance/state/state.ts';
import type { Json } from '../../core/json.ts';
import type { TaskScheduled } from '../../messaging/generated/records.ts';
import { isReferring, readOutcomeRecord } from '../../messaging/records/task-outcome.ts';
import { toTaskRecord } from '../../messaging/records/task-scheduled.ts';
import { defineTask } from '../../worker/index.ts';
import { instanceIdOf, WorkerFixture } from '../testing/fixture.ts';
import type { TaskWorkerOptions } from '../worker-options.ts';

const PATHS = ['a', 'b', 'c', 'd'] as const;
const definition = definitionOf({
  id: 'sequence',
  continuation: true,
  nodes: Object.fromEntries(
    PATHS.map((path, index) => [
      path,
      { type: 'task', task: 'work', input: index === 0 ? { n: 0 } : { after: `\${ nodes.${PATHS[index - 1]}.output }` } },
    ]),
  ),
  edges: PATHS.slice(1).map((to, index) => ({ from: PATHS[index] ?? '', to })),
});

/** Runs end when the test says so. */
function manual() {
  const runs: { readonly taskId: string; readonly key: string; end(output?: Json): void }[] = [];
  const task = defineTask({
    name: 'work',
    run: (_, { taskId, idempotencyKey }) => {
      const { promise, resolve } = Promise.withResolvers<Json>();
      runs.push({ taskId, key: idempotencyKey, end: (output = taskId) => resolve(output) });
      return promise;
    },
  });
  return { task, runs };
}

class Continuing {
  readonly fixture: WorkerFixture;
  readonly runs: ReturnType<typeof manual>['runs'];
  #offset = 0;

  private constructor(fixture: WorkerFixture, runs: ReturnType<typeof manual>['runs']) {
    this.fixture = fixture;
    this.runs = runs;
  }

  /** @param known whether the worker has the definition. */
  static async start({ known = true, ...options }: Partial<TaskWorkerOptions> & { readonly known?: boolean } = {}): Promise<Continuing> {
    const { task, runs } = manual();
    const definitions = { peek: () => (known ? definition : undefined) };
    // Time is not what these tests are about, and a busy machine has little of it.
    const continuation = { queue: 'handlers', definitions, limits: defaultRunLimits, budget: { ms: 600_000, tasks: 16 } };
    const continuing = new Continuing(await WorkerFixture.start([task], { continuation, ...options }), runs);
    // What stood in the log when the partition came is never gone on after.
    await continuing.pass();
    return continuing;
  }

  /** A task of another instance runs to its end. */
  async pass(): Promise<void> {
    this.give(this.task(99));
    await this.ended(this.runs.length - 1);
  }

  /** The first task of an instance, as its start sends it. */
  task(n: number, change: (record: TaskScheduled) => TaskScheduled = (record) => record): TaskScheduled {
    const state = begun(n);
    return change(toTaskRecord(state, 'a' as TaskPath, 1, continuationOf(definition, state, 'a' as TaskPath)));
  }

  give(task: TaskScheduled): number {
    this.fixture.give(++this.#offset, task);
    return this.#offset;
  }

  /** The run ends, and its outcome is acknowledged, with all that follows from that. */
  async ended(index: number): Promise<void> {
    const before = this.fixture.outcomes.length;
    this.runs[index]?.end();
    await eventually(() => expect(this.fixture.outcomes.length).toBeGreaterThan(before));
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** Paths of the runs of an instance, in their order. */
  ran(n: number): readonly string[] {
    return this.runs.filter(({ taskId }) => taskId.startsWith(instanceIdOf(n))).map(({ taskId }) => taskId.slice(37));
  }

  /** What each outcome of an instance says that it goes on with. */
  said(n: number): readonly (string | null)[] {
    return this.outcomes(n).map(({ continuing }) => continuing?.taskId.slice(37) ?? null);
  }

  outcomes(n: number) {
    return this.fixture.outcomes.filter(({ instanceId }) => instanceId === instanceIdOf(n));
  }
}

function begun(n: number, of: Definition = definition): InstanceState {
  const started = start(of, { instanceId: instanceIdOf(n) as InstanceId, input: {}, businessKey: null, by: 't', cause: 'rest:1' }, 0);
  if (!started.ok) throw new Error('the start was refused');
  return started.value.state;
}

describe('A worker that goes on by itself', () => {
  it('runs a sequence after one record, and its outcomes are the history of the engine', async () => {
    const it = await Continuing.start();
    it.give(it.task(1));
    const first = it.runs.length - 1;
    for (const offset of [0, 1, 2, 3]) await it.ended(first + offset);
    expect(it.ran(1)).toEqual(['a', 'b', 'c', 'd']);
    expect(it.said(1)).toEqual(['b', 'c', 'd', null]);
    let state = begun(1);
    for (const outcome of it.outcomes(1)) {
      const notification = readOutcomeRecord(outcome, state.instanceId);
      if ('code' in notification || isReferring(notification)) throw new Error('an outcome that cannot be read');
      state = step(definition, state, [{ instanceId: state.instanceId, cause: 'n', notification }], 1).state;
      // What it continues is what the engine has decided.
      const { continuing } = notification;
      if (continuing !== undefined) expect(taskAt(state, continuing.path)).toMatchObject(continuing);
    }
    expect(state.phase).toBe('completed');
  });

  it('runs nothing before the broker has what it said', async () => {
    const it = await Continuing.start();
    it.give(it.task(1));
    it.fixture.producer.hold = true;
    it.runs.at(-1)?.end();
    await eventually(() => expect(it.fixture.producer.held).toHaveLength(1));
    expect(it.ran(1)).toEqual(['a']);
    it.fixture.producer.acknowledge();
    await eventually(() => expect(it.ran(1)).toEqual(['a', 'b']));
  });

  it('commits the record once the first outcome is there', async () => {
    const it = await Continuing.start();
    const offset = it.give(it.task(1));
    await it.ended(it.runs.length - 1);
    expect(it.ran(1)).toEqual(['a', 'b']);
    expect(it.fixture.consumer.committed.get(0)).toBe(BigInt(offset + 1));
  });

  it.each(['revoked', 'silent'])('runs nothing of what it said once its partition is %s', async (how) => {
    const it = await Continuing.start();
    it.give(it.task(1));
    it.fixture.producer.hold = true;
    it.runs.at(-1)?.end();
    await eventually(() => expect(it.fixture.producer.held).toHaveLength(1));
    if (how === 'revoked') it.fixture.consumer.revoke();
    else it.fixture.consumer.left = true;
    it.fixture.producer.acknowledge();
    await eventually(() => expect(it.said(1)).toEqual(['b']));
    await new Promise((resolve) => setImmediate(resolve));
    expect(it.ran(1)).toEqual(['a']);
  });

  it('says nothing that it goes on with where it is no member when the task came, or when it ends', async () => {
    const it = await Continuing.start();
    it.fixture.consumer.left = true;
    it.give(it.task(1));
    it.fixture.consumer.left = false;
    await it.ended(it.runs.length - 1);
    it.give(it.task(2));
    it.fixture.consumer.left = true;
    await it.ended(it.runs.length - 1);
    expect([it.said(1), it.said(2)]).toEqual([[null], [null]]);
  });

  it('does not go on after a record that may have come before', async () => {
    const it = await Continuing.start();
    it.fixture.consumer.assign(0);
    // The log ended behind both when it was first read.
    const records = [it.fixture.record(50, it.task(1)), it.fixture.record(51, it.task(2))];
    it.fixture.consumer.give(0, records);
    await it.ended(it.runs.length - 2);
    await it.ended(it.runs.length - 1);
    it.fixture.give(52, it.task(3));
    await it.ended(it.runs.length - 1);
    expect([it.said(1), it.said(2), it.said(3)]).toEqual([[null], [null], ['b']]);
  });

  it.each<[string, (record: TaskScheduled) => TaskScheduled]>([
    ['without a state', (record) => ({ ...record, continuation: null })],
    ['of another engine', (record) => ({ ...record, continuation: { engine: 99, state: record.continuation?.state ?? '' } })],
    ['with a state that is none', (record) => ({ ...record, continuation: { engine: 1, state: '{' } })],
    ['with the state of another instance', (record) => ({ ...record, continuation: { engine: 1, state: JSON.stringify(begun(7)) } })],
    ['with half a state', (record) => ({ ...record, continuation: { engine: 1, state: `{"instanceId":"${record.instanceId}"}` } })],
    ['of another basis than its state', (record) => ({ ...record, basis: 'other' })],
  ])('goes on with nothing after a task %s', async (_, change) => {
    const it = await Continuing.start();
    it.give(it.task(1, change));
    await it.ended(it.runs.length - 1);
    expect([it.ran(1), it.said(1)]).toEqual([['a'], [null]]);
  });

  it('goes on with nothing where it does not know the definition, lacks the handler, or reads another queue', async () => {
    const unknown = await Continuing.start({ known: false });
    unknown.give(unknown.task(1));
    await unknown.ended(unknown.runs.length - 1);
    expect(unknown.said(1)).toEqual([null]);
    for (const change of [{ task: 'nobody' }, { queue: 'elsewhere' }]) {
      const { task, runs } = manual();
      const other = definitionOf({
        ...(definition.document as object),
        nodes: { a: { type: 'task', task: 'work' }, b: { type: 'task', task: 'work', ...change } },
        edges: [{ from: 'a', to: 'b' }],
      });
      const continuation = { queue: 'handlers', definitions: { peek: () => other }, limits: defaultRunLimits };
      const fixture = await WorkerFixture.start([task], { continuation });
      const state = begun(1, other);
      fixture.give(1, toTaskRecord(begun(9, other), 'a' as TaskPath, 1, null));
      fixture.give(2, toTaskRecord(state, 'a' as TaskPath, 1, JSON.stringify(state)));
      runs[0]?.end();
      runs[1]?.end();
      await eventually(() => expect(fixture.outcomes).toHaveLength(2));
      expect(fixture.outcomes.map(({ continuing }) => continuing)).toEqual([null, null]);
    }
  });

  it('goes on with nothing after a failure', async () => {
    const failing = defineTask({ name: 'work', run: () => Promise.reject(new Error('no')) });
    const continuation = { queue: 'handlers', definitions: { peek: () => definition }, limits: defaultRunLimits };
    const fixture = await WorkerFixture.start([failing], { continuation });
    for (const offset of [1, 2]) fixture.give(offset, toTaskRecord(begun(offset), 'a' as TaskPath, 1, JSON.stringify(begun(offset))));
    await eventually(() => expect(fixture.outcomes).toHaveLength(2));
    expect(fixture.outcomes.map(({ status, continuing }) => [status, continuing])).toEqual([
      ['failed', null],
      ['failed', null],
    ]);
  });

  it.each([
    ['tasks', { ms: 60_000, tasks: 2 }, ['b', null]],
    ['time', { ms: 0, tasks: 16 }, [null]],
  ])('ends a segment once it has used up its %s', async (_, budget, said) => {
    const continuation = { queue: 'handlers', definitions: { peek: () => definition }, limits: defaultRunLimits, budget };
    const it = await Continuing.start({ continuation });
    it.give(it.task(1));
    for (const _one of said) await it.ended(it.runs.length - 1);
    expect(it.said(1)).toEqual(said);
  });

  it('keeps the place of the first task and takes no second one', async () => {
    const it = await Continuing.start({ concurrency: 1 });
    it.give(it.task(1));
    it.give(it.task(2));
    for (const _one of ['a', 'b', 'c']) await it.ended(it.runs.length - 1);
    expect([it.ran(1), it.ran(2)]).toEqual([['a', 'b', 'c', 'd'], []]);
    expect(it.fixture.worker.inFlight).toBe(1);
    await it.ended(it.runs.length - 1);
    expect(it.ran(2)).toEqual(['a']);
  });
});

describe('A record of a task that a worker goes on with', () => {
  /** The record that a lease makes of the task, once the first outcome has claimed it. */
  async function claimed(it: Continuing): Promise<TaskScheduled> {
    it.give(it.task(1));
    await it.ended(it.runs.length - 1);
    const { continuing } = it.outcomes(1)[0] ?? {};
    if (continuing === null || continuing === undefined) throw new Error('nothing is continued');
    const { taskId, attempt, basis } = continuing;
    return { ...it.task(1), taskId, nodeId: 'b', attempt, basis };
  }

  it('joins the run, and is committed with its outcome', async () => {
    const it = await Continuing.start();
    const record = await claimed(it);
    const offset = it.give(record);
    expect(it.ran(1)).toEqual(['a', 'b']);
    expect(it.fixture.consumer.committed.get(0)).toBe(BigInt(offset));
    await it.ended(it.runs.length - 1);
    expect(it.fixture.consumer.committed.get(0)).toBe(BigInt(offset + 1));
    expect(it.ran(1)).toEqual(['a', 'b', 'c']);
  });

  it('joins it also before the outcome that claims it is acknowledged', async () => {
    const it = await Continuing.start();
    it.give(it.task(1));
    it.fixture.producer.hold = true;
    it.runs.at(-1)?.end();
    await eventually(() => expect(it.fixture.producer.held).toHaveLength(1));
    const state = step(
      definition,
      begun(1),
      [
        {
          instanceId: instanceIdOf(1) as InstanceId,
          cause: 'n',
          notification: { type: 'TaskOutcome', ...firstOf(1), result: { status: 'completed', output: `${instanceIdOf(1)}.a` } },
        },
      ],
      0,
    ).state;
    it.give(toTaskRecord(state, 'b' as TaskPath, 1, null));
    it.fixture.producer.acknowledge();
    await eventually(() => expect(it.ran(1)).toEqual(['a', 'b']));
    await it.ended(it.runs.length - 1);
    expect(it.ran(1)).toEqual(['a', 'b', 'c']);
  });

  it('has its outcome said again once it has run, and then it goes on with nothing', async () => {
    const it = await Continuing.start();
    const record = await claimed(it);
    await it.ended(it.runs.length - 1);
    expect(it.said(1)).toEqual(['b', 'c']);
    const offset = it.give(record);
    await eventually(() => expect(it.fixture.consumer.committed.get(0)).toBe(BigInt(offset + 1)));
    const [, second, third] = it.outcomes(1);
    expect(third).toMatchObject({ taskId: second?.taskId, attempt: second?.attempt, basis: second?.basis, output: second?.output });
    expect(it.said(1)).toEqual(['b', 'c', null]);
    expect(it.ran(1)).toEqual(['a', 'b', 'c']);
  });

  it('is run by the worker that has let it go, as any other is', async () => {
    const it = await Continuing.start();
    it.give(it.task(1));
    it.fixture.producer.hold = true;
    it.runs.at(-1)?.end();
    await eventually(() => expect(it.fixture.producer.held).toHaveLength(1));
    it.fixture.consumer.assign(0);
    it.fixture.producer.acknowledge();
    await eventually(() => expect(it.said(1)).toEqual(['b']));
    const { continuing } = it.outcomes(1)[0] ?? {};
    it.give({ ...it.task(1), nodeId: 'b', taskId: continuing?.taskId ?? '', attempt: 1, basis: continuing?.basis ?? '' });
    await eventually(() => expect(it.ran(1)).toEqual(['a', 'b']));
  });
});

describe('A worker whose queue is paused in a segment', () => {
  it('runs what it has said, and goes on with nothing until the queue is resumed', async () => {
    const it = await Continuing.start();
    it.give(it.task(1));
    it.fixture.producer.hold = true;
    it.runs.at(-1)?.end();
    await eventually(() => expect(it.fixture.producer.held).toHaveLength(1));
    it.fixture.worker.setPaused(true);
    it.fixture.producer.acknowledge();
    await eventually(() => expect(it.ran(1)).toEqual(['a', 'b']));
    await it.ended(it.runs.length - 1);
    expect([it.said(1), it.ran(1)]).toEqual([
      ['b', null],
      ['a', 'b'],
    ]);
    it.fixture.worker.setPaused(false);
    it.give(it.task(2));
    await it.ended(it.runs.length - 1);
    expect(it.said(2)).toEqual(['b']);
  });
});

describe('A worker that is told to end in a segment', () => {
  it('says nothing more, and runs what it has said to its outcome', async () => {
    const it = await Continuing.start();
    it.give(it.task(1));
    it.fixture.producer.hold = true;
    it.runs.at(-1)?.end();
    await eventually(() => expect(it.fixture.producer.held).toHaveLength(1));
    const stopped = it.fixture.worker.stop(10_000);
    it.fixture.producer.acknowledge();
    await eventually(() => expect(it.ran(1)).toEqual(['a', 'b']));
    it.runs.at(-1)?.end();
    await stopped;
    expect(it.said(1)).toEqual(['b', null]);
    expect(it.ran(1)).toEqual(['a', 'b']);
  });
});

function firstOf(n: number) {
  const task = taskAt(begun(n), 'a' as TaskPath);
  if (task === undefined) throw new Error('no task');
  const { path, attempt, basis } = task;
  return { path, attempt, basis };
}
