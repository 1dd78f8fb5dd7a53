/**
 * A stack of its own with an engine on it, for the time of a benchmark: one API, and as many orchestrators and workers as asked
 * for, each a process with its metrics on a port of its own. Processes can be killed, started again, and all of them restarted
 * with other settings. Loopback only; nothing is left behind.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConstantBackoff, handleWhenResult, retry } from 'cockatiel';
import kafkajs from 'kafkajs';
import { engineCli, engineProcessEnvironment, installSteps, runEngineCommand } from '../../stack/engine.ts';
import { checkout, openHome } from '../../stack/home.ts';
import { type StackHandle, startStack } from '../../stack/index.ts';
import { stopOrder } from '../../stack/parts/part.ts';
import { findFreePort } from '../../stack/ports.ts';
import { type Child, startChild } from '../../stack/process.ts';
import { deleteData } from '../../stack/reset.ts';
import { brokerConfig, host } from '../../stack/settings.ts';
import { readRunningState } from '../../stack/state.ts';
import { probeHttp, probeStarts, waitReady } from '../../stack/wait.ts';
import { startWatchdog, type Watchdog } from '../../stack/watchdog.ts';
import type { Root } from './resources.ts';

export type EngineOptions = {
  /** Settings of every process, over those of the stack. */
  readonly env: Readonly<Record<string, string>>;
  /** Orchestrators and workers, each. */
  readonly processes: number;
  /** Kafka flushes each record to the disk before it answers. */
  readonly isFlushed: boolean;
  /** Where CPU profiles go; null: none. */
  readonly profile: string | null;
  /** Where logs go, and stay; null: they go with the stack. */
  readonly logs: string | null;
  readonly say: (text: string) => void;
};

type Role = 'api' | 'orchestrator' | 'worker';

const commands: Readonly<Record<Role, readonly string[]>> = {
  api: ['api'],
  orchestrator: ['orchestrator'],
  worker: ['worker', join(checkout, 'bench/engine/handlers.ts')],
};

/** The bootstrap key of the run. */
const apiKey = 'bench-admin-key-of-this-run';

/** A stack without an engine, for what else runs on the same parts. */
export type BenchStack = { readonly stack: StackHandle; readonly watchdog: Watchdog; readonly homeDir: string; stop(): Promise<void> };

