/**
 * P1, P2 and P3 on the whole stack: `npm run bench [-- --only P1,P3] [--reps 3] [--seconds 15] [--continuation]`.
 * Brings up a stack of its own on free ports with an engine (one API, one orchestrator, one worker), warms it up, runs
 * the loads and takes everything down. Prints a line of JSON for each run and a table at the end. Loopback only.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { engineCli, engineProcessEnvironment, installSteps, runEngineCommand } from '../../stack/engine.ts';
import { checkout, openHome } from '../../stack/home.ts';
import { startStack } from '../../stack/index.ts';
import { stopOrder } from '../../stack/parts/part.ts';
import { findFreePort } from '../../stack/ports.ts';
import { type Child, startChild } from '../../stack/process.ts';
import { printTable } from '../../stack/report.ts';
import { deleteData } from '../../stack/reset.ts';
import { host } from '../../stack/settings.ts';
import { readRunningState } from '../../stack/state.ts';
import { probeHttp, probeStarts, waitReady } from '../../stack/wait.ts';
import { startWatchdog } from '../../stack/watchdog.ts';
import { closedLoop, Load, openLoop, sequence } from './load.ts';
import { type Usage, usageOf, walPosition } from './resources.ts';

type Options = {
  readonly only: string;
  readonly reps: string;
  readonly seconds: string;
  readonly warmUp: string;
  readonly inFlight: string;
  readonly pollInterval: string;
  readonly processes: string;
  readonly continuation?: true;
};

const options = new Command('bench')
  .option('--only <names>', 'P1, P2, P2@10, P3', 'P1,P2,P2@10,P3')
  .option('--reps <n>', 'runs of each', '3')
  .option('--seconds <n>', 'length of a run', '15')
  // Kafka and Connect spend half of their CPU on compiling themselves in the first minute.
  .option('--warm-up <n>', 'seconds of load before the first run', '60')
  .option('--in-flight <n>', 'instances under way in P1 and P2', '400')
  .option('--poll-interval <duration>', 'how often Debezium looks', '2ms')
  .option('--processes <n>', 'orchestrators and workers, each', '1')
  .option('--continuation', 'workers go on by themselves')
  .parse()
  .opts<Options>();

const apiKey = 'bench-admin-key-of-this-run';
const wanted = new Set(options.only.split(','));
const reps = Number(options.reps);
const seconds = Number(options.seconds);
const inFlight = Number(options.inFlight);

const homeDir = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
const watchdog = startWatchdog();
const children: Child[] = [];
/** Where each process shows its metrics. */
const metricsUrls = new Map<string, string>();
const say = (text: string): void => {
  process.stderr.write(`${text}\n`);
};

const stack = await startStack({
  home: homeDir,
  ports: 'free',
  watchdog,
  onProgress: ({ status, text }) => status === 'done' && say(text ?? ''),
});
try {
  const env: Record<string, string> = {
    ...stack.env,
    MILLRACE_API_KEY: apiKey,
    MILLRACE_CONNECTOR_POLL_INTERVAL: options.pollInterval,
    MILLRACE_CONTINUATION: options.continuation === true ? 'on' : 'off',
    LOG_LEVEL: 'warn',
  };
  for (const step of installSteps) {
    await runEngineCommand(step, env, join(homeDir, 'logs', 'install.log'));
    say(step.title);
  }
  const url = `http://${host}:${stack.ports.api}`;
  await startEngine(env, url);
  const load = await Load.open(url, apiKey, env);
  try {
    for (const steps of [1, 10, 100]) {
      const { status, body } = await load.request('POST', '/v1/definitions', sequence(steps, options.continuation === true));
      if (status >= 300) throw new Error(`the deploy was answered ${status}: ${JSON.stringify(body)}`);
    }
    say('warming up');
    await closedLoop(load, 'bench-10', inFlight, 0, Number(options.warmUp));
    await closedLoop(load, 'bench-1', inFlight, 0, Number(options.warmUp) / 3);
    await runAll(load, env);
  } finally {
    await load.close();
  }
} finally {
  await Promise.all(children.map((child) => child.stop()));
  await stack.stop();
  await watchdog.close();
  deleteData(openHome(homeDir));
  rmSync(homeDir, { recursive: true, force: true });
}

