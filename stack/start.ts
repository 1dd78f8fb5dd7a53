/**
 * `npm start`: the stack, the engine on it and the examples, until Ctrl-C. A stack that `npm run stack:up` left running
 * in the same home is used and left running.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import pc from 'picocolors';
import {
  type EngineCommand,
  type EngineProcess,
  type Examples,
  engineExists,
  engineProcesses,
  findExamples,
  installSteps,
  payloadEnvironment,
  processSettings,
  runEngineCommand,
} from './engine.ts';
import { type EngineGroup, startEngineProcesses } from './engine-processes.ts';
import { type Home, openHome } from './home.ts';
import { environmentOf, stackSteps } from './index.ts';
import { assertPortsFree } from './ports.ts';
import { runStep } from './progress.ts';
import { print, printTable, withProgress } from './report.ts';
import { startRestartedStack } from './restarted-stack.ts';
import { Restarter } from './restarter.ts';
import { host, type Ports } from './settings.ts';
import { type ShutdownRequests, watchShutdownRequests } from './shutdown.ts';
import { readRunningState } from './state.ts';
import { probeStarts, waitReady } from './wait.ts';
import { startWatchdog, type Watchdog } from './watchdog.ts';

interface Running {
  readonly env: Record<string, string>;
  readonly ports: Ports;
  stop(): Promise<void>;
}

process.exitCode = await main();

async function main(): Promise<number> {
  const began = performance.now();
  const requests = watchShutdownRequests();
  const home = openHome();
  const watchdog = startWatchdog();
  const restarter = new Restarter({ tell: (report) => print(`\n${pc.red(report)}\n`) });
  print(pc.bold('Millrace'));
  let stack: Running | undefined;
  let engine: EngineGroup | undefined;
  try {
    stack = await useStack(home, requests, watchdog, restarter);
    const examples = findExamples();
    if (engineExists()) {
      engine = await startEngine(stack, home, examples, requests, watchdog, restarter);
    } else {
      print(`\n  ${pc.yellow('!')} The stack runs; the engine itself (src/cli) is not in this checkout yet, so nothing of it was started.`);
    }
    printPlaces(home, stack.ports, engine === undefined ? null : examples, (performance.now() - began) / 1000);
    await requested(requests.stop);
  } catch (error) {
    if (!requests.stop.aborted) {
      print(`\n${pc.red(error instanceof Error ? error.message : String(error))}`);
      await stopAll(stack, engine, watchdog, restarter, requests);
      return 1;
    }
  }
  print(`\n${pc.bold('Stopping')} (${requests.stop.reason instanceof Error ? requests.stop.reason.message : 'asked to'}) …`);
  await stopAll(stack, engine, watchdog, restarter, requests);
  print('Everything is stopped; data stays in MILLRACE_HOME.');
  return 0;
}

async function useStack(home: Home, requests: ShutdownRequests, watchdog: Watchdog, restarter: Restarter): Promise<Running> {
  const running = readRunningState(home);
  if (running?.ready) {
    await assertPortsFree(running.ports, ['api']);
    print(`  ${pc.green('✔')} Using the stack that runs in ${home.dir} (npm run stack:status)`);
    return { env: environmentOf(home, running.ports, running.prefix), ports: running.ports, stop: async () => undefined };
  }
  return await withProgress(stackSteps(), (onProgress) =>
    startRestartedStack({ home: home.dir, apiPortToo: true, watchdog, signal: requests.stop, onProgress }, restarter),
  );
}

async function startEngine(
  stack: Running,
  home: Home,
  examples: Examples,
  requests: ShutdownRequests,
  watchdog: Watchdog,
  restarter: Restarter,
): Promise<EngineGroup> {
  const run = (command: EngineCommand): Promise<string> =>
    runEngineCommand(command, stack.env, join(home.logs, 'install.log'), requests.stop);
  const env = { ...stack.env, ...payloadEnvironment(stack.env) };
  const start = (processes: readonly EngineProcess[]): Promise<EngineGroup> =>
    startEngineProcesses(processes, processSettings(examples, stack.env), { env, logs: home.logs, watchdog, restarter });
  const deployments = examples.definitions.map(({ name, definition }) => ({
    title: `Deploying example ${name}`,
    args: ['deploy', definition],
  }));
  const [starting, joining] = [titleOf(engineProcesses), titleOf(examples.processes)];
  const steps = [...installSteps.map(({ title }) => title), starting, ...deployments.map(({ title }) => title)];
  if (examples.processes.length > 0) steps.push(joining);
  return await withProgress(
    steps.map((title) => ({ step: title, title })),
    async (onProgress) => {
      for (const command of installSteps) await runStep(onProgress, command.title, command.title, () => run(command));
      const engine = await start(engineProcesses);
      try {
        await runStep(onProgress, starting, starting, async () => {
          const [api] = engine.children();
          if (api !== undefined) await waitReady(api, () => probeStarts(`http://${host}:${stack.ports.api}`), 60_000, requests.stop);
        });
        for (const command of deployments) await runStep(onProgress, command.title, command.title, () => run(command));
        // After the deployments, which make the topics of the queues that the workers join.
        if (examples.processes.length === 0) return engine;
        const beside = await runStep(onProgress, joining, joining, () => start(examples.processes));
        return {
          children: () => [...engine.children(), ...beside.children()],
          stop: async () => {
            await Promise.all([engine.stop(), beside.stop()]);
          },
        };
      } catch (error) {
        await engine.stop();
        throw error;
      }
    },
  );
}

function titleOf(processes: readonly EngineProcess[]): string {
  return `Starting ${processes.map(({ name }) => name).join(', ')}`;
}

async function stopAll(
  stack: Running | undefined,
  engine: EngineGroup | undefined,
  watchdog: Watchdog,
  restarter: Restarter,
  { hurry }: ShutdownRequests,
): Promise<void> {
  const orderly = (async () => {
    const restarts = restarter.stop();
    await engine?.stop();
    await stack?.stop();
    await restarts;
  })();
  // Asked to end at once: the watchdog's pipe closes with this process, and the watchdog ends whatever is left.
  await Promise.race([orderly, requested(hurry)]);
  if (hurry.aborted) {
    for (const child of engine?.children() ?? []) child.signal('SIGKILL');
    process.exit(130);
  }
  await watchdog.close();
}

async function requested(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

function printPlaces(home: Home, ports: Ports, examples: Examples | null, seconds: number): void {
  const at = (port: number): string => `http://${host}:${port}`;
  const keyFile = join(home.dir, 'api-key');
  print(`\n${pc.bold(`Ready in ${seconds.toFixed(0)} s.`)} Ctrl-C stops all of it.\n`);
  printTable([
    ...(examples === null
      ? []
      : ([
          ['API', `${at(ports.api)}/v1`],
          ['API docs', `${at(ports.api)}/docs`],
          ['API key', existsSync(keyFile) ? `in ${keyFile}` : 'the one in MILLRACE_API_KEY'],
        ] as const)),
    ['Kafka', `${host}:${ports.kafka}`],
    ['Schema registry', at(ports.registry)],
    ['Kafka Connect', at(ports.connect)],
    ['Postgres', `${host}:${ports.postgres} (millrace_definitions, millrace_instances; passwords in ${home.secretsFile})`],
    ['Logs', home.logs],
  ]);
  if (examples === null) return;
  print(`\n${pc.bold('Try next')}`);
  const [first] = examples.definitions;
  if (first !== undefined)
    print(
      `  examples/${first.name}/README.md walks through one workflow; all of ${examples.definitions.map(({ name }) => name).join(', ')} are deployed.`,
    );
  if (process.env.MILLRACE_HOME !== undefined)
    print(`  export MILLRACE_HOME=${home.dir}   in the other terminal first, so that the commands find this stack`);
  print('  npx millrace list            shows instances');
  print('  npx millrace --help          shows everything else');
}
