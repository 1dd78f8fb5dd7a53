/**
 * The stack in the background. `stack:up` starts a supervisor, a process of its own that holds the stack as `npm start`
 * does; `stack:down` asks whoever holds it to stop. The supervisor tells its progress over IPC until the stack is up.
 */
import { fork } from 'node:child_process';
import { openSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Home, openFolder } from './home.ts';
import { readLogEnd } from './process.ts';
import type { ProgressEvent } from './progress.ts';
import { print, printProgress } from './report.ts';
import { startRestartedStack } from './restarted-stack.ts';
import { Restarter } from './restarter.ts';
import { watchShutdownRequests } from './shutdown.ts';
import { endLeftovers, isGoneWithin, readRunningState } from './state.ts';

type Message =
  | { readonly type: 'progress'; readonly event: ProgressEvent }
  | { readonly type: 'ready' }
  | { readonly type: 'failed'; readonly reason: string };

/** Starts the stack unless it runs; resolves when every part serves. */
export async function bringUp(home: Home): Promise<void> {
  if (readRunningState(home)?.ready) return print('The stack is running already.');
  openFolder(home.logs);
  const logFile = join(home.logs, 'supervisor.log');
  const log = openSync(logFile, 'w', 0o600);
  const supervisor = fork(fileURLToPath(new URL('./cli.ts', import.meta.url)), ['supervise'], {
    detached: true,
    stdio: ['ignore', log, log, 'ipc'],
    env: { ...process.env, MILLRACE_HOME: home.dir, MILLRACE_PARENT_PIPE: '' },
  });
  // Until the stack is up, Ctrl-C of this terminal stops the start; afterwards the supervisor goes on without this process.
  const interrupt = (): boolean => supervisor.kill('SIGTERM');
  process.once('SIGINT', interrupt);
  await new Promise<void>((resolve, reject) => {
    supervisor.on('message', (message: Message) => {
      if (message.type === 'progress') printProgress(message.event);
      else if (message.type === 'ready') resolve();
      else reject(new Error(message.reason));
    });
    supervisor.once('exit', () => reject(new Error(`The stack did not start. The end of ${logFile}:\n${readLogEnd(logFile)}`)));
  });
  process.off('SIGINT', interrupt);
  supervisor.disconnect();
  supervisor.unref();
}

/** Stops whatever keeps a stack running in this home, and what a dead starter left; false when there was nothing. */
export async function bringDown(home: Home): Promise<boolean> {
  const running = readRunningState(home);
  if (running === null) return (await endLeftovers(home)).length > 0;
  process.kill(running.starter.pid, 'SIGTERM');
  if (!(await isGoneWithin(running.starter, 60_000)))
    throw new Error(`Process ${running.starter.pid}, which keeps the stack running, did not end within 60 s.`);
  return true;
}

/** The background process itself: holds the stack until it is told to stop. */
export async function supervise(home: Home): Promise<number> {
  const requests = watchShutdownRequests();
  const tell = (message: Message): void => {
    if (process.connected) process.send?.(message);
  };
  const restarter = new Restarter({ tell: (report) => print(`${new Date().toISOString()} ${report}`) });
  try {
    const onProgress = (event: ProgressEvent): void => tell({ type: 'progress', event });
    const stack = await startRestartedStack({ home: home.dir, signal: requests.stop, onProgress }, restarter);
    tell({ type: 'ready' });
    await new Promise<void>((resolve) => {
      if (requests.stop.aborted) resolve();
      // An interval keeps the process alive: its children run detached and its pipes are not counted.
      const alive = setInterval(() => undefined, 60_000);
      requests.stop.addEventListener('abort', () => {
        clearInterval(alive);
        resolve();
      });
    });
    const restarts = restarter.stop();
    await stack.stop();
    await restarts;
    return 0;
  } catch (error) {
    const reason = requests.stop.aborted
      ? 'The start was interrupted; what had started is stopped again.'
      : error instanceof Error
        ? error.message
        : String(error);
    tell({ type: 'failed', reason });
    print(reason);
    if (process.connected) process.disconnect();
    return 1;
  }
}
