/**
 * The whole engine in one process, for authors and for tests: the same API, orchestrator and task workers that run elsewhere
 * as processes of their own, on stores and a log in memory. It starts in less than a second, and keeps nothing.
 */
import { randomBytes } from 'node:crypto';
import { serveApi } from '../api/serve-api.ts';
import { orchestrate } from '../orchestrator/orchestrate.ts';
import type { Config, LogLevel } from '../service/config.ts';
import { createLogger } from '../service/logging.ts';
import { type RunningProcess, type Service, startService } from '../service/process.ts';
import type { OutboxProbes } from '../store/maintenance.ts';
import { queuesOf, runHandlerTasks, runHttpTasks } from '../task-consumer/run-tasks.ts';
import type { TaskDefinition } from '../worker/index.ts';
import { createMemorySystems } from './memory-systems.ts';
import { createOutboxPublisher } from './publish-outbox.ts';

/** What `loadConfig` must be asked for: nothing that says where a database or a broker is. */
export const devConfigGroups = [
  'topics',
  'api',
  'worker',
  'orchestrator',
  'continuation',
  'limits',
  'references',
  'service',
  'log',
] as const;
export type DevConfig = Pick<Config, (typeof devConfigGroups)[number]>;

export interface DevEngine extends RunningProcess {
  /** Where the API listens, e.g. `http://127.0.0.1:8080`. */
  readonly url: string;
  /** An admin key: that of the configuration, else a new one. */
  readonly apiKey: string;
}

export type DevOptions = {
  readonly handlers?: readonly TaskDefinition[];
  /** The least important lines of handlers that are logged; default as for the rest. */
  readonly handlerLogLevel?: LogLevel;
};

/** Members of a group in memory never miss a heartbeat. */
const SESSION_TIMEOUT_MS = 30_000;

/** Resolves when everything runs. If one part cannot start, the others are stopped again. */
export async function startDevEngine(given: DevConfig, { handlers = [], handlerLogLevel }: DevOptions = {}): Promise<DevEngine> {
  const apiKey = given.api.apiKey ?? `mr_${randomBytes(32).toString('base64url')}`;
  const config = { ...given, api: { ...given.api, apiKey }, kafka: { sessionTimeoutMs: SESSION_TIMEOUT_MS } };
  const systems = await createMemorySystems(config, queuesOf(handlers), createLogger({ name: 'log', level: config.log.level }));
  const { outbox, log } = systems;
  const published = firstProbe(systems.probes);
  let url = '';
  const running: RunningProcess[] = [];
  const start = async (name: string, run: (service: Service) => Promise<void>, level = config.log.level): Promise<void> => {
    running.push(await startService(name, { ...config, log: { level } }, run, { monitoring: false }));
  };
  const stop = async (): Promise<void> => {
    const failures: unknown[] = [];
    for (const each of running.splice(0).toReversed()) await each.stop().catch((error: unknown) => failures.push(error));
    if (failures.length > 0) throw new AggregateError(failures, 'Some parts could not be closed');
  };
  try {
    await start('publisher', async (service) => {
      const producer = log.producer();
      service.onStop('producer', () => producer.stop());
      service.repeat('publish the outbox', createOutboxPublisher(outbox, producer, service.signal));
    });
    await start('orchestrator', (service) => orchestrate(config, service, { ...systems, probes: published.probes }));
    await start('task-consumer', (service) => runHttpTasks(config, service, systems));
    if (handlers.length > 0) await start('worker', (service) => runHandlerTasks(config, service, systems, handlers), handlerLogLevel);
    // Otherwise the first starts would be refused.
    await published.cameBack;
    await start('api', async (service) => {
      url = await serveApi(config, service, systems);
    });
  } catch (error) {
    // The error of the start is the one to throw; those of closing are logged.
    await Promise.allSettled([stop()]);
    throw error;
  }
  return { url, apiKey, stop };
}

/** The probes, and when the first of them came back. */
function firstProbe(probes: OutboxProbes): { readonly probes: OutboxProbes; readonly cameBack: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const cameBack: OutboxProbes['cameBack'] = async (id) => {
    const isLast = await probes.cameBack(id);
    resolve();
    return isLast;
  };
  return { probes: { send: (topic, times) => probes.send(topic, times), cameBack }, cameBack: promise };
}
