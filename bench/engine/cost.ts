/** What the work between two samples cost: CPU, memory, write-ahead log, flushes, and how large the batches were. */
import pg from 'pg';
import { rounded } from '../statistics.ts';
import { busyCoreSeconds, diskFlushes, type Root, type Usage, usageOf } from './resources.ts';

export type Sample = {
  readonly atMs: number;
  readonly usage: Readonly<Record<string, Usage>>;
  readonly walBytes: number;
  readonly flushes: number;
  readonly busyCoreSeconds: number;
  /** Of all orchestrators since they started. */
  readonly batches: { readonly count: number; readonly records: number; readonly seconds: number };
};

export type Cost = {
  readonly steps: number;
  readonly cpuSecondsPer1000Steps: number;
  /** Of each process, in the same unit. */
  readonly cpuSecondsPer1000StepsBy: Readonly<Record<string, number>>;
  /** Of all processes together, while it ran. */
  readonly cores: number;
  /** Of this machine beside them. */
  readonly coresOfOthers: number;
  readonly walBytesPerStep: number;
  /** Of the disks of this machine, whoever asked for them. */
  readonly flushesPerStep: number;
  readonly recordsPerBatch: number;
  readonly databaseMsPerBatch: number;
  readonly rssMiB: Readonly<Record<string, number>>;
};

/** Takes samples; holds one connection to Postgres. */
export class Sampler {
  readonly #client: pg.Client;
  readonly #roots: () => readonly Root[];
  readonly #metrics: () => Promise<string>;

  private constructor(client: pg.Client, roots: () => readonly Root[], metrics: () => Promise<string>) {
    this.#client = client;
    this.#roots = roots;
    this.#metrics = metrics;
  }

  /** @param metrics Prometheus text of the orchestrators; empty where there are none. */
  static async open(databaseUrl: string, roots: () => readonly Root[], metrics: () => Promise<string>): Promise<Sampler> {
    const client = new pg.Client({ connectionString: databaseUrl, application_name: 'millrace-bench' });
    // A load may kill what it measures.
    client.on('error', () => undefined);
    await client.connect();
    return new Sampler(client, roots, metrics);
  }

  readonly take = async (): Promise<Sample> => {
    const [text, { rows }] = await Promise.all([
      this.#metrics(),
      this.#client.query<{ bytes: string }>("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::text AS bytes"),
    ]);
    return {
      atMs: performance.now(),
      usage: usageOf(this.#roots()),
      walBytes: Number(rows[0]?.bytes ?? 0),
      flushes: diskFlushes(),
      busyCoreSeconds: busyCoreSeconds(),
      batches: {
        count: sumOfMetric(text, 'millrace_batch_size_records_count'),
        records: sumOfMetric(text, 'millrace_batch_size_records_sum'),
        seconds: sumOfMetric(text, 'millrace_transaction_duration_seconds_sum'),
      },
    };
  };

  async query<Row extends pg.QueryResultRow>(text: string, values: readonly unknown[] = []): Promise<readonly Row[]> {
    return (await this.#client.query<Row>(text, [...values])).rows;
  }

  async close(): Promise<void> {
    await this.#client.end();
  }
}

/** Over all label sets and processes of a Prometheus text. */
export function sumOfMetric(text: string, name: string): number {
  const line = new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'gm');
  return [...text.matchAll(line)].reduce((sum, [, value]) => sum + Number(value), 0);
}

export function costOf(before: Sample, after: Sample, steps: number): Cost {
  const seconds = (after.atMs - before.atMs) / 1_000;
  // A process that was started or killed meanwhile has one of the two readings only.
  const cpu = Object.entries(after.usage).map(([name, { cpuSeconds }]) => {
    const used = cpuSeconds - (before.usage[name]?.cpuSeconds ?? 0);
    return [name, Math.max(0, used)] as const;
  });
  const total = cpu.reduce((sum, [, used]) => sum + used, 0);
  const batches = after.batches.count - before.batches.count;
  const perStep = (value: number): number => (steps === 0 ? 0 : value / steps);
  const perBatch = (value: number): number => (batches <= 0 ? 0 : rounded(value / batches));
  return {
    steps,
    cpuSecondsPer1000Steps: rounded(perStep(total) * 1_000),
    cpuSecondsPer1000StepsBy: Object.fromEntries(cpu.map(([name, used]) => [name, rounded(perStep(used) * 1_000)])),
    cores: rounded(total / seconds),
    coresOfOthers: rounded(Math.max(0, (after.busyCoreSeconds - before.busyCoreSeconds - total) / seconds)),
    walBytesPerStep: Math.round(perStep(after.walBytes - before.walBytes)),
    flushesPerStep: rounded(perStep(after.flushes - before.flushes)),
    recordsPerBatch: perBatch(after.batches.records - before.batches.records),
    databaseMsPerBatch: perBatch(1_000 * (after.batches.seconds - before.batches.seconds)),
    rssMiB: Object.fromEntries(Object.entries(after.usage).map(([name, { rssMiB }]) => [name, rssMiB])),
  };
}
