/**
 * What every long-running process has in common. `startService` gives a process's setup function a logger, metrics, health
 * checks and shutdown, and closes everything again if the setup fails; `runProcess` adds signals and exit codes.
 */

import { MillraceError } from '../core/error.ts';
import { blameOf } from '../core/error-codes.ts';
import type { Config } from './config.ts';
import { ConfigError } from './config.ts';
import { createHealth, type Health, startMonitoring } from './health.ts';
import { createLogger, type Logger } from './logging.ts';
import { type LoopOptions, startLoop } from './loop.ts';
import { watchLoopDelay } from './loop-delay.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { type Closer, createShutdown, type Shutdown } from './shutdown.ts';

export interface RunningProcess {
  /** Finishes current work and closes everything. Rejects if something could not be closed; may be called twice. */
  stop(): Promise<void>;
  /** Rejects when the process must end, since what it stands on was set up otherwise meanwhile. Absent where it stands on nothing. */
  readonly unusable?: Promise<never>;
}

export type Service = {
  readonly name: string;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly health: Health;
  /** Aborts when the process is told to end: start no new work. */
  readonly signal: AbortSignal;
  /** Registers a function that closes a part. Parts are closed in reverse order. */
  onStop(part: string, close: Closer): void;
  /** Repeats work until the process is told to end, and then waits for the current round; see `startLoop`. */
  repeat(what: string, round: LoopOptions['round']): void;
  /** The process must end: to go on would not be safe, whatever else still works. */
  fail(error: MillraceError): void;
};

export type ServiceOptions = {
  /** false for the API, which serves health and metrics on its own port. Default true. */
  readonly monitoring?: boolean;
};

/** Of the services whose setup has not ended. */
const starting = new Set<Shutdown>();

/** @param setup opens what the process needs and resolves when the process works. If it throws, what it registered is closed. */
export async function startService(
  name: string,
  config: Pick<Config, 'service' | 'log'>,
  setup: (service: Service) => Promise<void>,
  { monitoring = true }: ServiceOptions = {},
): Promise<RunningProcess> {
  const log = createLogger({ name, level: config.log.level });
  const metrics = createMetrics(name);
  const health = createHealth();
  const shutdown = createShutdown(log, config.service.shutdownTimeoutMs, () => health.drain());
  const { signal, add: onStop } = shutdown;
  starting.add(shutdown);
  const unusable = Promise.withResolvers<never>();
  // Whoever does not wait for it, such as a test, has no use for it.
  unusable.promise.catch(() => undefined);
  const repeat = (what: string, round: LoopOptions['round']): void => {
    const { ended } = startLoop({ what, round, signal, log });
    onStop(what, () => ended);
  };
  const service: Service = { name, log, metrics, health, signal, onStop, repeat, fail: unusable.reject };
  let started = false;
  health.check('start', () => (started ? null : 'still starting'));
  try {
    const { host, metricsPort } = config.service;
    if (monitoring && metricsPort !== 0) {
      const server = await startMonitoring({ host, port: metricsPort, health, registry: metrics.registry });
      shutdown.add('monitoring', () => server.close());
    }
    await setup(service);
  } catch (error) {
    // Errors while closing are logged by the shutdown; the error of the start is the one to throw.
    await Promise.allSettled([shutdown.run()]);
    throw error;
  } finally {
    starting.delete(shutdown);
  }
  onStop('loop delay', watchLoopDelay(service));
  started = true;
  log.info('Started');
  return {
    async stop() {
      log.info('Stopping');
      await shutdown.run();
      log.info('Stopped');
    },
    unusable: unusable.promise,
  };
}

/** From sysexits.h: tells init systems that configuration or set-up are wrong, and that a restart changes nothing. */
export const EXIT_CONFIG = 78;
/** Ctrl-C sends SIGINT to a process from the terminal, and its parent process may send it again. */
const SAME_INTERRUPT_MS = 2_000;

/**
 * Runs until a signal, then stops and ends the process. What a person must set up otherwise ends it with code 78, an error that
 * is not caught with 1.
 */
export async function runProcess(name: string, main: () => Promise<RunningProcess>): Promise<void> {
  const log = createLogger({ name, level: 'info' });
  const fail = (message: string, error: unknown): never => {
    log.fatal({ err: error }, message);
    if (!isSetupFault(error)) process.exit(1);
    process.stderr.write(`${message}: ${error.message} (${error.code})\n`);
    process.exit(EXIT_CONFIG);
  };
  process.on('unhandledRejection', (error) => fail('Unhandled rejection', error));
  process.on('uncaughtException', (error) => fail('Uncaught exception', error));

  let running: RunningProcess | undefined;
  let askedAt: number | undefined;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (askedAt === undefined) {
      askedAt = performance.now();
      // A part may work while others still start: a worker runs tasks before it has joined its last queue.
      const stopped = running === undefined ? Promise.all([...starting].map((shutdown) => shutdown.run())) : running.stop();
      stopped.then(
        () => process.exit(0),
        (error: unknown) => fail('Stopped, but not everything could be closed', error),
      );
    } else if (signal === 'SIGINT' && performance.now() - askedAt > SAME_INTERRUPT_MS) {
      // A second Ctrl-C: the person does not want to wait.
      process.exit(130);
    }
  };
  // Only a signal or an error ends this process, never an event loop with nothing to do.
  setInterval(() => undefined, 60_000);
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  try {
    running = await main();
  } catch (error) {
    // It was told to end, which ends its start.
    if (askedAt !== undefined) return;
    if (!(error instanceof ConfigError)) return fail('Could not start', error);
    process.stderr.write(`${error.message}\n`);
    process.exit(EXIT_CONFIG);
  }
  await running.unusable?.catch(async (error: unknown) => {
    // What does not close was told by the shutdown.
    await Promise.allSettled([running?.stop()]);
    return fail('Cannot go on', error);
  });
}

function isSetupFault(error: unknown): error is MillraceError {
  return error instanceof MillraceError && blameOf(error.code) === 'setup';
}
