/**
 * A running engine for the tests: its real processes on the stack that global-setup.ts started, each of which a test may
 * kill, freeze and start again. All engines of a run share the stack's databases, topics and admin key.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { type Client, createClient } from '../../src/client/index.ts';
import type { Json } from '../../src/core/json.ts';
import { engineCli, engineProcessEnvironment, runEngineCommand } from '../../stack/engine.ts';
import { checkout } from '../../stack/home.ts';
import { stopOrder } from '../../stack/parts/part.ts';
import { findFreePort } from '../../stack/ports.ts';
import { type Child, startChild } from '../../stack/process.ts';
import { environmentFor, type Role } from '../../stack/process-environment.ts';
import { host } from '../../stack/settings.ts';
import { probeHttp, probeStarts, waitReady } from '../../stack/wait.ts';
import { startWatchdog, type Watchdog } from '../../stack/watchdog.ts';
import { stackEnv } from './env.ts';

export const testApiKey = 'test-admin-key-of-this-run';

/** Every engine has it, since any worker of a run may take any task of the stack. */
export const testSecret = { name: 'E2E_KEY', value: 'kept-from-all-but-workers-4711' } as const;

export type TestEngineOptions = {
  readonly orchestrators?: number;
  readonly taskConsumers?: number;
  /** Paths of modules with handlers, relative to the checkout; one `millrace worker` each. */
  readonly workers?: readonly string[];
  /** Of a stack of the test's own; default that of the tests' stack. */
  readonly stack?: Readonly<Record<string, string>>;
  /** Over the stack's environment, for every process. */
  readonly env?: Readonly<Record<string, string>>;
};

/** How a command of the command line ended. */
export type CommandEnd = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

type Spec = {
  readonly name: string;
  readonly role: Role;
  readonly args: readonly string[];
  readonly probe: string;
  readonly env: Readonly<Record<string, string>>;
};

export class TestEngine {
  readonly url: string;
  readonly apiKey = testApiKey;
  readonly client: Client;
  readonly env: Readonly<Record<string, string>>;
  readonly #watchdog: Watchdog = startWatchdog();
  readonly #specs = new Map<string, Spec>();
  readonly #children = new Map<string, Child>();
  readonly #logs: string;

  private constructor(port: number, stack: Readonly<Record<string, string>>, env: Readonly<Record<string, string>>) {
    const secret = { [`MILLRACE_SECRET_${testSecret.name}`]: testSecret.value };
    this.url = `http://${host}:${port}`;
    const own = { MILLRACE_API_KEY: testApiKey, MILLRACE_HTTP_ALLOW: '127.0.0.1', PORT: String(port), MILLRACE_URL: this.url };
    this.env = { ...stack, ...own, ...secret, ...env };
    this.client = createClient({ url: this.url, apiKey: testApiKey });
    this.#logs = join(stack.MILLRACE_HOME ?? checkout, 'logs');
  }

