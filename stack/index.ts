/**
 * The embedded stack: Kafka, Connect with Debezium, the schema registry and Postgres as processes of this machine.
 * `startStack` is used by `npm start`, by `npm run stack:up` and by the integration tests; `StackHandle` is what the
 * testcontainers stack implements too. Knows nothing of the engine.
 */
import { ConstantBackoff, handleWhen, retry } from 'cockatiel';
import { type Home, openFolder, openHome, readSecrets } from './home.ts';
import { identify } from './identity.ts';
import { installJars, missingJars } from './install/jars.ts';
import { installPostgres } from './install/postgres.ts';
import { connect } from './parts/connect.ts';
import { kafka } from './parts/kafka.ts';
import type { Part, PartContext } from './parts/part.ts';
import { postgres } from './parts/postgres.ts';
import { registry } from './parts/registry.ts';
import { assertPortsFree, findFreePort, findFreePorts, readPorts } from './ports.ts';
import { type Child, describeExit, type Exit, readLogEnd, startChild } from './process.ts';
import { type OnProgress, runStep } from './progress.ts';
import { defaultPrefix, engineEnvironment, host, type PartName, type Ports, partNames } from './settings.ts';
import { endLeftovers, readRunningState, removeState, type StackState, writeEnvironment, writeState } from './state.ts';
import { EndedEarly } from './wait.ts';
import { startWatchdog, type Watchdog } from './watchdog.ts';

/** A part that ended though nobody asked it to. */
export interface Death {
  readonly part: PartName;
  readonly exit: Exit;
  readonly logFile: string;
  readonly logEnd: string;
}

export interface StackHandle {
  /** Exactly the environment that an engine process needs to use this stack. */
  readonly env: Record<string, string>;
  readonly home: string;
  readonly ports: Ports;
  /** Connect, Kafka, registry, Postgres, in that order. Safe to call twice. */
  stop(): Promise<void>;
  /** Kills a part at once (SIGKILL) and waits until it is gone; it is not reported as an unexpected end. */
  kill(part: PartName): Promise<void>;
  /** Starts a part again after `kill`, on the same port with the same data; resolves when it serves. */
  start(part: PartName): Promise<void>;
  /** Freezes a part without ending it. */
  pause(part: PartName): Promise<void>;
  resume(part: PartName): Promise<void>;
  /** The last lines of a part's log. */
  logEnd(part: PartName, lines?: number): Promise<string>;
}

export interface StackOptions {
  /** Folder of data, secrets and logs; default `MILLRACE_HOME` or `.millrace`. */
  readonly home?: string;
  /** `default`: 9092 and so on, or what the environment says. `free`: whatever is free right now. Or exactly these. */
  readonly ports?: 'default' | 'free' | Ports;
  /** The API's port must be free as well, because the caller is going to start it; default false. */
  readonly apiPortToo?: boolean;
  /** Prefix of topics and groups; default `MILLRACE_TOPIC_PREFIX` or `millrace`. */
  readonly prefix?: string;
  readonly onProgress?: OnProgress;
  readonly onDeath?: (death: Death) => void;
  /** Aborting it ends a start that is under way; whatever did start is stopped. */
  readonly signal?: AbortSignal;
  /** Shared with the processes that the caller starts itself; by default the stack has its own. */
  readonly watchdog?: Watchdog;
}

const parts: Record<PartName, Part> = { kafka, registry, postgres, connect };

