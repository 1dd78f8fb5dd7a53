/**
 * What Millrace's own code takes for a continued step, without Kafka and Postgres: `node bench/continued.ts [instances] [rounds]`. Ten tasks in
 * sequence; a worker goes on by itself, and an orchestrator reads its outcomes, decides and makes the statements, which nobody runs: 1, 3 or 10 outcomes
 * of an instance in a batch. Prints microseconds of CPU for each outcome, the lowest and the median.
 */

import type { InstanceId, TaskPath } from '../src/core/ids.ts';
import { continuationOf } from '../src/core/instance/continuation/continuation.ts';
import { defaultRunLimits, start } from '../src/core/instance/index.ts';
import type { InstanceState } from '../src/core/instance/state/state.ts';
import { createBirths } from '../src/engine/child/births.ts';
import { InstanceProcessor } from '../src/engine/process/instance-processor.ts';
import { AssignedStateCache } from '../src/engine/process/state-cache.ts';
import { createReadyDefinitions } from '../src/engine/ready-definitions.ts';
import type { LogRecord, OutgoingRecord } from '../src/messaging/log.ts';
import { createOutgoing } from '../src/messaging/outgoing.ts';
import { toTaskRecord } from '../src/messaging/records/task-scheduled.ts';
import { Assignments } from '../src/orchestrator/leases/assigned.ts';
import { Leases, leaseMs } from '../src/orchestrator/leases/leases.ts';
import { createNotificationProcessor } from '../src/orchestrator/notifications/notification-processor.ts';
import { createProcessingObserver } from '../src/orchestrator/notifications/processing-observer.ts';
import { createOrchestratorMetrics } from '../src/orchestrator/orchestrator-metrics.ts';
import { instanceIdOf, memoryCodec, NOTIFICATIONS, PREFIX, silent } from '../src/orchestrator/testing/fixture.ts';
import { createMetrics } from '../src/service/metrics.ts';
import { createInstanceStore, type Pool } from '../src/store/postgres/index.ts';
import { WorkerFixture } from '../src/task-consumer/testing/fixture.ts';
import { defineTask } from '../src/worker/index.ts';
import { parsed } from './bench-store.ts';
import { input, sequence } from './engine/definitions.ts';

const STEPS = 10;
/** Instances in a batch. */
const AT_ONCE = 20;
const FIRST = 'n0' as TaskPath;
const PER_BATCH = [1, 3, 10] as const;

const [instances = 400, rounds = 7] = process.argv.slice(2).map(Number);
const definition = parsed(sequence(STEPS, true));
let begun = 0;

function begin(): InstanceState {
  const command = { instanceId: instanceIdOf(++begun), input, businessKey: null, by: 'bench', cause: 'rest:1' };
  const started = start(definition, command, Date.now());
  if (!started.ok) throw new Error(started.error.error.message);
  return started.value.state;
}

function cpuSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function openWorker() {
  const fixture = await WorkerFixture.start([defineTask({ name: 'bench.pass', run: (given) => given })], {
    concurrency: 50,
    maxMessageBytes: 1_048_576,
    limits: { waitingRecordsMax: 100_000, uncommittedMax: 1_000_000 },
    continuation: {
      queue: 'handlers',
      definitions: { peek: () => definition },
      limits: defaultRunLimits,
      budget: { ms: 600_000, tasks: 16 },
    },
  });
  let offset = 0;
  const give = async (states: readonly InstanceState[], outcomes: number): Promise<readonly OutgoingRecord[]> => {
    const from = fixture.producer.sent.length;
    const records = states.map((state) =>
      fixture.record(offset++, toTaskRecord(state, FIRST, 1, continuationOf(definition, state, FIRST))),
    );
    fixture.consumer.give(0, records);
    while (fixture.producer.sent.length < from + outcomes) await turn();
    return fixture.producer.sent.splice(0);
  };
  // What stood in the log when the partition came is never gone on after.
  await give([begin()], 1);
  return { codec: fixture.codec, give };
}

/** A pool whose statements say that each instance had the version that was expected. */
function openPool(): Pool {
  const ids = (array: Buffer): readonly string[] =>
    Array.from({ length: array.readInt32BE(0) === 0 ? 0 : array.readInt32BE(12) }, (_, n) => {
      const hex = array.toString('hex', 24 + n * 20, 40 + n * 20);
      return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
    });
  const query = async ({ values: [first] }: { readonly values: readonly Buffer[] }) => ({
    rows: [{ ids: ids(first ?? Buffer.alloc(16)), now: Date.now() }],
  });
  return { query } as unknown as Pool;
}

