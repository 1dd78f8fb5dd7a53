/**
 * The processes of the floor: `node bench/floor/process.ts api|orchestrator|worker`, told by FLOOR_DATABASE and FLOOR_BROKERS where
 * they are. An instance is a number of steps; a step is a record to the worker, a record back, and one statement that moves the
 * instance on if its version is still the one that was read. Nothing is checked and nothing is survived: it is a yardstick.
 */
import { createServer } from 'node:http';
import kafkajs from 'kafkajs';
import pg from 'pg';
import { partitionOf } from '../../src/messaging/partition.ts';
import { floorTopics, partitions } from './install.ts';

type Instance = { readonly id: string; readonly steps: number; readonly isContinued: boolean; readonly done: number; readonly pad: string };
type Task = Instance;
type Outcome = { readonly id: string; readonly done: number; readonly isContinued: boolean };
type Row = { readonly id: string; readonly version: number; readonly state: Buffer };

const encode = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const decode = <Value>(bytes: Buffer | null): Value => JSON.parse((bytes ?? Buffer.from('null')).toString()) as Value;

const kafka = new kafkajs.Kafka({
  clientId: 'floor',
  brokers: [process.env.FLOOR_BROKERS ?? ''],
  logLevel: kafkajs.logLevel.ERROR,
});
const pool = new pg.Pool({ connectionString: process.env.FLOOR_DATABASE, max: 10 });

const START = `
  WITH v AS (SELECT * FROM unnest($1::text[], $2::int[], $3::bytea[]) v(id, partition, state)),
  i AS (INSERT INTO instance SELECT id, partition, 1, false, state FROM v),
  h AS (INSERT INTO history SELECT id, 1, state FROM v),
  t AS (INSERT INTO task SELECT id || ':0', id, true FROM v)
  INSERT INTO outbox (topic, key, type, partition, payload) SELECT '${floorTopics.tasks}', id, 'Task', partition, state FROM v`;

const APPLY = `
  WITH v AS (SELECT * FROM unnest($1::text[], $2::int[], $3::int[], $4::bool[], $5::bytea[], $6::bool[])
    v(id, old_version, version, is_ended, state, is_sent)),
  u AS (UPDATE instance i SET version = v.version, is_ended = v.is_ended, state = v.state FROM v
    WHERE i.id = v.id AND i.version = v.old_version RETURNING i.id, i.partition, i.version, v.old_version, v.is_ended, v.is_sent, v.state),
  h AS (INSERT INTO history SELECT id, version, state FROM u),
  d AS (UPDATE task t SET is_open = false FROM u WHERE t.id = u.id || ':' || (u.old_version - 1)),
  n AS (INSERT INTO task SELECT id || ':' || (version - 1), id, true FROM u WHERE NOT is_ended),
  o AS (INSERT INTO outbox (topic, key, type, partition, payload)
    SELECT CASE WHEN is_ended THEN '${floorTopics.ended}' ELSE '${floorTopics.tasks}' END, id, 'Floor', partition, state FROM u
    WHERE is_sent OR is_ended)
  SELECT id FROM u`;

const role = process.argv[2];
if (role === 'api') runApi(Number(process.argv[3]));
else if (role === 'worker') await runWorker();
else if (role === 'orchestrator') await runOrchestrator();
else throw new Error('It must be api, worker or orchestrator.');

/** Starts that come while a statement is under way share the next one. */
function runApi(port: number): void {
  const waiting: { readonly instance: Instance; readonly answer: (status: number) => void }[] = [];
  let isWriting = false;
  const write = async (): Promise<void> => {
    if (isWriting || waiting.length === 0) return;
    isWriting = true;
    const batch = waiting.splice(0, 200);
    const ids = batch.map(({ instance }) => instance.id);
    const values = [ids, ids.map((id) => partitionOf(id, partitions)), batch.map(({ instance }) => encode(instance))];
    const status = await pool.query({ name: 'start', text: START, values }).then(
      () => 201,
      () => 500,
    );
    for (const { answer } of batch) answer(status);
    isWriting = false;
    void write();
  };
  let count = 0;
  const run = Date.now().toString(36);
  createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const id = `${run}-${count++}`;
      // The path is the definition: the number of steps, and whether they are continued.
      const { steps, kind } = /^\/(?<steps>\d+)(?<kind>-continued)?$/.exec(request.url ?? '')?.groups ?? {};
      const { pad } = decode<{ readonly pad: string }>(Buffer.concat(parts));
      const instance = { id, steps: Number(steps), isContinued: kind !== undefined, done: 0, pad };
      const answer = (status: number): void => {
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ instanceId: id }));
      };
      waiting.push({ instance, answer });
      void write();
    });
  }).listen(port, '127.0.0.1');
}

