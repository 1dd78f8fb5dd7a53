/**
 * The shell of every long-running process. `startService` gives a process's main function its logger, metrics, health
 * and shutdown, and takes everything down again if it fails half-way; `runProcess` ties one to signals and exit codes.
 */

import type { Config } from './config.ts';
import { ConfigError } from './config.ts';
import { createHealth, type Health, startMonitoring } from './health.ts';
import { createLogger, type Logger } from './logging.ts';
import { type LoopOptions, startLoop } from './loop.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { type Closer, createShutdown } from './shutdown.ts';

export interface RunningProcess {
  /** Drains and closes everything. Rejects when that did not go in order; may be called twice. */
  stop(): Promise<void>;
}

export type Service = {
  readonly name: string;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly health: Health;
  /** Aborts when the process is told to end: begin nothing new. */
  readonly signal: AbortSignal;
  /** What is opened later is closed earlier. */
  onStop(part: string, close: Closer): void;
  /** Does work again and again until the process is told to end, and ends after the turn under way; see `startLoop`. */
  repeat(what: string, turn: LoopOptions['turn']): void;
};

export type ServiceOptions = {
  /** false for the API, which serves health and metrics on its own port. Default true. */
  readonly monitoring?: boolean;
};

/** @param setup opens what the process needs and returns when it works. What it registered is closed if it throws. */
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
  const repeat = (what: string, turn: LoopOptions['turn']): void => {
    const { ended } = startLoop({ what, turn, signal, log });
    onStop(what, () => ended);
  };
  const service: Service = { name, log, metrics, health, signal, onStop, repeat };
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
    // The reason of the failed start matters more than how its remains were closed, which shutdown has logged.
    await Promise.allSettled([shutdown.run()]);
    throw error;
  }
  started = true;
  log.info('Started');
  return {
    async stop() {
      log.info('Stopping');
      await shutdown.run();
      log.info('Stopped');
    },
  };
}

/** From sysexits.h: how init systems tell a bad configuration from a crash. */
export const EXIT_CONFIG = 78;
/** Ctrl-C reaches a process once from the terminal and again from whoever started it. */
const SAME_INTERRUPT_MS = 2_000;

/** Runs until a signal, then stops in order and ends the process. Anything thrown and not caught ends it with code 1. */
export async function runProcess(name: string, main: () => Promise<RunningProcess>): Promise<void> {
  const log = createLogger({ name, level: 'info' });
  const fail = (message: string, error: unknown): never => {
    log.fatal({ err: error }, message);
    process.exit(1);
  };
  process.on('unhandledRejection', (error) => fail('Unhandled rejection', error));
  process.on('uncaughtException', (error) => fail('Uncaught exception', error));

  let running: RunningProcess | undefined;
  let askedAt: number | undefined;
  const onSignal = (signal: NodeJS.Signals): void => {
    // What has not started has nothing to finish, and may be waiting for a broker that never comes.
    if (running === undefined) process.exit(0);
    if (askedAt === undefined) {
      askedAt = performance.now();
      running.stop().then(
        () => process.exit(0),
        (error: unknown) => fail('Stopped, but not in order', error),
      );
    } else if (signal === 'SIGINT' && performance.now() - askedAt > SAME_INTERRUPT_MS) {
      // A second Ctrl-C of a person who does not want to wait.
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
    if (!(error instanceof ConfigError)) return fail('Could not start', error);
    process.stderr.write(`${error.message}\n`);
    process.exit(EXIT_CONFIG);
  }
}