async function openOrchestrator() {
  const { codec } = await memoryCodec();
  const outgoing = createOutgoing({ codec, prefix: PREFIX, partitions: 1, publishTopics: [] });
  const matcher = { matches: () => 'no' as const, encode: () => outgoing.ofMatch({} as never, {} as never, '0', null) };
  const store = createInstanceStore(openPool(), matcher, { eventTtlMs: 1 });
  const definitions = createReadyDefinitions({ peek: () => definition, get: async () => definition }, outgoing);
  await definitions.get(definition.id, 1);
  const metrics = createOrchestratorMetrics(
    createMetrics('bench'),
    () => [],
    () => 0,
  );
  const deciding = { store, definitions, outgoing, limits: defaultRunLimits, now: () => Date.now(), continuation: true };
  const births = createBirths({ ...deciding, latest: { get: () => 1 } });
  const processor = new InstanceProcessor({ ...deciding, births, observer: createProcessingObserver(silent, metrics), tellsEnds: true });
  const nothing = async (): Promise<void> => undefined;
  const run = createNotificationProcessor({
    ...{ codec, maxMessageBytes: 1_048_576, outgoing, processor, metrics },
    ...{ deadLetters: { send: nothing }, tellEnds: nothing, direct: null },
    outputs: store,
  });
  const context = new Assignments(new AssignedStateCache(512 * 1_048_576), () => new Leases(leaseMs, () => performance.now())).open();
  return { codec, context, run };
}

const worker = await openWorker();
const orchestrator = await openOrchestrator();
let offset = 0n;

/** @returns batches of the outcomes, so many of an instance in each. */
function batchesOf(outcomes: readonly OutgoingRecord[], ids: readonly InstanceId[], perBatch: number): readonly (readonly LogRecord[])[] {
  const byInstance = Map.groupBy(outcomes, ({ key }) => key);
  const batches: LogRecord[][] = [];
  for (let at = 0; at < ids.length; at += AT_ONCE)
    for (let from = 0; from < STEPS; from += perBatch) {
      const some = ids.slice(at, at + AT_ONCE).flatMap((id) => byInstance.get(id)?.slice(from, from + perBatch) ?? []);
      batches.push(some.map(recordOf));
    }
  return batches;
}

/** The registries of the two have different numbers for one schema. */
function recordOf({ key, value }: OutgoingRecord): LogRecord {
  const decoded = worker.codec.decode(value ?? Buffer.alloc(0), ['TaskOutcome']);
  if (decoded instanceof Promise || !decoded.ok) throw new Error('not an outcome');
  const encoded = orchestrator.codec.encode('TaskOutcome', NOTIFICATIONS, decoded.value);
  return { topic: NOTIFICATIONS, partition: 0, offset: offset++, timestamp: 0, key: Buffer.from(key ?? ''), value: encoded, headers: [] };
}

const figures = new Map<string, number[]>();
const note = (what: string, us: number): void => void figures.set(what, [...(figures.get(what) ?? []), us]);
for (let round = 0; round < rounds; round++)
  for (const perBatch of PER_BATCH) {
    const states = Array.from({ length: instances }, begin);
    const all = instances * STEPS;
    const beforeWorker = process.cpuUsage();
    const outcomes = await worker.give(states, all);
    const byWorker = cpuSince(beforeWorker) / all;
    for (const state of states) orchestrator.context.cache.set(state.instanceId, { state, version: 1 });
    const ids = states.map(({ instanceId }) => instanceId);
    const batches = batchesOf(outcomes, ids, perBatch);
    const before = process.cpuUsage();
    for (const records of batches) await orchestrator.run({ topic: NOTIFICATIONS, partition: 0, records, context: orchestrator.context });
    const byOrchestrator = cpuSince(before) / all;
    // The first rounds are compiled while they run.
    if (round < 2) continue;
    note('worker', byWorker);
    note(`orchestrator, ${perBatch} of an instance in a batch`, byOrchestrator);
  }
for (const [what, values] of figures) {
  const sorted = values.toSorted((a, b) => a - b);
  const [lowest, median] = [sorted[0], sorted[sorted.length >> 1]].map((us) => us?.toFixed(1));
  process.stdout.write(`${what.padEnd(50)}${lowest} µs lowest, ${median} µs median\n`);
}
