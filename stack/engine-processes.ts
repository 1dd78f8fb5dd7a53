/** The engine's long-running processes beside the stack: started together, reported when one dies, stopped together. */
import { join } from 'node:path';
import { type EngineProcess, engineProcessEnvironment } from './engine.ts';
import { checkout } from './home.ts';
import { stopOrder } from './parts/part.ts';
import { type Child, describeExit, readLogEnd, startChild } from './process.ts';
import type { Watchdog } from './watchdog.ts';

export interface EngineGroup {
  readonly children: readonly Child[];
  /** Asks all of them to drain and end, and waits for it. */
  stop(): Promise<void>;
}

export interface EngineGroupOptions {
  readonly env: Readonly<Record<string, string>>;
  readonly logs: string;
  readonly watchdog: Watchdog;
  /** Called with the whole story when one ends that nobody stopped. */
  readonly onDeath: (report: string) => void;
}

/** Settings that belong to one process: two on a machine cannot listen on one port. */
export type ProcessSettings = (name: string) => Readonly<Record<string, string>>;

export async function startEngineProcesses(
  processes: readonly EngineProcess[],
  settings: ProcessSettings,
  options: EngineGroupOptions,
): Promise<EngineGroup> {
  const children: Child[] = [];
  for (const { name, command } of processes) {
    const child = await startChild(
      {
        name,
        command: process.execPath,
        args: command,
        env: { ...engineProcessEnvironment(options.env), ...settings(name) },
        cwd: checkout,
        logFile: join(options.logs, `${name}.log`),
        stopSignal: 'SIGTERM',
        stopGraceMs: 20_000,
        order: stopOrder.engine,
      },
      options.watchdog,
    );
    children.push(child);
    void child.exited.then((exit) => {
      if (child.isStopping()) return;
      options.onDeath(`${name} ended by itself (${describeExit(exit)}). The end of ${child.logFile}:\n${readLogEnd(child.logFile)}`);
    });
  }
  return {
    children,
    stop: async () => {
      await Promise.all(children.map((child) => child.stop()));
    },
  };
}
