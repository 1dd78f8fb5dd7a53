/**
 * How fast one worker process gets through tasks when Kafka costs nothing: decoding, validation, the pool, outcomes and
 * commits on the in-memory log. `node bench/task-worker.ts [tasks]` prints tasks a second for a handler that does
 * nothing, one that answers later, and one with schemas.
 */

import { instanceIdOf, scheduled, WorkerFixture } from '../src/task-consumer/testing/fixture.ts';
import { defineTask, type TaskDefinition } from '../src/worker/index.ts';

const PARTITIONS = 8;
const FETCH = 500;

async function measure(name: string, task: TaskDefinition, count: number): Promise<void> {
  const fixture = await WorkerFixture.start([task], {
    concurrency: 50,
    maxMessageBytes: 1_048_576,
    limits: { waitingRecordsMax: 100_000, uncommittedMax: 1_000_000 },
  });
  const { consumer } = fixture;
  consumer.assign(...Array.from({ length: PARTITIONS }, (_, partition) => partition));
  const perPartition = Math.ceil(count / PARTITIONS);
  const batches = Array.from({ length: PARTITIONS }, (_, partition) =>
    Array.from({ length: perPartition }, (_, offset) => {
      const n = offset * PARTITIONS + partition;
      return fixture.record(
        offset,
        scheduled({ n, task: task.name, input: { order: instanceIdOf(n), amount: 12.5, items: ['a', 'b', 'c'] } }),
      );
    }),
  );
  const began = performance.now();
  const cpu = process.cpuUsage();
  for (let at = 0; at < perPartition; at += FETCH) {
    for (const [partition, records] of batches.entries()) consumer.give(partition, records.slice(at, at + FETCH));
    while (fixture.producer.sent.length < Math.min(at * PARTITIONS, count) - 10_000) await new Promise((resolve) => setImmediate(resolve));
  }
  while (![...consumer.committed.values()].every((offset) => offset === BigInt(perPartition)) || consumer.committed.size < PARTITIONS)
    await new Promise((resolve) => setImmediate(resolve));
  const seconds = (performance.now() - began) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  const done = perPartition * PARTITIONS;
  const line = {
    handler: name,
    tasks: done,
    tasksPerSecond: Math.round(done / seconds),
    cpuMicrosecondsPerTask: Math.round(((user + system) / done) * 10) / 10,
    sendCalls: fixture.producer.calls,
  };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

const count = Number(process.argv[2] ?? 200_000);
const object = { type: 'object', properties: { order: { type: 'string' }, amount: { type: 'number' } }, required: ['order'] } as const;
await measure('answers at once', defineTask({ name: 'bench', run: () => null }), count);
await measure('answers later', defineTask({ name: 'bench', run: async () => await Promise.resolve(null) }), count);
await measure(
  'takes a turn of the event loop',
  defineTask({ name: 'bench', run: () => new Promise((resolve) => setImmediate(() => resolve(null))) }),
  count,
);
await measure(
  'reads its signal and logger',
  defineTask({ name: 'bench', run: async (_, { signal, log }) => [signal.aborted, typeof log.info] }),
  count,
);
await measure('has schemas', defineTask({ name: 'bench', input: object, output: object, run: async (input) => input }), count).catch(
  (error: unknown) => {
    process.stdout.write(`has schemas: ${error instanceof Error ? error.message : String(error)}\n`);
  },
);