async function startEngine(env: Record<string, string>, url: string): Promise<void> {
  const many = Array.from({ length: Number(options.processes) }, (_, n) => n + 1);
  const specs = [
    { name: 'api', args: ['api'] },
    ...many.map((n) => ({ name: `orchestrator-${n}`, args: ['orchestrator'] })),
    ...many.map((n) => ({ name: `worker-${n}`, args: ['worker', join(checkout, 'bench/engine/handlers.ts')] })),
  ];
  for (const { name, args } of specs) {
    const metricsPort = await findFreePort(new Set(Object.values(stack.ports)));
    const child = await startChild(
      {
        ...{
          name,
          command: process.execPath,
          args: [...(process.env.BENCH_NODE_ARGS ?? '').split(' ').filter(Boolean), engineCli, ...args],
          cwd: checkout,
          order: stopOrder.engine,
        },
        env: { ...engineProcessEnvironment(env), METRICS_PORT: String(metricsPort) },
        logFile: join(process.env.BENCH_LOGS ?? join(homeDir, 'logs'), `${name}.log`),
        stopSignal: 'SIGTERM',
        stopGraceMs: 20_000,
      },
      watchdog,
    );
    children.push(child);
    metricsUrls.set(name, name === 'api' ? `${url}/metrics` : `http://${host}:${metricsPort}/metrics`);
    await waitReady(child, () => (name === 'api' ? probeStarts(url) : probeHttp(`http://${host}:${metricsPort}/health/ready`)), 60_000);
  }
}

type Figure = {
  readonly bench: string;
  readonly unit: string;
  readonly value: number;
  readonly p50: number;
  readonly p99: number;
  readonly cost: Cost;
};
type Cost = {
  readonly steps: number;
  readonly cpuPer1000Steps: number;
  readonly walBytesPerStep: number;
  /** Of the orchestrators. */
  readonly recordsPerBatch: number;
  readonly databaseMsPerBatch: number;
  readonly cpu: Record<string, number>;
  readonly rssMiB: Record<string, number>;
};

async function runAll(load: Load, env: Record<string, string>): Promise<void> {
  const figures: Figure[] = [];
  const add = async (
    bench: string,
    unit: string,
    stepsPerInstance: number,
    run: () => Promise<{ readonly value: number; readonly latencies: readonly number[]; readonly instances: number }>,
  ): Promise<void> => {
    if (!wanted.has(bench)) return;
    for (let rep = 0; rep < reps; rep++) {
      const before = await sample(env);
      const { value, latencies, instances } = await run();
      const after = await sample(env);
      const steps = instances * stepsPerInstance;
      const figure: Figure = {
        bench,
        unit,
        value: round(value),
        p50: quantile(latencies, 0.5),
        p99: quantile(latencies, 0.99),
        cost: costOf(before, after, steps),
      };
      figures.push(figure);
      process.stdout.write(`${JSON.stringify(figure)}\n`);
    }
  };
  const closed = (steps: number) => async () => {
    const latencies = await closedLoop(load, `bench-${steps}`, inFlight, 3, seconds);
    // The warm-up's work is in the cost too: counted by its share of the time.
    return {
      value: (latencies.length / seconds) * (steps === 1 ? 1 : steps),
      latencies,
      instances: latencies.length * ((seconds + 3) / seconds),
    };
  };
  await add('P3', 'ms/step', 100, async () => {
    const latencies: number[] = [];
    const until = performance.now() + seconds * 1_000;
    while (performance.now() < until) latencies.push((await load.run('bench-100')).latencyMs / 100);
    return { value: quantile(latencies, 0.5), latencies, instances: latencies.length };
  });
  await add('P2@10', 'ms end to end', 10, async () => {
    const latencies = await openLoop(load, 'bench-10', 10, 150);
    return { value: quantile(latencies, 0.5), latencies, instances: latencies.length };
  });
  await add('P1', 'instances/s', 1, closed(1));
  await add('P2', 'steps/s', 10, closed(10));

  const rows = [...new Set(figures.map(({ bench }) => bench))].map((bench) => {
    const of = figures.filter((figure) => figure.bench === bench);
    const values = of.map(({ value }) => value);
    const median = (pick: (figure: Figure) => number): number => quantile(of.map(pick), 0.5);
    const [first] = of;
    return [
      bench,
      `${quantile(values, 0.5)} ${first?.unit ?? ''}`,
      `${values.join(' / ')}; p50 ${median(({ p50 }) => p50)} p99 ${median(({ p99 }) => p99)} ms; ${median(({ cost }) => cost.cpuPer1000Steps)} CPU s and ${median(({ cost }) => cost.walBytesPerStep)} WAL bytes`,
    ] as const;
  });
  process.stdout.write(
    `\n${cpus().length} cores, ${cpus()[0]?.model ?? ''}, Node ${process.version}; ${reps} runs of ${seconds} s, ${inFlight} in flight; cost per 1,000 steps and per step\n`,
  );
  printTable(rows.map(([bench, value, rest]) => [`${bench}  ${value}`, rest] as const));
}

