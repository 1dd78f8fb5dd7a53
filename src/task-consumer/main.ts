/**
 * The two processes that run tasks: the built-in one for `http` nodes, and the one for a user's handlers. The only file of this
 * folder that opens the log and the registry of an installation.
 */
import { createCodec } from '../messaging/codec.ts';
import { connectKafka } from '../messaging/kafkajs/index.ts';
import { connectRegistry } from '../messaging/registry.ts';
import type { Config } from '../service/config.ts';
import { kafkaOptions, registryOptions } from '../service/connections.ts';
import { type RunningProcess, type Service, startService } from '../service/process.ts';
import { loadHandlers } from './handler-module.ts';
import { createRestPayloads } from './references/rest-payloads.ts';
import { runHandlerTasks, runHttpTasks, type TaskSystems } from './run-tasks.ts';

/** What `loadConfig` must be asked for. */
export const workerConfigGroups = [
  'kafka',
  'registry',
  'topics',
  'worker',
  'continuation',
  'limits',
  'references',
  'service',
  'log',
] as const;
export type WorkerConfig = Pick<Config, (typeof workerConfigGroups)[number]>;

/** Runs the tasks of `http` nodes. Resolves when it has joined its group, however long the broker is away. */
export async function runTaskConsumer(config: WorkerConfig): Promise<RunningProcess> {
  return await startService('task-consumer', config, async (service) => {
    const { brokers } = config.kafka;
    const httpDeny = [...config.worker.httpDeny, ...brokers, hostAndPortOf(config.registry.url)];
    await runHttpTasks({ ...config, worker: { ...config.worker, httpDeny } }, service, connect(config, service));
  });
}

/**
 * Runs the handlers of a module on the queues that they name.
 * @param module path of a JavaScript or TypeScript module that exports what `defineTask` gave.
 * @throws HandlerModuleError when it holds none, or one that cannot be run.
 */
export async function runWorker(config: WorkerConfig, module: string): Promise<RunningProcess> {
  const handlers = await loadHandlers(module);
  return await startService('worker', config, async (service) => {
    await runHandlerTasks(config, service, connect(config, service), handlers);
  });
}

function hostAndPortOf(address: string): string {
  const { hostname, port, protocol } = new URL(address);
  return `${hostname}:${port === '' ? (protocol === 'https:' ? 443 : 80) : port}`;
}

function connect(config: WorkerConfig, { log }: Service): TaskSystems {
  const { url, workerKey } = config.references;
  return {
    log: connectKafka(kafkaOptions(config), log),
    codec: createCodec({ registry: connectRegistry(registryOptions(config)) }),
    payloads: url === null || workerKey === null ? null : createRestPayloads({ url, apiKey: workerKey, log }),
  };
}