export async function startBenchStack(say: (text: string) => void): Promise<BenchStack> {
  const homeDir = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
  const watchdog = startWatchdog();
  const remove = async (): Promise<void> => {
    await watchdog.close();
    deleteData(openHome(homeDir));
    rmSync(homeDir, { recursive: true, force: true });
  };
  try {
    const stack = await startStack({
      home: homeDir,
      ports: 'free',
      watchdog,
      onProgress: ({ status, text }) => status === 'done' && say(text ?? ''),
    });
    return {
      ...{ stack, watchdog, homeDir },
      stop: async () => {
        await stack.stop();
        await remove();
      },
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** The parts of a stack as lines of the usage. */
export function rootsOf(homeDir: string): readonly Root[] {
  const parts = Object.entries(readRunningState(openHome(homeDir))?.parts ?? {});
  return parts.map(([name, { pid }]) => ({ name, pid, isPostgres: name === 'postgres' }));
}

export class Engine {
  readonly #base: BenchStack;
  readonly #options: EngineOptions;
  readonly #ownEnv: Readonly<Record<string, string>>;
  readonly #children = new Map<string, { readonly role: Role; readonly child: Child; readonly metricsUrl: string }>();
  #env: Record<string, string>;
  #profiled = 0;

  private constructor(base: BenchStack, options: EngineOptions) {
    this.#base = base;
    this.#options = options;
    this.#ownEnv = { ...base.stack.env, LOG_LEVEL: 'warn', ...options.env, MILLRACE_API_KEY: apiKey };
    this.#env = { ...this.#ownEnv };
  }

  static async start(options: EngineOptions): Promise<Engine> {
    const engine = new Engine(await startBenchStack(options.say), options);
    try {
      for (const step of installSteps) {
        await engine.#command(step.title, step.args);
        options.say(step.title);
      }
      if (options.isFlushed) await engine.#flushEachRecord();
      await engine.#startAll();
      return engine;
    } catch (error) {
      await engine.stop();
      throw error;
    }
  }

  get stack(): StackHandle {
    return this.#base.stack;
  }

  /** What a process of the engine sees. */
  get env(): Readonly<Record<string, string>> {
    return this.#env;
  }

  get url(): string {
    return `http://${host}:${this.stack.ports.api}`;
  }

  get headers(): Readonly<Record<string, string>> {
    return { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' };
  }

  /** Everything that runs for the benchmark, the load (this process) included. */
  roots(): readonly Root[] {
    return [
      { name: 'load', pid: process.pid },
      ...rootsOf(this.#base.homeDir),
      ...[...this.#children].map(([name, { child }]) => ({ name, pid: child.pid })),
    ];
  }

  /** Names of the processes of a role that run. */
  names(role: Role): readonly string[] {
    return [...this.#children].filter(([, each]) => each.role === role).map(([name]) => name);
  }

  /** Prometheus text of all processes of a role; one that does not answer counts as silent. */
  async metricsOf(role: Role): Promise<string> {
    const urls = [...this.#children.values()].filter((each) => each.role === role).map(({ metricsUrl }) => metricsUrl);
    const texts = urls.map(async (metricsUrl) => {
      try {
        return await (await fetch(metricsUrl)).text();
      } catch {
        return '';
      }
    });
    return (await Promise.all(texts)).join('\n');
  }

  /** SIGKILL, as when a machine is gone. */
  async kill(name: string): Promise<void> {
    const found = this.#children.get(name);
    if (found === undefined) throw new Error(`There is no process ${name}.`);
    this.#children.delete(name);
    await found.child.kill();
  }

  /** Asks a process to end, and waits until it has. */
  async remove(name: string): Promise<void> {
    const found = this.#children.get(name);
    this.#children.delete(name);
    await found?.child.stop();
  }

  /** Resolves when the process is ready. */
  async add(role: Role, name: string): Promise<void> {
    const { watchdog, homeDir, stack } = this.#base;
    const metricsPort = await findFreePort(new Set(Object.values(stack.ports)));
    const metricsUrl = role === 'api' ? `${this.url}/metrics` : `http://${host}:${metricsPort}/metrics`;
    const child = await startChild(
      {
        ...{ name, command: process.execPath, args: [...this.#profileArgs(name), engineCli, ...commands[role]], cwd: checkout },
        env: { ...engineProcessEnvironment(this.#env), METRICS_PORT: String(metricsPort) },
        logFile: join(this.#options.logs ?? join(homeDir, 'logs'), `${name}.log`),
        ...{ stopSignal: 'SIGTERM', stopGraceMs: 20_000, order: stopOrder.engine },
      },
      watchdog,
    );
    this.#children.set(name, { role, child, metricsUrl });
    await waitReady(
      child,
      () => (role === 'api' ? probeStarts(this.url) : probeHttp(metricsUrl.replace('/metrics', '/health/ready'))),
      60_000,
    );
  }

  /** Stops all processes and starts them with other settings over the first ones; the connector follows them. */
  async restart(settings: Readonly<Record<string, string>>): Promise<void> {
    await this.#stopAll();
    this.#env = { ...this.#ownEnv, ...settings };
    await this.#command('Applying the connector', ['connector', 'apply']);
    await this.#startAll();
  }

  async stop(): Promise<void> {
    await this.#stopAll();
    await this.#base.stop();
  }

  async #startAll(): Promise<void> {
    await this.add('api', 'api');
    for (let n = 1; n <= this.#options.processes; n++) {
      await this.add('orchestrator', `orchestrator-${n}`);
      await this.add('worker', `worker-${n}`);
    }
  }

  async #stopAll(): Promise<void> {
    const children = [...this.#children.values()];
    this.#children.clear();
    await Promise.all(children.map(({ child }) => child.stop()));
  }

  async #command(title: string, args: readonly string[]): Promise<void> {
    await runEngineCommand({ title, args }, this.#env, join(this.#options.logs ?? join(this.#base.homeDir, 'logs'), 'install.log'));
  }

  #profileArgs(name: string): readonly string[] {
    const { profile } = this.#options;
    if (profile === null) return [];
    mkdirSync(profile, { recursive: true });
    this.#profiled++;
    return ['--cpu-prof', `--cpu-prof-dir=${profile}`, `--cpu-prof-name=${this.#profiled}-${name}.cpuprofile`];
  }

  /** For all topics, those to come too. Throws when the broker does not say that it holds. */
  async #flushEachRecord(): Promise<void> {
    const { ConfigResourceTypes, Kafka, logLevel } = kafkajs;
    const admin = new Kafka({ clientId: 'bench', brokers: [this.#env.KAFKA_BROKERS ?? ''], logLevel: logLevel.ERROR }).admin();
    await admin.connect();
    try {
      const configEntries = [{ name: 'log.flush.interval.messages', value: '1' }];
      const broker = { type: ConfigResourceTypes.BROKER, name: brokerConfig['node.id'], configEntries };
      await admin.alterConfigs({ validateOnly: false, resources: [broker] });
      const topic = `${this.#env.MILLRACE_TOPIC_PREFIX}.notifications`;
      const resource = { type: ConfigResourceTypes.TOPIC, name: topic, configNames: ['flush.messages'] };
      // A broker takes a change from the controller a moment after the controller has answered.
      const applied = retry(
        handleWhenResult((found) => found !== '1'),
        { maxAttempts: 100, backoff: new ConstantBackoff(100) },
      );
      const value = await applied.execute(async () => {
        const described = await admin.describeConfigs({ includeSynonyms: false, resources: [resource] });
        return described.resources[0]?.configEntries[0]?.configValue;
      });
      if (value !== '1') throw new Error(`The broker was told to flush each record, and says that ${topic} flushes after ${value}.`);
    } finally {
      await admin.disconnect();
    }
  }
}
