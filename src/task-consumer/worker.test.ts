import { describe, expect, it, onTestFinished } from 'vitest';
import { eventually } from '../../test/support/eventually.ts';
import { MillraceError } from '../core/error.ts';
import type { Json } from '../core/json.ts';
import { defineTask } from '../worker/index.ts';
import { instanceIdOf, scheduled, WorkerFixture } from './testing/fixture.ts';

/** A handler whose runs end only when the test says so. */
function manual(name = 'manual') {
  const runs: {
    readonly input: Json;
    readonly taskId: string;
    readonly signal: AbortSignal;
    end(output?: Json): void;
    fail(error: Error): void;
  }[] = [];
  const task = defineTask({
    name,
    run: (input, { taskId, signal }) => {
      const { promise, resolve, reject } = Promise.withResolvers<Json>();
      runs.push({ input, taskId, signal, end: (output = null) => resolve(output), fail: reject });
      return promise;
    },
  });
  return { task, runs };
}

const echo = defineTask({ name: 'echo', run: (input) => input });
const nap = () => new Promise((resolve) => setImmediate(resolve));

describe('a task worker', () => {
  it('runs a task and commits it once the broker has its outcome', async () => {
    const fixture = await WorkerFixture.start([echo]);
    fixture.producer.hold = true;
    fixture.give(5, scheduled({ input: { x: 1 }, attempt: 3, basis: 'abc' }));
    await eventually(() => expect(fixture.producer.held).toHaveLength(1));
    expect(fixture.consumer.committed.get(0)).toBeUndefined();
    fixture.producer.acknowledge();
    await eventually(() => expect(fixture.consumer.committed.get(0)).toBe(6n));
    expect(fixture.outcomes).toMatchObject([
      {
        taskId: `${instanceIdOf(1)}.work`,
        instanceId: instanceIdOf(1),
        attempt: 3,
        basis: 'abc',
        status: 'completed',
        output: '{"x":1}',
        errorCode: null,
        worker: 'test:1',
      },
    ]);
    const [sent] = fixture.producer.sent;
    expect(sent?.key).toBe(instanceIdOf(1));
    expect(sent?.headers?.map(({ key, value }) => [key, value.toString()])).toEqual([['messageType', 'TaskOutcome']]);
  });

  it('commits in order although tasks end in any order', async () => {
    const { task, runs } = manual();
    const fixture = await WorkerFixture.start([task]);
    for (const n of [1, 2, 3]) fixture.give(n * 10, scheduled({ n, task: 'manual' }));
    runs[2]?.end();
    runs[1]?.end();
    await eventually(() => expect(fixture.outcomes).toHaveLength(2));
    expect(fixture.consumer.committed.get(0)).toBeUndefined();
    runs[0]?.end();
    await eventually(() => expect(fixture.consumer.committed.get(0)).toBe(31n));
  });

  it('runs no more at a time than it may', async () => {
    const { task, runs } = manual();
    const fixture = await WorkerFixture.start([task], { concurrency: 2 });
    for (let n = 1; n <= 5; n++) fixture.give(n, scheduled({ n, task: 'manual' }));
    expect(runs).toHaveLength(2);
    expect(fixture.worker.inFlight).toBe(2);
    runs[0]?.end();
    await eventually(() => expect(runs).toHaveLength(3));
  });

  it('takes turns between partitions, so that a full one does not starve another', async () => {
    const { task, runs } = manual();
    const fixture = await WorkerFixture.start([task], { concurrency: 1 });
    fixture.consumer.assign(0, 1);
    for (let n = 1; n <= 10; n++) fixture.give(n, scheduled({ n, task: 'manual', input: 0 }), 0);
    fixture.give(1, scheduled({ n: 100, task: 'manual', input: 1 }), 1);
    for (let run = 0; run < 3; run++) {
      await eventually(() => expect(runs.length).toBeGreaterThan(run));
      runs[run]?.end();
    }
    expect(runs.slice(0, 3).map(({ input }) => input)).toContain(1);
  });

  it('pauses a partition that is full and resumes it when half of it is gone', async () => {
    const { task, runs } = manual();
    const fixture = await WorkerFixture.start([task], { concurrency: 1, limits: { waitingRecordsMax: 4 } });
    for (let n = 1; n <= 6; n++) fixture.give(n, scheduled({ n, task: 'manual' }));
    expect(fixture.consumer.paused).toEqual(new Set([0]));
    for (let run = 0; run < 3; run++) {
      await eventually(() => expect(runs.length).toBeGreaterThan(run));
      expect(fixture.consumer.paused.size).toBe(1);
      runs[run]?.end();
      await nap();
      await nap();
    }
    await eventually(() => expect(fixture.consumer.paused.size).toBe(0));
  });

  it('stops taking new records behind one that does not end', async () => {
    const { task, runs } = manual();
    const fixture = await WorkerFixture.start([task, echo], { limits: { uncommittedMax: 5 } });
    fixture.give(0, scheduled({ n: 1, task: 'manual' }));
    for (let n = 1; n <= 5; n++) fixture.give(n, scheduled({ n: n + 1 }));
    expect(fixture.consumer.paused.size).toBe(1);
    await eventually(() => expect(fixture.outcomes).toHaveLength(5));
    expect(fixture.consumer.paused.size).toBe(1);
    runs[0]?.end();
    await eventually(() => expect(fixture.consumer.paused.size).toBe(0));
  });

  it('begins nothing new while the broker does not acknowledge', async () => {
    let ran = 0;
    const count = defineTask({ name: 'echo', run: () => ++ran });
    const fixture = await WorkerFixture.start([count], { limits: { waitingRecordsMax: 100_000, uncommittedMax: 100_000 } });
    fixture.producer.hold = true;
    const records = Array.from({ length: 12_000 }, (_, n) => fixture.record(n, scheduled({ n })));
    fixture.consumer.give(0, records);
    await eventually(() => expect(ran).toBe(10_000));
    await nap();
    expect(ran).toBe(10_000);
    fixture.producer.acknowledge();
    await eventually(() => expect(ran).toBe(12_000));
    await eventually(() => expect(fixture.consumer.committed.get(0)).toBe(12_000n));
    expect(fixture.producer.calls).toBeLessThan(1_000);
  });

  describe('at a rebalance', () => {
    it('lets go of what waits, ends what runs, sends its outcome and commits nothing of it', async () => {
      const { task, runs } = manual();
      const fixture = await WorkerFixture.start([task], { concurrency: 1 });
      fixture.give(1, scheduled({ n: 1, task: 'manual' }));
      fixture.give(2, scheduled({ n: 2, task: 'manual' }));
      fixture.consumer.assign(1);
      runs[0]?.end();
      await eventually(() => expect(fixture.outcomes).toHaveLength(1));
      await nap();
      expect(runs).toHaveLength(1);
      expect(runs[0]?.signal.aborted).toBe(false);
      expect(fixture.consumer.committed.size).toBe(0);
    });

    it('joins a task that still runs here when its record comes again', async () => {
      const { task, runs } = manual();
      const fixture = await WorkerFixture.start([task]);
      fixture.give(1, scheduled({ task: 'manual' }));
      fixture.consumer.assign(0);
      fixture.give(1, scheduled({ task: 'manual' }));
      await nap();
      expect(runs).toHaveLength(1);
      expect(fixture.consumer.committed.size).toBe(0);
      runs[0]?.end();
      await eventually(() => expect(fixture.consumer.committed.get(0)).toBe(2n));
      expect(fixture.outcomes).toHaveLength(1);
    });

    it('skips a record whose outcome it has sent already', async () => {
      const { task, runs } = manual();
      const fixture = await WorkerFixture.start([task]);
      fixture.give(1, scheduled({ task: 'manual' }));
      runs[0]?.end();
      await eventually(() => expect(fixture.consumer.committed.get(0)).toBe(2n));
      fixture.consumer.committed.clear();
      fixture.consumer.assign(0);
      fixture.give(1, scheduled({ task: 'manual' }));
      expect(fixture.consumer.committed.get(0)).toBe(2n);
      expect(runs).toHaveLength(1);
      expect(fixture.outcomes).toHaveLength(1);
    });

    it('ignores batches of an assignment that is over, and records that it has taken before', async () => {
      const { task, runs } = manual();
      const fixture = await WorkerFixture.start([task]);
      const record = fixture.record(1, scheduled({ task: 'manual' }));
      fixture.consumer.assign(0);
      fixture.consumer.give(0, [record], 1);
      expect(runs).toHaveLength(0);
      fixture.consumer.give(0, [record]);
      fixture.consumer.give(0, [record]);
      expect(runs).toHaveLength(1);
    });
  });

  it('says the outcome again, without a second run, when the same attempt is dispatched anew', async () => {
    const { task, runs } = manual();
    const fixture = await WorkerFixture.start([task]);
    fixture.give(1, scheduled({ task: 'manual' }));
    runs[0]?.end({ once: true });
    await eventually(() => expect(fixture.outcomes).toHaveLength(1));
    fixture.give(9, scheduled({ task: 'manual' }));
    await eventually(() => expect(fixture.consumer.committed.get(0)).toBe(10n));
    expect(runs).toHaveLength(1);
    expect(fixture.outcomes[1]).toEqual(fixture.outcomes[0]);
  });

  it('runs another attempt, and the same attempt on another basis, anew', async () => {
    const fixture = await WorkerFixture.start([echo]);
    fixture.give(1, scheduled());
    fixture.give(2, scheduled({ attempt: 2 }));
    fixture.give(3, scheduled({ basis: 'other' }));
    await eventually(() =>
      expect(fixture.outcomes.map(({ attempt, basis }) => [attempt, basis])).toEqual([
        [1, 'b1'],
        [2, 'b1'],
        [1, 'other'],
      ]),
    );
  });

  describe('time', () => {
    it('reports a timeout the moment it passes, and aborts the handler', async () => {
      const { task, runs } = manual();
      const fixture = await WorkerFixture.start([task], { concurrency: 1 });
      fixture.give(1, scheduled({ n: 1, task: 'manual', timeoutMs: 20 }));
      fixture.give(2, scheduled({ n: 2, task: 'manual' }));
      await eventually(() =>
        expect(fixture.outcomes).toMatchObject([{ status: 'timedOut', errorCode: 'TIMEOUT', retryable: true, output: null }]),
      );
      expect(runs[0]?.signal.aborted).toBe(true);
      // The place of a handler that ignores its signal is free again.
      await eventually(() => expect(runs).toHaveLength(2));
      runs[0]?.end('late');
      runs[1]?.end('in time');
      await eventually(() => expect(fixture.outcomes.map(({ output }) => output)).toEqual([null, '"in time"']));
    });

    it('counts the timeout from the start of the attempt, not from its dispatch', async () => {
      const fixture = await WorkerFixture.start([echo]);
      fixture.give(1, scheduled({ timeoutMs: 1_000, dispatchedAt: Date.now() - 3_600_000 }));
      await eventually(() => expect(fixture.outcomes).toMatchObject([{ status: 'completed' }]));
    });
  });

  describe('invalid messages', () => {
    const key = Buffer.from(instanceIdOf(1));
    it.each<[string, (fixture: WorkerFixture) => { readonly key?: Buffer | null; readonly value?: Buffer | null }, string]>([
      ['bytes that are not framed', () => ({ key, value: Buffer.from('hello') }), 'MR_NOT_FRAMED'],
      ['an unknown schema id', () => ({ key, value: Buffer.from([0, 0, 0, 3, 231, 1]) }), 'MR_SCHEMA_UNKNOWN'],
      ['a broken record', (fixture) => ({ key, value: fixture.record(0, scheduled()).value.subarray(0, 20) }), 'MR_SCHEMA_MISMATCH'],
      [
        'another record',
        (fixture) => ({
          key,
          value: fixture.codec.encode('DeadLetter', 'dead-letters', {
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
          }),
        }),
        'MR_SCHEMA_MISMATCH',
      ],
      ['no key', (fixture) => ({ key: null, value: fixture.record(0, scheduled()).value }), 'MR_NO_KEY'],
      ['a tombstone', () => ({ key, value: null }), 'MR_TOMBSTONE'],
      [
        'a record above the limit',
        (fixture) => ({ key, value: fixture.record(0, scheduled({ input: 'x'.repeat(100_001) })).value }),
        'MR_TOO_LARGE',
      ],
      [
        'the key of another instance',
        (fixture) => ({ key: Buffer.from(instanceIdOf(2)), value: fixture.record(0, scheduled()).value }),
        'MR_MESSAGE_INVALID',
      ],
      [
        'a task id that is none',
        (fixture) => ({ key, value: fixture.record(0, { ...scheduled(), taskId: 'x' }).value }),
        'MR_MESSAGE_INVALID',
      ],
      [
        'an input that is no JSON',
        (fixture) => ({ key, value: fixture.record(0, { ...scheduled(), input: '{' }).value }),
        'MR_MESSAGE_INVALID',
      ],
    ])('%s becomes a dead letter, and the rest goes on', async (_, make, code) => {
      const fixture = await WorkerFixture.start([echo]);
      const headers = [{ key: 'x', value: Buffer.from('y') }];
      const invalid = make(fixture);
      fixture.producer.hold = true;
      fixture.consumer.give(0, [{ offset: 7n, headers, ...invalid }, fixture.record(8, scheduled())]);
      await eventually(() => expect(fixture.producer.held.length).toBeGreaterThan(0));
      expect(fixture.consumer.committed.size).toBe(0);
      fixture.producer.acknowledge();
      await eventually(() => expect(fixture.consumer.committed.get(0)).toBe(9n));
      expect(fixture.deadLetters).toMatchObject([
        { code, topic: 'tasks', partition: 0, offset: 7, key: invalid.key, value: invalid.value, headers },
      ]);
      expect(fixture.outcomes).toMatchObject([{ status: 'completed' }]);
      expect(await fixture.metrics.registry.metrics()).toContain(`millrace_dead_letters_total{topic="tasks",code="${code}"`);
    });

    it('is nothing that the registry merely cannot be asked about', async () => {
      const fixture = await WorkerFixture.start([echo]);
      const record = fixture.record(1, scheduled());
      // Bytes with a schema id that this process has not seen: the same schema under another id.
      record.value.writeInt32BE(await fixture.registry.register('tasks', `${JSON.stringify(JSON.parse(await schemaText(fixture)))} `), 1);
      fixture.registry.available = false;
      fixture.consumer.give(0, [record]);
      await nap();
      expect(fixture.deadLetters).toHaveLength(0);
      expect(fixture.consumer.committed.size).toBe(0);
      fixture.registry.available = true;
      await eventually(() => expect(fixture.consumer.committed.get(0)).toBe(2n));
      expect(fixture.outcomes).toHaveLength(1);
    });
  });

  it('fails a task whose output is too large, for good', async () => {
    const fixture = await WorkerFixture.start([defineTask({ name: 'echo', run: () => 'é'.repeat(30_000) })]);
    fixture.give(1, scheduled());
    await eventually(() => expect(fixture.outcomes).toMatchObject([{ status: 'failed', errorCode: 'OUTPUT_TOO_LARGE', retryable: false }]));
  });

  it('fails a task whose outcome the broker refuses, and sends the others of that call', async () => {
    const fixture = await WorkerFixture.start([echo]);
    fixture.producer.refuse = (record) =>
      (record.value?.length ?? 0) > 2_000 ? new MillraceError('MR_RECORD_TOO_LARGE', 'too large', { retryable: false }) : null;
    fixture.give(1, scheduled({ n: 1 }));
    fixture.give(2, scheduled({ n: 2, input: 'x'.repeat(3_000) }));
    fixture.give(3, scheduled({ n: 3 }));
    await eventually(() => expect(fixture.consumer.committed.get(0)).toBe(4n));
    const byInstance = new Map(fixture.outcomes.map(({ instanceId, status, errorCode }) => [instanceId, [status, errorCode]]));
    expect(byInstance.get(instanceIdOf(2))).toEqual(['failed', 'OUTPUT_TOO_LARGE']);
    expect([byInstance.get(instanceIdOf(1))?.[0], byInstance.get(instanceIdOf(3))?.[0]]).toEqual(['completed', 'completed']);
  });

  describe('shutdown', () => {
    it('ends what runs, sends and commits it, and begins nothing new', async () => {
      const { task, runs } = manual();
      const fixture = await WorkerFixture.start([task], { concurrency: 1 });
      fixture.give(1, scheduled({ n: 1, task: 'manual' }));
      fixture.give(2, scheduled({ n: 2, task: 'manual' }));
      const stopped = fixture.worker.stop(60_000);
      await nap();
      expect(fixture.consumer.left).toBe(false);
      runs[0]?.end();
      await stopped;
      expect(fixture.consumer.left).toBe(true);
      expect(fixture.consumer.committed.get(0)).toBe(2n);
      expect(runs).toHaveLength(1);
    });

    it('leaves to others what does not end in time, and tells the handler', async () => {
      const { task, runs } = manual();
      const fixture = await WorkerFixture.start([task]);
      fixture.give(1, scheduled({ task: 'manual' }));
      await fixture.worker.stop(20);
      expect(runs[0]?.signal.aborted).toBe(true);
      runs[0]?.end();
      await nap();
      expect(fixture.outcomes).toHaveLength(0);
      expect(fixture.consumer.committed.size).toBe(0);
    });

    it('is over at once when nothing runs', async () => {
      const fixture = await WorkerFixture.start([echo]);
      await fixture.worker.stop(60_000);
      expect(fixture.consumer.left).toBe(true);
    });
  });
});

async function schemaText(fixture: WorkerFixture): Promise<string> {
  const found = await fixture.registry.schemaById(1);
  onTestFinished(() => {
    fixture.registry.available = true;
  });
  return found?.kind === 'avro' ? found.text : '';
}
