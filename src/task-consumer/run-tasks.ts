/**
 * Runs tasks from a given log: those of `http` nodes, or those of a user's handlers, one worker for each queue. `main.ts` gives
 * the log of an installation; `millrace dev` gives the one in memory. Needs no database.
 */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { MillraceError } from '../core/error.ts';
import { queueName } from '../core/queues.ts';
import type { Codec } from '../messaging/codec.ts';
import type { Log, LogProducer } from '../messaging/log.ts';
import { groupNames, topicNames } from '../messaging/topics.ts';
import { isRetryable, type RetryPolicy, retryForever } from '../service/backoff.ts';
import type { Config } from '../service/config.ts';
import type { Service } from '../service/process.ts';
import { type ConfiguredLimits, runLimitsOf } from '../service/run-limits.ts';
import type { TaskDefinition } from '../worker/index.ts';
import { KnownDefinitions } from './continuation/known-definitions.ts';
import type { Executor } from './executor.ts';
import { createHandlerExecutor } from './executors/handlers.ts';
import { createHttpExecutor } from './executors/http.ts';
import { QueueStates } from './queue-states.ts';
import type { TaskPayloads } from './references/task-payloads.ts';
import { withReferences } from './references/with-references.ts';
import { createSecretSource } from './secrets/secret-source.ts';
import { withSecrets } from './secrets/with-secrets.ts';
import { TaskWorker } from './worker.ts';
import { createWorkerMetrics, type WorkerMetrics } from './worker-metrics.ts';

/** What task workers work on. */
export type TaskSystems = {
  readonly log: Log;
  /** Its schemas are looked up here. */
  readonly codec: Codec;
  /** Of tasks whose inputs or outputs are too large for a record; null: this process was not told where they are. */
  readonly payloads: TaskPayloads | null;
};

export type RunTasksConfig = Pick<Config, 'topics' | 'worker' | 'continuation' | 'limits' | 'service'> & {
  readonly kafka: Pick<Config['kafka'], 'sessionTimeoutMs'>;
};

const HTTP_CONCURRENCY = 200;
const HANDLER_CONCURRENCY = 50;
/** The part of the shutdown time that tasks get; the rest is for sending outcomes and for leaving the group. */
const DRAIN_SHARE = 0.8;

/** Runs the tasks of `http` nodes. Resolves when it has joined its group. */
export async function runHttpTasks(config: RunTasksConfig, service: Service, systems: TaskSystems): Promise<void> {
  const { httpAllowPrivate, httpAllow, httpDeny, httpResponseLimitBytes, httpRedirectsMax, concurrency } = config.worker;
  const executor = createHttpExecutor({
    allowPrivate: httpAllowPrivate,
    allow: httpAllow,
    deny: httpDeny,
    responseLimitBytes: httpResponseLimitBytes,
    redirectsMax: httpRedirectsMax,
  });
  service.onStop('http connections', () => executor.close());
  await runQueues(config, service, systems, { executor, queues: [null], concurrency: concurrency ?? HTTP_CONCURRENCY });
}

/** Runs handlers on the queues that they name. Resolves when it has joined all groups. */
export async function runHandlerTasks(
  config: RunTasksConfig,
  service: Service,
  systems: TaskSystems,
  handlers: readonly TaskDefinition[],
): Promise<void> {
  const executor = createHandlerExecutor(handlers);
  const queues = queuesOf(handlers);
  service.log.info({ handlers: handlers.map(({ name }) => name), queues }, 'Handlers loaded');
  await runQueues(config, service, systems, { executor, queues, concurrency: config.worker.concurrency ?? HANDLER_CONCURRENCY });
}

export function queuesOf(handlers: readonly TaskDefinition[]): readonly string[] {
  return [...new Set(handlers.map(({ queue }) => queue))];
}

type Work = { readonly executor: Executor; readonly queues: readonly (string | null)[]; readonly concurrency: number };

