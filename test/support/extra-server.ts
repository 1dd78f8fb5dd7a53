/** A server of one test file beside the stack: held by a watchdog as the stack's parts are, so that it never outlives the tests. */
import { type Child, type ChildSpec, startChild } from '../../stack/process.ts';
import { startWatchdog } from '../../stack/watchdog.ts';

/** Resolves when it is ready. One that does not get ready is ended before this rejects. @returns what stops it. */
export async function startExtraServer(spec: ChildSpec, ready: (child: Child) => Promise<void>): Promise<() => Promise<void>> {
  const watchdog = startWatchdog();
  try {
    const child = await startChild(spec, watchdog);
    await ready(child);
    return async () => {
      await child.stop();
      await watchdog.close();
    };
  } catch (error) {
    await watchdog.close();
    throw error;
  }
}
