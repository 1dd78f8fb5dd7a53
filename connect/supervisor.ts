/**
 * Watches the connector and restarts its failed parts, for ever, with growing pauses: a failed task stays failed until it is
 * restarted, and nothing is published meanwhile. Any number of processes may watch at the same time. It never creates the
 * connector, and never resumes one that a person paused. It cannot recognise a task that is RUNNING and waits: the alarm for that
 * is on the age of the outbox.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { ExponentialBackoff, type IBackoff } from 'cockatiel';
import { isRetryable } from '../src/service/backoff.ts';
import type { Logger } from '../src/service/logging.ts';
import { connectorMetrics, type Metrics } from '../src/service/metrics.ts';
import { type ConnectOptions, connectApi, isRunning, type Runner, runners, summariseTrace } from './connect-api.ts';
import { connectorName } from './connector.ts';

/** Result of the last check. */
export type ConnectorHealth =
  | { readonly state: 'unknown' | 'running' | 'starting' }
  /** Connect does not answer, refuses the request, or has no such connector; or somebody paused or stopped it; or it failed. */
  | { readonly state: 'away' | 'missing' | 'paused' | 'failed'; readonly reason: string };

export type ConnectorSupervisor = {
  /** Starts watching; never rejects. */
  start(): void;
  /** Resolves when the watching has ended. */
  stop(): Promise<void>;
  status(): ConnectorHealth;
};

export type ConnectorSupervisorOptions = {
  readonly connect: ConnectOptions;
  readonly prefix: string;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Default 5 000. */
  readonly lookEveryMs?: number;
  /** Longest pause between two restarts; default two minutes. */
  readonly restartDelayMsMax?: number;
};

/** After it has run for so long, the next failure is restarted at once again. */
const HEALED_AFTER_MS = 120_000;

export function createConnectorSupervisor(options: ConnectorSupervisorOptions): ConnectorSupervisor {
  const { prefix, log, metrics, lookEveryMs = 5_000, restartDelayMsMax = 120_000 } = options;
  const controller = new AbortController();
  const api = connectApi({ timeoutMs: 10_000, ...options.connect, signal: controller.signal });
  const name = connectorName(prefix);
  const backoff = new ExponentialBackoff({ initialDelay: lookEveryMs, maxDelay: restartDelayMsMax });
  let health: ConnectorHealth = { state: 'unknown' };
  /** Tasks (null: the connector) whose present failure has been logged. */
  let told = new Set<number | null>();
  let pause: IBackoff<unknown> | null = null;
  let restartAt = 0;
  let runningSince: number | null = null;
  let loop: Promise<void> = Promise.resolve();

  const { failures } = connectorMetrics(metrics, () => health.state === 'running');

  async function look(): Promise<ConnectorHealth> {
    const status = await api.status(name);
    if (status === null) return { state: 'missing', reason: `Connect knows no connector ${name}; run "millrace connector apply"` };
    const failed = runners(status).filter(({ state }) => state === 'FAILED');
    if (failed.length > 0) return await restart(failed);
    told = new Set();
    if (isRunning(status)) {
      runningSince ??= performance.now();
      if (performance.now() - runningSince >= HEALED_AFTER_MS) pause = null;
      return { state: 'running' };
    }
    runningSince = null;
    const { state } = status.connector;
    return state === 'PAUSED' || state === 'STOPPED'
      ? { state: 'paused', reason: `somebody has set it to ${state}` }
      : { state: 'starting' };
  }

  async function restart(failed: readonly Runner[]): Promise<ConnectorHealth> {
    runningSince = null;
    for (const runner of failed) tell(runner);
    const reason = failed.map(({ trace }) => summariseTrace(trace)).join('; ');
    if (performance.now() < restartAt) return { state: 'failed', reason };
    pause = pause?.next(undefined) ?? backoff.next();
    restartAt = performance.now() + pause.duration;
    await api.restartFailed(name);
    // If it has failed at the next check, that is a new failure.
    told = new Set();
    log.info({ connector: name, retryInMs: Math.round(pause.duration) }, 'Restarted what had failed of the connector');
    return { state: 'failed', reason };
  }

  function tell({ task, trace }: Runner): void {
    if (told.has(task)) return;
    told.add(task);
    failures.inc({ part: task === null ? 'connector' : 'task' });
    log.error({ connector: name, task, reason: summariseTrace(trace) }, 'The connector has failed: nothing leaves the outbox');
  }

  async function lookOnce(): Promise<void> {
    const before = health;
    try {
      health = await look();
    } catch (error) {
      runningSince = null;
      health = { state: 'away', reason: error instanceof Error ? error.message : 'no answer' };
      // A refusal does not pass by itself, but whoever corrects the cause should not have to restart this process.
      if (before.state !== 'away') log.warn({ err: error, passes: isRetryable(error) }, 'Kafka Connect does not answer; trying again');
    }
    if (health.state === before.state) return;
    if (health.state === 'missing' || health.state === 'paused')
      log.warn({ connector: name, reason: health.reason }, 'The connector does not run: nothing leaves the outbox');
    if (health.state === 'running') log.info({ connector: name }, 'The connector runs');
  }

  async function run(): Promise<void> {
    while (!controller.signal.aborted) {
      await lookOnce();
      // Rejects when it is aborted, which ends the loop.
      await sleep(lookEveryMs, undefined, { signal: controller.signal, ref: false }).catch(() => undefined);
    }
  }

  return {
    start() {
      loop = run();
    },
    async stop() {
      controller.abort();
      await loop;
    },
    status: () => health,
  };
}