type Dependencies = TaskSystems & {
  readonly config: RunTasksConfig;
  readonly limits: ConfiguredLimits;
  readonly service: Service;
  readonly producer: LogProducer;
  readonly retry: RetryPolicy;
  readonly metrics: WorkerMetrics;
  readonly workers: TaskWorker[];
  /** null: workers go on with nothing by themselves. */
  readonly definitions: KnownDefinitions | null;
  readonly queues: QueueStates;
};

async function runQueues(config: RunTasksConfig, service: Service, systems: TaskSystems, given: Work): Promise<void> {
  const { log, codec, payloads } = systems;
  const limits = runLimitsOf(config);
  const executor = withSecrets(given.executor, createSecretSource(process.env, config.worker.secretsDir));
  const work = { ...given, executor: withReferences(executor, { payloads, limits }) };
  if (limits.referenceBytes > 0 && payloads === null)
    service.log.warn('Tasks with large inputs or outputs will fail here: set MILLRACE_URL and MILLRACE_WORKER_API_KEY');
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
  const definitions = config.continuation.isOn ? readDefinitions(config, service, systems, retry) : null;
  const queues = readQueues(config, service, systems, retry);
  const dependencies = { config, limits, service, log, codec, payloads, producer, retry, metrics, workers, definitions, queues };
  service.onStop('tasks', () => Promise.all(workers.map((worker) => worker.stop(config.service.shutdownTimeoutMs * DRAIN_SHARE))));
  // All at the same time: a queue whose topic does not exist must not delay the others.
  await Promise.all(work.queues.map((queue) => runQueue(dependencies, work, queue)));
}

async function runQueue(dependencies: Dependencies, { executor, concurrency }: Work, queue: string | null): Promise<void> {
  const { config, limits, service, log, codec, producer, retry, metrics, workers, definitions, queues } = dependencies;
  const names = topicNames(config.topics.prefix);
  const topic = names.tasks(queue);
  const groupId = groupNames(config.topics.prefix).tasks(queue);
  await waitForTopic(log, topic, queue, retry);
  const admin = log.admin();
  service.onStop(`offsets of ${groupId}`, () => admin.close());
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
    payloadBytes: limits.payloadBytes,
    retry,
    signal: service.signal,
    log: service.log,
    metrics,
    readRunNotes: () => admin.committedNotes(groupId, topic),
    // Until it is known whether the queue is paused.
    isPaused: true,
    ...(definitions === null ? {} : { continuation: { queue, definitions, limits } }),
  });
  workers.push(worker);
  queues.follow(queueName(queue), (isPaused) => worker.setPaused(isPaused));
  service.health.check(`group ${groupId}`, () => (worker.isMember ? null : 'this process is not a member of the group at present'));
  await worker.start();
}

/** In the background: until it has read them, this process goes on with nothing by itself. */
function readDefinitions(config: RunTasksConfig, service: Service, { log, codec }: TaskSystems, retry: RetryPolicy): KnownDefinitions {
  const { definitions: topic } = topicNames(config.topics.prefix);
  const known = new KnownDefinitions({ codec, log: service.log });
  const reader = known.reader(log, topic, `${topic}.${randomUUID()}`);
  service.onStop('definitions', () => reader.stop());
  waitForTopic(log, topic, null, retry)
    .then(() => reader.start())
    .catch((error: unknown) => {
      if (!service.signal.aborted) throw error;
    });
  return known;
}

/** In the background: workers join their groups meanwhile, and begin nothing. */
function readQueues(config: RunTasksConfig, service: Service, { log, codec }: TaskSystems, retry: RetryPolicy): QueueStates {
  const { queues: topic } = topicNames(config.topics.prefix);
  const states = new QueueStates({ codec, log, logger: service.log, retry, topic, groupId: `${topic}.${randomUUID()}` });
  service.onStop('states of queues', () => states.stop());
  service.health.check('states of queues', () => (states.isKnown ? null : 'it is not known yet which queues are paused'));
  states
    .start(service.signal, () => waitForTopic(log, topic, null, retry))
    .catch((error: unknown) => {
      if (!service.signal.aborted) throw error;
    });
  return states;
}

/** The first deploy of a definition that uses a queue makes its topic, and a worker may start before that. */
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
