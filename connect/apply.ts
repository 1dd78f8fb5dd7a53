/**
 * `millrace connector apply`: creates the connector or brings it to this installation's settings, and waits until it runs. Safe to
 * repeat: with nothing to change it leaves a running connector alone. Topics, slot and publication must exist (`millrace migrate`,
 * `millrace topics`): otherwise Debezium makes a slot of its own, which misses the rows before it.
 */
import { ConstantBackoff, ExponentialBackoff, handleType, handleWhenResult, retry } from 'cockatiel';
import { MillraceError } from '../src/core/error.ts';
import { isRetryable, retryForever } from '../src/service/backoff.ts';
import type { Logger } from '../src/service/logging.ts';
import { type ConnectApi, type ConnectorStatus, connectApi, isRunning, runners, summariseTrace } from './connect-api.ts';
import { type ConnectorConfig, type ConnectorSettings, connectorName, connectorSettings } from './connector.ts';

export type Applied = 'created' | 'changed' | 'unchanged';

export type ApplyOptions = {
  /** For everything together: Connect may still be starting. Default two minutes. */
  readonly timeoutMs?: number;
  /** Pause before the first look after a restart, which grows; default one second. */
  readonly restartDelayMs?: number;
};

const LOOK_EVERY_MS = 250;
/** A restart ends an earlier or temporary failure. A connector that still fails after these restarts has a lasting reason. */
const RESTARTS = 3;

/**
 * Throws `MR_CONNECTOR_FAILED` when the connector fails, with its reason, `MR_CONNECT_REFUSED` when Connect refuses the settings,
 * and `MR_CONNECT_UNAVAILABLE` when Connect does not answer in time.
 */
export async function applyConnector(
  config: ConnectorConfig,
  log: Logger,
  { timeoutMs = 120_000, restartDelayMs = 1_000 }: ApplyOptions = {},
): Promise<Applied> {
  const api = connectApi(config.connect);
  const name = connectorName(config.topics.prefix);
  const overdue = new MillraceError(
    'MR_CONNECT_UNAVAILABLE',
    `Kafka Connect at ${config.connect.url} was not ready within ${timeoutMs} ms.`,
    {
      retryable: true,
    },
  );
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(overdue), timeoutMs);
  try {
    const untilAvailable = retryForever(isRetryable, controller.signal, log);
    const applied = await untilAvailable(`apply the connector ${name}`, () => put(api, name, connectorSettings(config)));
    log.info({ connector: name, applied }, 'Connector applied; waiting until it runs');
    const restarting = retry(
      handleType(MillraceError, ({ code }) => code === 'MR_CONNECTOR_FAILED'),
      // Connect shows the earlier failure for a moment after it accepted the restart.
      { maxAttempts: RESTARTS, backoff: new ExponentialBackoff({ initialDelay: restartDelayMs, maxDelay: 10 * restartDelayMs }) },
    );
    await restarting.execute(async () => {
      const status = await untilAvailable(`read the state of the connector ${name}`, () => settled(api, name, controller.signal));
      if (isRunning(status)) return;
      await untilAvailable(`restart the connector ${name}`, () => api.restartFailed(name));
      throw failed(name, status);
    }, controller.signal);
    return applied;
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Deletes the offsets of the connector, so that it continues at the position of the slot: after a lost slot was replaced, or Kafka
 * lost the offsets. No message is lost by it; some may come twice.
 */
export async function resetConnectorOffsets(config: ConnectorConfig, log: Logger): Promise<void> {
  const api = connectApi(config.connect);
  const name = connectorName(config.topics.prefix);
  const untilAvailable = retryForever(isRetryable, AbortSignal.timeout(120_000), log);
  if ((await untilAvailable(`find the connector ${name}`, () => api.status(name))) === null)
    throw new MillraceError('MR_CONNECTOR_MISSING', `There is no connector ${name}. Run "millrace connector apply".`, { retryable: false });
  await untilAvailable(`stop the connector ${name}`, () => api.stop(name));
  // Connect refuses this while a task of the connector is still ending, so it is repeated.
  await untilAvailable(`delete the offsets of the connector ${name}`, () => api.deleteOffsets(name));
  await untilAvailable(`resume the connector ${name}`, () => api.resume(name));
}

async function put(api: ConnectApi, name: string, settings: ConnectorSettings): Promise<Applied> {
  const wanted = { ...settings, name };
  const found = await api.settings(name);
  const same = found !== null && isSame(found, wanted);
  const applied = same ? 'unchanged' : await api.putSettings(name, wanted);
  // Applying means that it should run, even if somebody stopped it before.
  if (found !== null) await api.resume(name);
  return applied;
}

function isSame(found: ConnectorSettings, wanted: ConnectorSettings): boolean {
  const names = new Set([...Object.keys(found), ...Object.keys(wanted)]);
  return [...names].every((name) => found[name] === wanted[name]);
}

/** The status once it runs or has failed. */
async function settled(api: ConnectApi, name: string, signal: AbortSignal): Promise<ConnectorStatus> {
  const isUnsettled = (status: unknown): boolean => {
    const found = status as ConnectorStatus;
    return !isRunning(found) && runners(found).every(({ state }) => state !== 'FAILED');
  };
  const policy = retry(handleWhenResult(isUnsettled), {
    maxAttempts: Number.POSITIVE_INFINITY,
    backoff: new ConstantBackoff(LOOK_EVERY_MS),
  });
  return await policy.execute(async () => {
    signal.throwIfAborted();
    return (await api.status(name)) ?? { connector: { task: null, state: 'UNASSIGNED', trace: '' }, tasks: [] };
  }, signal);
}

function failed(name: string, status: ConnectorStatus): MillraceError {
  const reasons = runners(status)
    .filter(({ state }) => state === 'FAILED')
    .map(({ task, trace }) => `${task === null ? 'the connector' : `task ${task}`}: ${summariseTrace(trace)}`);
  return new MillraceError('MR_CONNECTOR_FAILED', `The connector ${name} does not run. ${reasons.join(' ')}`, { retryable: false });
}