  /** Resolves when every process is ready. */
  static async start({
    orchestrators = 1,
    taskConsumers = 1,
    workers = [],
    stack = stackEnv(),
    env = {},
  }: TestEngineOptions = {}): Promise<TestEngine> {
    const ports = new Set<number>();
    const freePort = async (): Promise<number> => {
      const port = await findFreePort(ports);
      ports.add(port);
      return port;
    };
    const engine = new TestEngine(await freePort(), stack, env);
    const add = async (name: string, role: Role, args: readonly string[] = [role]): Promise<void> => {
      const metrics = await freePort();
      engine.#specs.set(name, {
        name,
        role,
        args,
        probe: `http://${host}:${metrics}/health/ready`,
        env: { METRICS_PORT: String(metrics) },
      });
    };
    engine.#specs.set('api', { name: 'api', role: 'api', args: ['api'], probe: `${engine.url}/health/ready`, env: {} });
    for (let n = 1; n <= orchestrators; n++) await add(`orchestrator-${n}`, 'orchestrator');
    for (let n = 1; n <= taskConsumers; n++) await add(`task-consumer-${n}`, 'task-consumer');
    for (const [index, module] of workers.entries()) await add(`worker-${index + 1}`, 'worker', ['worker', join(checkout, module)]);
    try {
      await Promise.all([...engine.#specs.keys()].map((name) => engine.startProcess(name)));
    } catch (error) {
      await engine.stop();
      throw error;
    }
    return engine;
  }

  /** Adds a `millrace worker` to a running engine, once a deploy has made the topics of its queues. Resolves when it is ready. */
  async startWorker(module: string): Promise<void> {
    const name = `worker-${[...this.#specs.keys()].filter((known) => known.startsWith('worker-')).length + 1}`;
    const metrics = await findFreePort();
    const probe = `http://${host}:${metrics}/health/ready`;
    this.#specs.set(name, {
      name,
      role: 'worker',
      args: ['worker', join(checkout, module)],
      probe,
      env: { METRICS_PORT: String(metrics) },
    });
    await this.startProcess(name);
  }

  /** Of a process that runs. */
  pid(name: string): number {
    return this.#childOf(name).pid;
  }

  get processes(): readonly string[] {
    return [...this.#specs.keys()];
  }

  /** Starts a process that was killed; resolves when it is ready. */
  async startProcess(name: string): Promise<void> {
    const spec = this.#specs.get(name);
    if (spec === undefined) throw new Error(`this engine has no process ${name}`);
    const child = await startChild(
      {
        name,
        command: process.execPath,
        args: [engineCli, ...spec.args],
        env: { ...environmentFor(spec.role, engineProcessEnvironment(this.env)), ...spec.env },
        cwd: checkout,
        logFile: join(this.#logs, `${name}-${process.pid}.log`),
        stopSignal: 'SIGTERM',
        stopGraceMs: 20_000,
        order: stopOrder.engine,
      },
      this.#watchdog,
    );
    this.#children.set(name, child);
    await waitReady(child, () => (name === 'api' ? probeStarts(this.url) : probeHttp(spec.probe)), 120_000);
  }

  /** SIGKILL; resolves when it is gone. */
  async kill(name: string): Promise<void> {
    await this.#childOf(name).kill();
  }

  /** An orderly end, as a rolling upgrade does it. */
  async stopProcess(name: string): Promise<void> {
    await this.#childOf(name).stop();
  }

  signal(name: string, signal: NodeJS.Signals): void {
    this.#childOf(name).signal(signal);
  }

  /** What a process says of itself. */
  async isReady(name: string): Promise<boolean> {
    const response = await fetch(this.#specs.get(name)?.probe ?? '');
    await response.arrayBuffer();
    return response.ok;
  }

  /** Text of `/metrics` of a process. */
  async metrics(name: string): Promise<string> {
    const spec = this.#specs.get(name);
    if (spec === undefined) throw new Error(`this engine has no process ${name}`);
    const response = await fetch(spec.probe.replace('/health/ready', '/metrics'));
    return await response.text();
  }

  /** Runs a command of the command line on this engine; rejects with what it said when it fails. */
  async cli(...args: readonly string[]): Promise<string> {
    const env = { ...this.env, MILLRACE_URL: this.url };
    return await runEngineCommand({ title: args.join(' '), args }, env, join(this.#logs, `cli-${process.pid}.log`));
  }

  /** Runs a command of the command line on this engine as a script meets it, however it ends. */
  async run(...args: readonly string[]): Promise<CommandEnd> {
    const env = { ...engineProcessEnvironment(this.env), MILLRACE_URL: this.url };
    return await new Promise((resolve) => {
      const child = execFile(process.execPath, [engineCli, ...args], { cwd: checkout, env }, (_, stdout, stderr) =>
        resolve({ code: child.exitCode, stdout, stderr }),
      );
    });
  }

  async deploy(document: Json): Promise<number> {
    return (await this.client.deploy(document)).version;
  }

  async startInstance(definition: string, input: Json = {}): Promise<string> {
    return (await this.client.start(definition, { input })).instanceId;
  }

  /** What is left running at the end is stopped in order. */
  async stop(): Promise<void> {
    await Promise.all([...this.#children.values()].map((child) => child.stop()));
    await this.#watchdog.close();
  }

  #childOf(name: string): Child {
    const child = this.#children.get(name);
    if (child === undefined) throw new Error(`the process ${name} was never started`);
    return child;
  }
}
