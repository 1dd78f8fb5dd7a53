/**
 * The two processes that run tasks: the built-in one for `http` nodes, and the one for a user's handlers. The only file
 * of this folder that knows which log and which registry there are. Needs no database.
 */
import { hostname } from 'node:os';
import { MillraceError } from '../core/error.ts';
import { type Codec, createCodec } from '../messaging/codec.ts';
import { connectKafka } from '../messaging/kafkajs/index.ts';
import type { Log, LogProducer } from '../messaging/log.ts';
import { connectRegistry } from '../messaging/registry.ts';
import { groupNames, topicNames } from '../messaging/topics.ts';
import { isRetryable, type RetryPolicy, retryForever } from '../service/backoff.ts';
import type { Config } from '../service/config.ts';
import { kafkaOptions, registryOptions } from '../service/connections.ts';
import { type RunningProcess, type Service, startService } from '../service/process.ts';
import type { Executor } from './executor.ts';
import { createHandlerExecutor } from './executors/handlers.ts';
import { createHttpExecutor } from './executors/http.ts';
import { loadHandlers } from './handler-module.ts';
import { TaskWorker } from './worker.ts';
import { createWorkerMetrics, type WorkerMetrics } from './worker-metrics.ts';

/** What `loadConfig` must be asked for. */
export const workerConfigGroups = ['kafka', 'registry', 'topics', 'worker', 'limits', 'service', 'log'] as const;
export type WorkerConfig = Pick<Config, (typeof workerConfigGroups)[number]>;

const HTTP_CONCURRENCY = 200;
const HANDLER_CONCURRENCY = 50;
/** The part of the shutdown time that tasks get; the rest is for sending outcomes and for leaving the group. */
const DRAIN_SHARE = 0.8;

/** Runs the tasks of `http` nodes. Resolves when it has joined its group, however long the broker is away. */
export async function runTaskConsumer(config: WorkerConfig): Promise<RunningProcess> {
  return await startService('task-consumer', config, async (service) => {
    const { httpAllowPrivate, httpAllow, httpResponseLimitBytes, httpRedirectsMax, concurrency } = config.worker;
    const executor = createHttpExecutor({
      allowPrivate: httpAllowPrivate,
      allow: httpAllow,
      responseLimitBytes: httpResponseLimitBytes,
      redirectsMax: httpRedirectsMax,
    });
    service.onStop('http connections', () => executor.close());
    await runQueues(config, service, executor, [null], concurrency ?? HTTP_CONCURRENCY);
  });
}

/**
 * Runs the handlers of a module on the queues that they name.
 * @param module path of a JavaScript or TypeScript module that exports what `defineTask` gave.
 * @throws HandlerModuleError when it holds none, or one that cannot be run.
 */
export async function runWorker(config: WorkerConfig, module: string): Promise<RunningProcess> {
  const handlers = await loadHandlers(module);
  const executor = createHandlerExecutor(handlers);
  return await startService('worker', config, async (service) => {
    const queues = [...new Set(handlers.map(({ queue }) => queue))];
    service.log.info({ handlers: handlers.map(({ name }) => name), queues }, 'Handlers loaded');
    await runQueues(config, service, executor, queues, config.worker.concurrency ?? HANDLER_CONCURRENCY);
  });
}

type Dependencies = {
  readonly config: WorkerConfig;
  readonly service: Service;
  readonly log: Log;
  readonly codec: Codec;
  readonly producer: LogProducer;
  readonly retry: RetryPolicy;
  readonly metrics: WorkerMetrics;
};

async function runQueues(
  config: WorkerConfig,
  service: Service,
  executor: Executor,
  queues: readonly (string | null)[],
  concurrency: number,
): Promise<void> {
  const log = connectKafka(kafkaOptions(config), service.log);
  const codec = createCodec({ registry: connectRegistry(registryOptions(config)) });
  const retry = retryForever(isRetryable, service.signal, service.log);
  const { notifications, deadLetters } = topicNames(config.topics.prefix);
  await retry('look up the schemas', () =>
    codec.prepare([
      { topic: notifications, record: 'TaskOutcome' },
      { topic: deadLetters, record: 'DeadLetter' },
    ]),
  );
  const producer = log.producer();
  service.onStop('producer', () => producer.stop());
  const workers: TaskWorker[] = [];
  const metrics = createWorkerMetrics(service.metrics, {
    inFlight: () => workers.reduce((sum, worker) => sum + worker.inFlight, 0),
    lag: () => workers.flatMap((worker) => worker.lag()),
  });
  const dependencies = { config, service, log, codec, producer, retry, metrics };
  service.onStop('tasks', () => Promise.all(workers.map((worker) => worker.stop(config.service.shutdownTimeoutMs * DRAIN_SHARE))));
  // All at once: a queue whose topic is missing must not keep the others waiting.
  await Promise.all(queues.map((queue) => runQueue(dependencies, executor, queue, concurrency, workers)));
}

async function runQueue(
  dependencies: Dependencies,
  executor: Executor,
  queue: string | null,
  concurrency: number,
  workers: TaskWorker[],
): Promise<void> {
  const { config, service, log, codec, producer, retry, metrics } = dependencies;
  const names = topicNames(config.topics.prefix);
  const topic = names.tasks(queue);
  const groupId = groupNames(config.topics.prefix).tasks(queue);
  await waitForTopic(log, topic, queue, retry);
  const worker = new TaskWorker({
    groupId,
    name: `${hostname()}:${process.pid}`,
    concurrency,
    executor,
    openConsumer: (handlers) => log.consumer({ groupId, topics: [topic], sessionTimeoutMs: config.kafka.sessionTimeoutMs, handlers }),
    producer,
    codec,
    topics: { notifications: names.notifications, deadLetters: names.deadLetters },
    maxMessageBytes: config.topics.maxMessageBytes,
    payloadBytes: config.limits.payloadBytes,
    retry,
    log: service.log,
    metrics,
  });
  workers.push(worker);
  service.health.check(`group ${groupId}`, () => (worker.isMember ? null : 'the group does not count this process at present'));
  await worker.start();
}

/** Deploying the first definition that uses a queue makes its topic; a worker may well be there before it. */
async function waitForTopic(log: Log, topic: string, queue: string | null, retry: RetryPolicy): Promise<void> {
  const admin = log.admin();
  try {
    await retry(`find the topic ${topic}`, async () => {
      const found = await admin.describeTopics([topic]);
      if (found.length > 0) return;
      const remedy = queue === null ? 'Run "millrace topics".' : `Deploy a definition that uses the queue "${queue}".`;
      throw new MillraceError('MR_TOPIC_MISSING', `There is no topic ${topic}. ${remedy}`, { retryable: true });
    });
  } finally {
    await admin.close();
  }
}