async function runWorker(): Promise<void> {
  const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  const consumer = kafka.consumer({ groupId: 'floor.workers', minBytes: 1, maxWaitTimeInMs: 50 });
  await producer.connect();
  await consumer.connect();
  await consumer.subscribe({ topic: floorTopics.tasks, fromBeginning: true });
  await consumer.run({
    partitionsConsumedConcurrently: partitions,
    eachBatchAutoResolve: false,
    eachBatch: async ({ batch, resolveOffset }) => {
      let tasks = batch.messages.map(({ value }) => decode<Task>(value));
      while (tasks.length > 0) {
        const messages = tasks.map(({ id, done, steps, isContinued }) => {
          const outcome: Outcome = { id, done: done + 1, isContinued: isContinued && done + 1 < steps };
          return { key: id, partition: batch.partition, value: encode(outcome) };
        });
        await producer.send({ topic: floorTopics.notifications, acks: -1, messages });
        tasks = tasks
          .filter(({ isContinued, done, steps }) => isContinued && done + 1 < steps)
          .map((task) => ({ ...task, done: task.done + 1 }));
      }
      resolveOffset(batch.lastOffset());
    },
  });
}

async function runOrchestrator(): Promise<void> {
  const cache = new Map<string, { readonly instance: Instance; readonly version: number }>();
  const consumer = kafka.consumer({ groupId: 'floor.orchestrators', minBytes: 1, maxWaitTimeInMs: 50 });
  await consumer.connect();
  await consumer.subscribe({ topic: floorTopics.notifications, fromBeginning: true });
  await consumer.run({
    partitionsConsumedConcurrently: partitions,
    eachBatchAutoResolve: false,
    eachBatch: async ({ batch, resolveOffset }) => {
      const byInstance = Map.groupBy(
        batch.messages.map(({ value }) => decode<Outcome>(value)),
        ({ id }) => id,
      );
      // A row is in the log before other sessions see it (decision 11), so that an outcome may be faster than the start it belongs to.
      for (;;) {
        const unknown = [...byInstance.keys()].filter((id) => !cache.has(id));
        if (unknown.length === 0) break;
        const text = 'SELECT id, version, state FROM instance WHERE id = ANY($1)';
        const { rows } = await pool.query<Row>({ name: 'load', text, values: [unknown] });
        for (const { id, version, state } of rows) cache.set(id, { version, instance: decode<Instance>(state) });
      }
      // Several outcomes of one instance are one write, whose version is the number of steps that are done, from 1.
      const moves = [...byInstance].flatMap(([id, outcomes]) => {
        const before = cache.get(id);
        if (before === undefined) return [];
        let { instance } = before;
        let isSent = true;
        for (const outcome of outcomes) {
          if (outcome.done !== instance.done + 1) continue;
          instance = { ...instance, done: outcome.done };
          isSent = !outcome.isContinued;
        }
        if (instance === before.instance) return [];
        return [{ id, before, after: { instance, version: instance.done + 1 }, isEnded: instance.done >= instance.steps, isSent }];
      });
      if (moves.length > 0) {
        const columns = [
          moves.map(({ id }) => id),
          moves.map(({ before }) => before.version),
          moves.map(({ after }) => after.version),
          moves.map(({ isEnded }) => isEnded),
          moves.map(({ after }) => encode(after.instance)),
          moves.map(({ isSent }) => isSent),
        ];
        await pool.query({ name: 'apply', text: APPLY, values: columns });
      }
      resolveOffset(batch.lastOffset());
      for (const { id, after, isEnded } of moves) {
        if (isEnded) cache.delete(id);
        else cache.set(id, after);
      }
    },
  });
}
