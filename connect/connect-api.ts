/**
 * The REST API of Kafka Connect, as far as one connector needs it. Every call rejects with a `MillraceError`:
 * `MR_CONNECT_UNAVAILABLE` (retryable) while Connect is unavailable, starts or rebalances, `MR_CONNECT_REFUSED` (not retryable)
 * when it refuses. Never quotes a configuration: a refused one may hold a secret.
 */
import { MillraceError } from '../src/core/error.ts';
import { reasonOfNoAnswer } from '../src/core/no-answer.ts';
import type { Credentials } from '../src/service/config.ts';
import type { ConnectorSettings } from './connector.ts';

export type ConnectOptions = {
  /** Without a slash at its end. */
  readonly url: string;
  readonly credentials: Credentials | null;
  /** For one call; default 30 000, since Connect validates a configuration against the database before it answers. */
  readonly timeoutMs?: number;
  /** Aborts every call. */
  readonly signal?: AbortSignal;
};

export type RunState = 'UNASSIGNED' | 'RUNNING' | 'PAUSED' | 'FAILED' | 'RESTARTING' | 'STOPPED' | 'DESTROYED';

/** The connector itself, or one of its tasks. */
export type Runner = {
  /** Of a task; null for the connector itself. */
  readonly task: number | null;
  readonly state: RunState;
  /** The Java stack trace of a failure; empty otherwise. */
  readonly trace: string;
};

export type ConnectorStatus = { readonly connector: Runner; readonly tasks: readonly Runner[] };

export interface ConnectApi {
  /** null: there is no such connector. */
  settings(name: string): Promise<ConnectorSettings | null>;
  /** Creates it, or changes it to exactly these. */
  putSettings(name: string, settings: ConnectorSettings): Promise<'created' | 'changed'>;
  /** null: there is no such connector. */
  status(name: string): Promise<ConnectorStatus | null>;
  /** Restarts the failed parts; running parts are not touched. */
  restartFailed(name: string): Promise<void>;
  /** Ends its tasks; its settings and its offsets stay. */
  stop(name: string): Promise<void>;
  resume(name: string): Promise<void>;
  /** Deletes its offsets. It must be stopped. */
  deleteOffsets(name: string): Promise<void>;
}

type Answer = { readonly status: number; readonly body: unknown };

export function connectApi({ url, credentials, timeoutMs = 30_000, signal }: ConnectOptions): ConnectApi {
  const headers: Record<string, string> = { accept: 'application/json' };
  if (credentials !== null)
    headers.authorization = `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`;

  /** Answers with any of `expected`; everything else is thrown. */
  async function call(method: string, path: string, expected: readonly number[], body?: unknown): Promise<Answer> {
    let response: Response;
    let text: string;
    try {
      response = await fetch(`${url}${path}`, {
        method,
        headers: body === undefined ? headers : { ...headers, 'content-type': 'application/json' },
        body: body === undefined ? null : JSON.stringify(body),
        redirect: 'error',
        signal: AbortSignal.any([AbortSignal.timeout(timeoutMs), ...(signal === undefined ? [] : [signal])]),
      });
      text = await response.text();
    } catch (cause) {
      throw unavailable(`Kafka Connect at ${url} does not answer: ${reasonOfNoAnswer(cause)}`, cause);
    }
    const { status } = response;
    const parsed = text === '' ? null : parseBody(text);
    if (expected.includes(status) && parsed !== undefined) return { status, body: parsed };
    const reason = `${method} ${path} with status ${status}: ${messageOf(parsed)}`;
    // 409: a rebalance is under way. A success without JSON, or a 5xx: a proxy or Connect itself has a problem. All of them pass by themselves.
    if (status === 409 || status >= 500 || status < 400) throw unavailable(`Kafka Connect at ${url} answered ${reason}`);
    throw new MillraceError('MR_CONNECT_REFUSED', `Kafka Connect at ${url} refused ${reason}.`, { retryable: false });
  }
  const pathOf = (name: string): string => `/connectors/${encodeURIComponent(name)}`;

  return {
    async settings(name) {
      const { status, body } = await call('GET', `${pathOf(name)}/config`, [200, 404]);
      return status === 404 ? null : (body as ConnectorSettings);
    },
    async putSettings(name, settings) {
      const { status } = await call('PUT', `${pathOf(name)}/config`, [200, 201], settings);
      return status === 201 ? 'created' : 'changed';
    },
    async status(name) {
      const { status, body } = await call('GET', `${pathOf(name)}/status`, [200, 404]);
      return status === 404 ? null : parseStatus(body);
    },
    async restartFailed(name) {
      await call('POST', `${pathOf(name)}/restart?includeTasks=true&onlyFailed=true`, [200, 202, 204]);
    },
    async stop(name) {
      await call('PUT', `${pathOf(name)}/stop`, [202, 204]);
    },
    async resume(name) {
      await call('PUT', `${pathOf(name)}/resume`, [202, 204]);
    },
    async deleteOffsets(name) {
      await call('DELETE', `${pathOf(name)}/offsets`, [200]);
    },
  };
}

/** The connector itself, then its tasks. */
export function runners({ connector, tasks }: ConnectorStatus): readonly Runner[] {
  return [connector, ...tasks];
}

/** True once it and at least one task run. A connector that was only just made has no task yet. */
export function isRunning(status: ConnectorStatus): boolean {
  return status.tasks.length > 0 && runners(status).every(({ state }) => state === 'RUNNING');
}

/**
 * A trace in one line: the first line, and every cause. Debezium's causes name topics, slots and tables; neither it nor Kafka puts
 * a password into them.
 */
export function summariseTrace(trace: string): string {
  const [first = '', ...rest] = trace.split('\n').map((line) => line.trim());
  const marker = 'Caused by: ';
  const causes = rest.filter((line) => line.startsWith(marker)).map((line) => line.slice(marker.length));
  return [first, ...causes.slice(-3)].map(shorten).join('; because of ');
}

/** The middle of a long line is Debezium's position, and its end the error, so the middle is cut. */
function shorten(line: string): string {
  return line.length <= 500 ? line : `${line.slice(0, 250)} … ${line.slice(-245)}`;
}

function unavailable(message: string, cause?: unknown): MillraceError {
  return new MillraceError('MR_CONNECT_UNAVAILABLE', `${message}.`, { retryable: true, cause });
}

/** Undefined when it is not JSON. */
function parseBody(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function parseStatus(body: unknown): ConnectorStatus {
  const connector = member(body, 'connector');
  const tasks = member(body, 'tasks');
  if (!Array.isArray(tasks)) throw unavailable('Kafka Connect answered a status without tasks');
  return { connector: parseRunner(connector, null), tasks: tasks.map((task: unknown) => parseRunner(task, Number(member(task, 'id')))) };
}

function parseRunner(body: unknown, task: number | null): Runner {
  const state = member(body, 'state');
  const trace = member(body, 'trace');
  if (typeof state !== 'string') throw unavailable('Kafka Connect answered a status without a state');
  return { task, state: state as RunState, trace: typeof trace === 'string' ? trace : '' };
}

function member(body: unknown, name: string): unknown {
  return typeof body === 'object' && body !== null ? Object.getOwnPropertyDescriptor(body, name)?.value : undefined;
}

function messageOf(body: unknown): string {
  const message = member(body, 'message');
  return typeof message === 'string' ? message.replaceAll(/\s+/g, ' ').slice(0, 1_000) : 'no reason given';
}
