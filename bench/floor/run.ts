/** Measures the floor by the loads P1, P2 and P3, with REST starts and an `ended` record for each instance, as the engine has. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { connectKafka } from '../../src/messaging/kafkajs/index.ts';
import { checkout } from '../../stack/home.ts';
import { stopOrder } from '../../stack/parts/part.ts';
import { findFreePort } from '../../stack/ports.ts';
import { type Child, startChild } from '../../stack/process.ts';
import { host } from '../../stack/settings.ts';
import { probeTcp, waitReady } from '../../stack/wait.ts';
import { Client, type Target } from '../engine/client.ts';
import { costOf, Sampler } from '../engine/cost.ts';
import { input } from '../engine/definitions.ts';
import { type BenchStack, rootsOf, startBenchStack } from '../engine/engine.ts';
import { closedLoop } from '../engine/shapes.ts';
import { type Options, valuesOf } from '../options.ts';
import type { Figure, Run } from '../report/figures.ts';
import { rounded } from '../statistics.ts';
import { type FloorEnvironment, floorTopics, installFloor } from './install.ts';

/** What the path of a start says: the floor has no definitions. */
type Shape = { readonly steps: number; readonly isContinued: boolean };

const script = fileURLToPath(new URL('./process.ts', import.meta.url));

export async function measureFloor(options: Options, say: (text: string) => void): Promise<readonly Figure[]> {
  say('The floor');
  const base = await startBenchStack(say);
  const children: Child[] = [];
  try {
    const env = await installFloor(base.stack, options.pollIntervalMs);
    const port = await findFreePort(new Set(Object.values(base.stack.ports)));
    for (const args of [['api', String(port)], ['orchestrator'], ['worker']]) children.push(await startRole(base, args, env));
    const [api] = children;
    if (api !== undefined) await waitReady(api, () => probeTcp(host, port), 30_000);
    const roots = () => [{ name: 'load', pid: process.pid }, ...rootsOf(base.homeDir), ...children.map(({ name, pid }) => ({ name, pid }))];
    const sampler = await Sampler.open(env.FLOOR_DATABASE, roots, async () => '');
    const client = await Client.open(targetOf(`http://${host}:${port}`, env));
    try {
      return await measureShapes(client, sampler, options, say);
    } finally {
      await client.close();
      await sampler.close();
    }
  } finally {
    await Promise.all(children.map((child) => child.stop()));
    await base.stop();
  }
}

async function startRole({ watchdog, homeDir, stack }: BenchStack, args: readonly string[], env: FloorEnvironment): Promise<Child> {
  const name = `floor-${args[0]}`;
  return await startChild(
    {
      ...{ name, command: process.execPath, args: [script, ...args], cwd: checkout },
      env: { PATH: process.env.PATH ?? '', MILLRACE_HOME: stack.home, ...env },
      logFile: join(homeDir, 'logs', `${name}.log`),
      ...{ stopSignal: 'SIGTERM', stopGraceMs: 5_000, order: stopOrder.engine },
    },
    watchdog,
  );
}

async function measureShapes(client: Client, sampler: Sampler, options: Options, say: (text: string) => void): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  const kinds = valuesOf(options.continuation);
  const loop = (shape: Shape, inFlight: number, warmUp: number, seconds: number) =>
    closedLoop({
      ...{ inFlight, warmUp, seconds, sample: sampler.take },
      runOne: (at) => client.run(`${shape.steps}${shape.isContinued ? '-continued' : ''}`, input, at),
    });
  say('Warming up');
  if (options.warmUp > 0)
    for (const isContinued of kinds) await loop({ steps: 10, isContinued }, options.inFlight, 0, options.warmUp / kinds.length);
  await sampler.query('ANALYZE');
  const measure = async (load: string, shape: Shape, inFlight: number): Promise<void> => {
    const runs: Run[] = [];
    // Before and after: together as many as of everything else, or one more.
    for (let n = 0; n < Math.ceil(options.runs / 2); n++) {
      const closed = await loop(shape, inFlight, inFlight === 1 ? 0 : 3, options.seconds);
      const perSecond = closed.completed / closed.seconds;
      const values = {
        instancesPerSecond: rounded(perSecond),
        stepsPerSecond: rounded(perSecond * shape.steps),
        msPerStep: rounded(closed.latency.p50 / shape.steps),
      };
      runs.push({ values, latencyMs: closed.latency, cost: costOf(closed.before, closed.after, closed.completed * shape.steps) });
    }
    const main = load === 'P1' ? 'instancesPerSecond' : load === 'P2' ? 'stepsPerSecond' : 'msPerStep';
    figures.push({ load: `floor ${load}`, variant: shape.isContinued ? 'continued' : '', main, runs });
    say(
      `  floor ${load}${shape.isContinued ? ', continued' : ''}: ${runs.map(({ values }) => values[main as keyof typeof values]).join(', ')}`,
    );
  };
  if (options.loads.includes('P1')) await measure('P1', { steps: 1, isContinued: false }, options.inFlight);
  for (const isContinued of kinds) {
    if (options.loads.includes('P2')) await measure('P2', { steps: 10, isContinued }, options.inFlight);
    if (options.loads.includes('P3')) await measure('P3', { steps: 100, isContinued }, 1);
  }
  return figures;
}

function targetOf(url: string, env: FloorEnvironment): Target {
  return {
    ...{ url, headers: { 'content-type': 'application/json' } },
    startPath: (definition) => `/${definition}`,
    startBody: (body) => body,
    log: connectKafka({ brokers: [env.FLOOR_BROKERS], clientId: 'bench' }, pino({ level: 'warn' })),
    endsTopic: floorTopics.ended,
    readEnd: ({ key }) => key?.toString() ?? null,
  };
}