/** Starts the whole stack and resolves when every part serves. On a failure whatever did start is stopped again. */
export async function startStack(options: StackOptions = {}): Promise<StackHandle> {
  const onProgress = options.onProgress ?? (() => undefined);
  const home = openHome(options.home);
  const ports = await choosePorts(options.ports ?? 'default');
  const running = readRunningState(home);
  if (running !== null) {
    throw new Error(
      `A stack is running in ${home.dir} (process ${running.starter.pid}). Stop it with "npm run stack:down", or choose another MILLRACE_HOME.`,
    );
  }
  const leftovers = await endLeftovers(home);
  if (leftovers.length > 0)
    onProgress({ step: 'leftovers', status: 'note', text: `Ended what a killed starter had left running: ${leftovers.join(', ')}` });
  await assertPortsFree(ports, options.apiPortToo ? ['api', ...partNames] : partNames);
  const prefix = options.prefix ?? process.env.MILLRACE_TOPIC_PREFIX ?? defaultPrefix;
  const jars = await installJars(onProgress, options.signal);
  const context: PartContext = {
    home,
    ports,
    controllerPort: await findFreePort(new Set(Object.values(ports))),
    prefix,
    secrets: readSecrets(home),
    jars,
    postgres: installPostgres(home, onProgress),
  };
  openFolder(home.logs);

  const watchdog = options.watchdog ?? startWatchdog();
  const children = new Map<PartName, Child>();
  const startedAt = new Date().toISOString();
  const starter = identify(process.pid);
  if (starter === null) throw new Error('This process cannot read its own start time.');
  const saveState = (ready: boolean): void => {
    const identities = [...children].flatMap(([name, child]) => {
      const identity = identify(child.pid);
      return identity === null ? [] : [[name, identity] as const];
    });
    const state: StackState = { starter, startedAt, ports, prefix, ready, parts: Object.fromEntries(identities) };
    writeState(home, state);
  };
  saveState(false);
  const launch = (name: PartName): Promise<void> => {
    const { passing } = parts[name];
    const again = handleWhen((error) => error instanceof EndedEarly && passing?.test(error.logEnd) === true);
    return retry(again, { maxAttempts: 40, backoff: new ConstantBackoff(250) }).execute(() => launchOnce(name));
  };
  let stopping = false;
  const launchOnce = async (name: PartName): Promise<void> => {
    const part = parts[name];
    const spec = await part.prepare(context);
    options.signal?.throwIfAborted();
    if (stopping) throw new Error('The stack is being stopped.');
    const child = await startChild(spec, watchdog);
    children.set(name, child);
    if (stopping || options.signal?.aborted) await child.stop();
    saveState(false);
    await part.ready(context, child);
    void child.exited.then((exit) => {
      if (!child.isStopping()) options.onDeath?.({ part: name, exit, logFile: child.logFile, logEnd: readLogEnd(child.logFile) });
    });
  };
  const stop = async (): Promise<void> => {
    stopping = true;
    for (const name of ['connect', 'kafka', 'registry', 'postgres'] as const) await children.get(name)?.stop();
    removeState(home);
    if (options.watchdog === undefined) await watchdog.close();
  };
  const giveUp = (): void => {
    for (const child of children.values()) void child.stop();
  };
  options.signal?.addEventListener('abort', giveUp);
  const step = (name: PartName): Promise<void> => runStep(onProgress, name, parts[name].title, () => launch(name));
  const outcomes = await Promise.allSettled([step('kafka').then(() => step('connect')), step('registry'), step('postgres')]);
  // A start ends all at once; a stack that serves is stopped in order, by whoever holds it, after what runs on it.
  options.signal?.removeEventListener('abort', giveUp);
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed !== undefined) {
    await stop();
    throw failed.reason;
  }
  saveState(true);
  const env = environmentOf(home, ports, prefix);
  writeEnvironment(home, starter, { ...env, MILLRACE_URL: `http://${host}:${ports.api}` });

  const childOf = (name: PartName): Child => {
    const child = children.get(name);
    if (child === undefined) throw new Error(`${parts[name].title} was never started.`);
    return child;
  };
  return {
    env,
    home: home.dir,
    ports,
    stop,
    kill: (name) => childOf(name).kill(),
    start: async (name) => {
      const exit = childOf(name).exit();
      if (exit === null) throw new Error(`${parts[name].title} is running.`);
      try {
        await launch(name);
      } catch (error) {
        // A part that runs and does not answer would be in the way of the next start.
        await childOf(name).kill();
        throw error;
      }
      saveState(true);
    },
    pause: async (name) => childOf(name).signal('SIGSTOP'),
    resume: async (name) => childOf(name).signal('SIGCONT'),
    logEnd: async (name, lines) => readLogEnd(childOf(name).logFile, lines),
  };
}

async function choosePorts(wanted: 'default' | 'free' | Ports): Promise<Ports> {
  if (wanted === 'free') return await findFreePorts();
  return wanted === 'default' ? readPorts(process.env) : wanted;
}

/** The engine's environment for the stack of a home that runs on these ports. */
export function environmentOf(home: Home, ports: Ports, prefix: string): Record<string, string> {
  return engineEnvironment({
    home: home.dir,
    prefix,
    brokers: `${host}:${ports.kafka}`,
    registryUrl: `http://${host}:${ports.registry}`,
    connectUrl: `http://${host}:${ports.connect}`,
    postgres: { host, port: ports.postgres },
    passwords: readSecrets(home),
    apiPort: ports.api,
  });
}

/** The steps that a start of this stack is going to report, in order. */
export function stackSteps(): { readonly step: string; readonly title: string }[] {
  return [...missingJars(), ...partNames.map((name) => ({ step: name, title: titleOf(name) }))];
}

/** A part's name and version, for people. */
export function titleOf(part: PartName): string {
  return parts[part].title;
}

/** An unexpected end as one message for a person. */
export function describeDeath(death: Death): string {
  return `${parts[death.part].title} ended by itself (${describeExit(death.exit)}). The end of ${death.logFile}:\n${death.logEnd}`;
}
