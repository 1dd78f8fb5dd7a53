/** P10: half of what the engine can do, for as long as asked: slopes of memory, tables, slot lag and p99, by least squares. */
import { input, sequenceId } from '../engine/definitions.ts';
import { usageOf } from '../engine/resources.ts';
import { openLoop } from '../engine/shapes.ts';
import { Latencies, type Point, rounded, slopeOf } from '../statistics.ts';
import { type BenchLoad, type LoadContext, measured, roughRate, type Sequence } from './load.ts';

const SHARE = 0.5;
const sequence: Sequence = { steps: 10, isContinued: false };
/** Readings of a soak; the first tenth of them, while caches fill, does not count. */
const READINGS = 60;
const EVERY_MS_MIN = 1_000;

type Reading = { readonly atHours: number; readonly values: Readonly<Record<string, number>> };

export const p10: BenchLoad = {
  name: 'P10',
  async run(context) {
    const { client, options } = context;
    const perSecond = Math.max(1, Math.round((await roughRate(context, sequence)) * SHARE));
    const definition = sequenceId(sequence.steps, sequence.isContinued);
    const run = await measured(context, async () => {
      const readings: Reading[] = [];
      const began = performance.now();
      let recent = new Latencies();
      const everyMs = Math.max(EVERY_MS_MIN, (options.soakSeconds * 1_000) / READINGS);
      const timer = setInterval(() => {
        const { p99 } = recent.summary();
        recent = new Latencies();
        void read(context, p99, (performance.now() - began) / 3_600_000).then((reading) => readings.push(reading));
      }, everyMs);
      const open = await openLoop({
        ...{ perSecond, seconds: options.soakSeconds },
        runOne: async (at) => {
          const ms = await client.runIfAccepted(definition, input, at);
          if (ms !== null) recent.record(ms);
          return ms;
        },
      });
      clearInterval(timer);
      const values = {
        p99Ms: open.latency.p99,
        startsPerSecond: perSecond,
        seconds: rounded(open.seconds),
        refused: open.refused,
        ...slopesOf(readings.slice(Math.ceil(readings.length / 10))),
      };
      return { steps: open.latency.count * sequence.steps, values, latencyMs: open.latency };
    });
    return [{ load: 'P10', variant: `${options.soakSeconds} s`, main: 'p99Ms', runs: [run] }];
  },
};

/** Of each value, in its unit for each hour. */
export function slopesOf(readings: readonly Reading[]): Readonly<Record<string, number>> {
  const names = [...new Set(readings.flatMap(({ values }) => Object.keys(values)))];
  return Object.fromEntries(
    names.map((name) => {
      const points = readings.flatMap(({ atHours, values }): readonly Point[] => {
        const value = values[name];
        return value === undefined ? [] : [{ x: atHours, y: value }];
      });
      return [`${name} slope an hour`, rounded(slopeOf(points))];
    }),
  );
}

async function read({ engine, sampler }: LoadContext, p99: number, atHours: number): Promise<Reading> {
  const [row] = await sampler.query<{ tables: string; slot: string }>(
    `SELECT pg_database_size(current_database())::text AS tables,
       (SELECT coalesce(max(pg_current_wal_lsn() - confirmed_flush_lsn), 0)::text FROM pg_replication_slots) AS slot`,
  );
  const memory = Object.entries(usageOf(engine.roots())).map(([name, { rssMiB }]) => [`${name} MiB`, rssMiB] as const);
  const mib = (bytes: string | undefined): number => Number(bytes ?? 0) / 1_048_576;
  return {
    atHours,
    values: { ...Object.fromEntries(memory), 'tables MiB': mib(row?.tables), 'slot lag MiB': mib(row?.slot), 'p99 ms': p99 },
  };
}
