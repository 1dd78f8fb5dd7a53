/**
 * What a step of P2 (ten tasks in sequence) costs Postgres: `node bench/step-rows.ts [instances] [batch]`. Starts a Postgres of its own, with the
 * settings of the stack, and writes steps as an orchestrator does. Prints WAL bytes a step, and CPU time of the session and of this process; with
 * the variable TABLES also which tables the bytes are of. States come from the cache, as with an orchestrator that keeps up. Linux only.
 */
import type pg from 'pg';
import { uuidv7 } from 'uuidv7';
import type { Definition } from '../src/core/definition/types.ts';
import type { InstanceId, TaskPath } from '../src/core/ids.ts';
import { start, step } from '../src/core/instance/index.ts';
import { taskAt } from '../src/core/instance/state/scopes.ts';
import type { StepResult } from '../src/core/instance/step.ts';
import { transitionOf } from '../src/engine/transition.ts';
import type { OutgoingMessages } from '../src/messaging/outgoing.ts';
import type { InstanceStore, StoredInstance } from '../src/store/instance-store.ts';
import { parsed, startBenchStore } from './bench-store.ts';
import { input, sequence } from './engine/definitions.ts';

const STEPS = 10;

const [instances = 2_000, batch = 40] = process.argv.slice(2).map(Number);

type Live = { readonly id: InstanceId; stored: StoredInstance };

async function startAll(store: InstanceStore, outgoing: OutgoingMessages, definition: Definition): Promise<Live[]> {
  const live: Live[] = [];
  while (live.length < instances) {
    const started = Array.from({ length: Math.min(batch, instances - live.length) }, () => {
      const id = uuidv7() as string as InstanceId;
      const result = start(definition, { instanceId: id, input, businessKey: null, by: 'bench', cause: 'rest:1' }, Date.now());
      if (!result.ok) throw new Error(result.error.error.message);
      return { id, result: result.value };
    });
    await store.start(
      started.map(({ id, result }) => ({ transition: transitionOf(outgoing, outgoing.partitionOf(id), null, result), idempotency: null })),
    );
    live.push(...started.map(({ id, result: { state } }) => ({ id, stored: { state, version: 1 } })));
  }
  return live;
}

/** The outcome of a task, as the worker of P2 gives it: what it was given. */
function outcome(definition: Definition, { id, stored: { state } }: Live, path: TaskPath, offset: number): StepResult {
  const task = taskAt(state, path);
  if (task?.status !== 'scheduled') throw new Error(`${path} is not open`);
  const { attempt, basis, payload } = task;
  const result = { status: 'completed', output: payload.input } as const;
  const notification = { type: 'TaskOutcome', path, attempt, basis, result } as const;
  return step(definition, state, [{ instanceId: id, cause: `millrace.notifications/3@${offset}`, notification }], Date.now());
}

/** Each batch has instances in the order in which they come by: those of a partition are not beside each other in the table. */
async function runStep(
  store: InstanceStore,
  outgoing: OutgoingMessages,
  definition: Definition,
  live: readonly Live[],
  n: number,
): Promise<void> {
  for (let at = 0; at < live.length; at += batch) {
    const some = live.slice(at, at + batch);
    const decided = some.map((one, index) => ({ one, result: outcome(definition, one, `n${n}` as TaskPath, n * instances + at + index) }));
    // The end is told after the commit.
    const written = decided.map(({ one, result }) =>
      transitionOf(outgoing, outgoing.partitionOf(one.id), one.stored, {
        ...result,
        effects: result.effects.filter((effect) => effect.type !== 'lifecycle'),
      }),
    );
    const { applied } = await store.apply(0, written);
    if (applied.size !== some.length) throw new Error('a step lost the version check');
    for (const { one, result } of decided) one.stored = { state: result.state, version: one.stored.version + 1 };
  }
}

async function walByTable(client: pg.Client, from: string, to: string): Promise<readonly { name: string; bytes: number }[]> {
  const { rows } = await client.query<{ name: string; bytes: number }>(
    `WITH w AS (SELECT relfilenode, resource_manager, record_type, block_data_length + main_data_length + block_fpi_length AS bytes
        FROM pg_get_wal_block_info($1, $2) WHERE block_id = 0)
      SELECT coalesce(regexp_replace(c.relname, '_[0-9_]+$', ''), '?') || ' ' || w.resource_manager || ' ' || w.record_type AS name, sum(bytes)::float8 AS bytes
      FROM w LEFT JOIN pg_class c ON c.relfilenode = w.relfilenode GROUP BY 1 ORDER BY 2 DESC LIMIT 14`,
    [from, to],
  );
  return rows;
}

const { store, outgoing, superuser, sessionCpu, lsn, stop } = await startBenchStore();
try {
  const definition = parsed(sequence(STEPS, false));
  for (const isMeasured of [false, true, true, true]) {
    const live = await startAll(store, outgoing, definition);
    await superuser.query('CHECKPOINT');
    // Pages are written whole at their first change after a checkpoint: once, and before what is counted.
    await runStep(store, outgoing, definition, live, 0);
    const [from, cpu, own, began] = [await lsn(), sessionCpu(), process.cpuUsage(), performance.now()];
    for (let n = 1; n < STEPS; n++) await runStep(store, outgoing, definition, live, n);
    const ms = performance.now() - began;
    const { user, system } = process.cpuUsage(own);
    const [to, cpuAfter] = [await lsn(), sessionCpu()];
    if (!isMeasured) continue;
    const steps = instances * (STEPS - 1);
    const { rows } = await superuser.query<{ bytes: number }>('SELECT ($2::pg_lsn - $1::pg_lsn)::float8 AS bytes', [from, to]);
    const figures = {
      walBytes: Math.round((rows[0]?.bytes ?? 0) / steps),
      sessionCpuMs: Number((((cpuAfter - cpu) * 1_000) / steps).toFixed(4)),
      ownCpuMs: Number(((user + system) / 1_000 / steps).toFixed(4)),
      ms: Number((ms / steps).toFixed(4)),
    };
    process.stdout.write(`${JSON.stringify(figures)}\n`);
    if (process.env.TABLES !== undefined)
      for (const { name, bytes } of await walByTable(superuser, from, to))
        process.stdout.write(`  ${name.padEnd(50)} ${(bytes / steps).toFixed(0)}\n`);
  }
} finally {
  await stop();
}