function roots(): Record<string, number> {
  const parts = Object.entries(readRunningState(openHome(homeDir))?.parts ?? {}).map(([name, { pid }]) => [name, pid] as const);
  return Object.fromEntries([...parts, ...children.map(({ name, pid }) => [name, pid] as const), ['load', process.pid]]);
}

type Sample = {
  readonly usage: Readonly<Record<string, Usage>>;
  readonly wal: number;
  /** Of all orchestrators since they started. */
  readonly batches: number;
  readonly records: number;
  readonly databaseSeconds: number;
};

async function sample(env: Readonly<Record<string, string>>): Promise<Sample> {
  let text = '';
  for (const [name, metricsUrl] of metricsUrls) if (name.startsWith('orchestrator')) text += await (await fetch(metricsUrl)).text();
  const sumOf = (metric: string): number =>
    [...text.matchAll(new RegExp(`^millrace_${metric}\\{[^}]*\\} (\\S+)$`, 'gm'))].reduce((sum, [, value]) => sum + Number(value), 0);
  return {
    usage: usageOf(roots()),
    wal: await walPosition(env.INSTANCE_DATABASE_URL ?? ''),
    batches: sumOf('batch_size_records_count'),
    records: sumOf('batch_size_records_sum'),
    databaseSeconds: sumOf('transaction_duration_seconds_sum'),
  };
}

function costOf(before: Sample, after: Sample, steps: number): Cost {
  const names = Object.keys(after.usage);
  // The load's children are the engine and the stack: their own lines hold them.
  const raw = Object.fromEntries(names.map((name) => [name, (after.usage[name]?.cpuSeconds ?? 0) - (before.usage[name]?.cpuSeconds ?? 0)]));
  const others = names.filter((name) => name !== 'load').reduce((sum, name) => sum + (raw[name] ?? 0), 0);
  const cpu: Record<string, number> = { ...raw, load: (raw.load ?? 0) - others };
  const total = Object.values(cpu).reduce((sum, value) => sum + value, 0);
  return {
    steps: Math.round(steps),
    cpuPer1000Steps: round((total / steps) * 1_000),
    walBytesPerStep: Math.round((after.wal - before.wal) / steps),
    recordsPerBatch: round((after.records - before.records) / (after.batches - before.batches)),
    databaseMsPerBatch: round((1_000 * (after.databaseSeconds - before.databaseSeconds)) / (after.batches - before.batches)),
    cpu: Object.fromEntries(Object.entries(cpu).map(([name, value]) => [name, round(value)])),
    rssMiB: Object.fromEntries(names.map((name) => [name, after.usage[name]?.rssMiB ?? 0])),
  };
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
}

function round(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
