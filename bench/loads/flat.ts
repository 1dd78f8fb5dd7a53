/**
 * What a step costs with more and more instances parked: the CPU for each, which is to stay the same. Instances are parked by
 * copying the rows of some that were started, since a million starts would take longer than everything else.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Sampler } from '../engine/cost.ts';
import { asleep, input } from '../engine/definitions.ts';
import type { Figure } from '../report/figures.ts';
import { rounded } from '../statistics.ts';
import { type BenchLoad, closedRun, deploy, inParallel, type LoadContext, repeat } from './load.ts';

/** Instances that are really started, from which the others are copied. */
const SEEDS = 1_000;
const STARTS_AT_ONCE = 50;
const STEPS = 10;

export const flat: BenchLoad = {
  name: 'flat',
  async run(context) {
    const { options, say } = context;
    await deploy(context, asleep);
    const figures: Figure[] = [];
    for (const count of options.parked.toSorted((a, b) => a - b)) {
      say(`  parking up to ${count} instances`);
      await parkUpTo(context, count);
      const { inFlight, seconds } = options;
      const runs = await repeat(options.runs, async () => {
        const run = await closedRun(context, { steps: STEPS, isContinued: false }, { inFlight, seconds });
        return { ...run, values: { cpuSecondsPer1000Steps: run.cost?.cpuSecondsPer1000Steps ?? 0, ...run.values } };
      });
      figures.push({ load: 'flat', variant: `${count} parked`, main: 'cpuSecondsPer1000Steps', runs });
    }
    return figures;
  },
};

async function parkUpTo({ client, sampler }: LoadContext, count: number): Promise<void> {
  let parked = await parkedCount(sampler);
  const seeds = Math.min(count, SEEDS) - parked;
  await inParallel(Math.max(0, seeds), STARTS_AT_ONCE, async () => {
    const started = await client.start(asleep.id, input, false);
    if (!started.isAccepted) throw new Error(`A start was answered ${started.status}: ${JSON.stringify(started.body)}`);
  });
  // Asleep, not on the way there: the copies are to have a timer each, and no task that is open.
  while ((await asleepCount(sampler)) < Math.min(count, SEEDS)) await sleep(200);
  parked = await parkedCount(sampler);
  while (parked < count) {
    const copies = Math.min(count - parked, 50_000);
    await copyInstances(sampler, copies);
    parked += copies;
  }
  await sampler.query('ANALYZE');
  await slotIsNear(sampler);
}

async function parkedCount(sampler: Sampler): Promise<number> {
  const [row] = await sampler.query<{ n: string }>('SELECT count(*)::text AS n FROM instance WHERE definition_id = $1', [asleep.id]);
  return Number(row?.n ?? 0);
}

async function asleepCount(sampler: Sampler): Promise<number> {
  const [row] = await sampler.query<{ n: string }>(
    'SELECT count(*)::text AS n FROM timer JOIN instance ON instance.id = instance_id WHERE definition_id = $1 AND instance.version > 1',
    [asleep.id],
  );
  return Number(row?.n ?? 0);
}

/** Copies rows of instances under new ids, in every table that has rows of instances. Copies keep the partition of their original. */
async function copyInstances(sampler: Sampler, count: number): Promise<void> {
  await sampler.query('BEGIN');
  await sampler.query(
    `CREATE TEMP TABLE copy ON COMMIT DROP AS
     SELECT id AS original, uuidv7() AS id FROM
       (SELECT id, row_number() OVER (ORDER BY id) - 1 AS n FROM instance WHERE definition_id = $1 LIMIT ${SEEDS}) seed
     JOIN generate_series(0, $2::int - 1) k ON k % ${SEEDS} = n`,
    [asleep.id, count],
  );
  for (const table of ['instance', 'history', 'task', 'timer']) {
    const key = table === 'instance' ? 'id' : 'instance_id';
    const columns = await sampler.query<{ column: string }>(
      `SELECT column_name AS column FROM information_schema.columns
       WHERE table_schema = 'public' AND table_name = $1 AND is_identity = 'NO' AND is_generated = 'NEVER' ORDER BY ordinal_position`,
      [table],
    );
    const names = columns.map(({ column }) => `"${column}"`);
    const values = columns.map(({ column }) => (column === key ? 'copy.id' : `t."${column}"`));
    await sampler.query(
      `INSERT INTO ${table} (${names.join(', ')}) SELECT ${values.join(', ')} FROM ${table} t JOIN copy ON copy.original = t.${key}`,
    );
  }
  await sampler.query('COMMIT');
}

/** The write-ahead log of the copies holds nothing for Debezium, and is read all the same: that is not what is measured. */
async function slotIsNear(sampler: Sampler): Promise<void> {
  for (;;) {
    const [row] = await sampler.query<{ bytes: string }>(
      'SELECT coalesce(max(pg_current_wal_lsn() - confirmed_flush_lsn), 0)::text AS bytes FROM pg_replication_slots',
    );
    if (rounded(Number(row?.bytes ?? 0)) < 1_048_576) return;
    await sleep(500);
  }
}
