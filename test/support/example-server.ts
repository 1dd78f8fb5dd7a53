/** The server of an example as a process of its own, on a free port. */
import { join } from 'node:path';
import { exampleServer } from '../../stack/engine.ts';
import { checkout } from '../../stack/home.ts';
import { stopOrder } from '../../stack/parts/part.ts';
import { findFreePort } from '../../stack/ports.ts';
import { startChild } from '../../stack/process.ts';
import { host } from '../../stack/settings.ts';
import { probeHttp, waitReady } from '../../stack/wait.ts';
import { startWatchdog } from '../../stack/watchdog.ts';
import { stackEnv } from './env.ts';

export type ExampleServer = { readonly url: string; stop(): Promise<void> };

/** Resolves when it listens. @param probe a path that it answers with 200. */
export async function startExampleServer(example: string, probe: string): Promise<ExampleServer> {
  const port = await findFreePort();
  const url = `http://${host}:${port}`;
  const watchdog = startWatchdog();
  const child = await startChild(
    {
      name: `server-${example}`,
      command: process.execPath,
      args: [join(checkout, 'examples', example, 'server.ts')],
      env: { PATH: process.env.PATH ?? '', [exampleServer.variable]: String(port) },
      cwd: checkout,
      logFile: join(stackEnv().MILLRACE_HOME ?? checkout, 'logs', `server-${example}-${process.pid}.log`),
      stopSignal: 'SIGTERM',
      stopGraceMs: 5_000,
      order: stopOrder.engine,
    },
    watchdog,
  );
  const stop = async (): Promise<void> => {
    await child.stop();
    await watchdog.close();
  };
  try {
    await waitReady(child, () => probeHttp(`${url}${probe}`), 30_000);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, stop };
}
