/** The engine's long-running processes beside the stack: started together, started again when one dies, stopped together. */
import { join } from 'node:path';
import { type EngineProcess, engineProcessEnvironment } from './engine.ts';
import { checkout } from './home.ts';
import { stopOrder } from './parts/part.ts';
import { type Child, type ChildSpec, describeExit, readLogEnd, startChild } from './process.ts';
import { environmentFor } from './process-environment.ts';
import type { Restarter } from './restarter.ts';
import type { Watchdog } from './watchdog.ts';

export interface EngineGroup {
  /** Those that were started last; one that has died stays in it until it is started again. */
  readonly children: () => readonly Child[];
  /** Asks all of them to drain and end, and waits for it. */
  stop(): Promise<void>;
}

export interface EngineGroupOptions {
  readonly env: Readonly<Record<string, string>>;
  readonly logs: string;
  readonly watchdog: Watchdog;
  /** Told of each process that ended though nobody stopped it. Must be stopped before the group is. */
  readonly restarter: Pick<Restarter, 'restart' | 'isStopping'>;
}

/** Settings that belong to one process: two on a machine cannot listen on one port. */
export type ProcessSettings = (name: string) => Readonly<Record<string, string>>;

export async function startEngineProcesses(
  processes: readonly EngineProcess[],
  settings: ProcessSettings,
  { env, logs, watchdog, restarter }: EngineGroupOptions,
): Promise<EngineGroup> {
  const children = new Map<string, Child>();
  const start = async (spec: ChildSpec): Promise<void> => {
    const child = await startChild(spec, watchdog);
    children.set(spec.name, child);
    if (restarter.isStopping) return await child.stop();
    void child.exited.then((exit) => {
      if (child.isStopping()) return;
      const end = `The end of ${child.logFile}:\n${readLogEnd(child.logFile)}`;
      restarter.restart(spec.name, `${spec.name} ended by itself (${describeExit(exit)}). ${end}`, exit, () => start(spec));
    });
  };
  for (const { name, role, command } of processes)
    await start({
      name,
      command: process.execPath,
      args: command,
      env: { ...environmentFor(role, engineProcessEnvironment(env)), ...settings(name) },
      cwd: checkout,
      logFile: join(logs, `${name}.log`),
      stopSignal: 'SIGTERM',
      stopGraceMs: 20_000,
      order: stopOrder.engine,
    });
  return {
    children: () => [...children.values()],
    stop: async () => {
      await Promise.all([...children.values()].map((child) => child.stop()));
    },
  };
}
