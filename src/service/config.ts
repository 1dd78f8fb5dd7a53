/**
 * The configuration of a process: one frozen, typed object, made from the environment at start and checked whole, so
 * that a person sees every bad value at once. Relies on config-variables.ts for what there is; reads files only for
 * `…_FILE`. Never prints a secret, and is never read again while the process runs.
 */
import { readFileSync } from 'node:fs';
import { type ConfigGroup, configGroups, type Values, type Variable, type VariableName, variables } from './config-variables.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export type SaslConfig = {
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
  readonly username: string;
  readonly password: string;
};
/** PEM texts. */
export type TlsConfig = { readonly ca: string | null; readonly cert: string | null; readonly key: string | null };
export type Credentials = { readonly username: string; readonly password: string };

export type KafkaConfig = {
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly ssl: TlsConfig | null;
  readonly sasl: SaslConfig | null;
  readonly sessionTimeoutMs: number;
};

/** Everything there is to set; a process holds the groups that it asked for. Times are in ms, sizes in bytes. */
export type Config = {
  readonly kafka: KafkaConfig;
  readonly registry: { readonly url: string; readonly credentials: Credentials | null };
  readonly connect: {
    readonly url: string;
    readonly credentials: Credentials | null;
    readonly pollIntervalMs: number;
    /** JSON file whose settings go over those of connect/connector.json. */
    readonly settingsFile: string | null;
  };
  readonly databases: {
    readonly definitions: string;
    readonly instances: string;
    /** Only for making the slot. */
    readonly replication: string | null;
    /** Per process and database. */
    readonly connections: number;
  };
  readonly topics: {
    readonly prefix: string;
    readonly partitions: number;
    readonly replicationFactor: number;
    readonly retentionMs: number;
    readonly maxMessageBytes: number;
    /** Topics with external events besides `<prefix>.events`. */
    readonly events: readonly string[];
    /** Topics that `publish` may name besides `<prefix>.events`. */
    readonly publish: readonly string[];
  };
  readonly service: {
    readonly host: string;
    /** 0: health and metrics are not served. Not for the API, which has them on its own port. */
    readonly metricsPort: number;
    readonly home: string;
    readonly shutdownTimeoutMs: number;
  };
  readonly api: {
    readonly port: number;
    readonly apiKey: string | null;
    readonly bodyLimitBytes: number;
    readonly waitMaxMs: number;
    readonly outboxAgeMaxMs: number;
  };
  readonly worker: {
    /** null: 200 for `http`, 50 for handlers. */
    readonly concurrency: number | null;
    readonly httpAllowPrivate: boolean;
    /** Host names, addresses and CIDR ranges. */
    readonly httpAllow: readonly string[];
    readonly httpResponseLimitBytes: number;
    readonly httpRedirectsMax: number;
  };
  readonly orchestrator: {
    readonly eventTtlMs: number;
    readonly stateCacheBytes: number;
    readonly timerIntervalMs: number;
    readonly redispatchIntervalMs: number;
    readonly outboxRetentionMs: number;
  };
  readonly limits: {
    readonly definitionBytes: number;
    readonly nodes: number;
    readonly depth: number;
    readonly payloadBytes: number;
    readonly stateBytes: number;
  };
  readonly log: { readonly level: LogLevel };
};

export type LogLevel = Values['LOG_LEVEL'];

/** One thing wrong with the environment. `given` is null where nothing was, and says so where it is a secret. */
export type ConfigFault = { readonly name: string; readonly given: string | null; readonly expected: string };

/** Everything that is wrong with the environment, a line each. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly faults: readonly ConfigFault[];

  constructor(faults: readonly ConfigFault[]) {
    const lines = faults.map(
      ({ name, given, expected }) => `  ${name} ${given === null ? 'is not set' : `is ${given}`}: expected ${expected}.`,
    );
    super(`The configuration cannot be used:\n${lines.join('\n')}\nAll variables: docs/configuration.md`);
    this.faults = faults;
  }
}

/** Room that headers, ids and framing take in a record beside its payload. */
const RECORD_OVERHEAD_BYTES = 65_536;

/**
 * @param groups what the process needs; the rest is neither checked nor present. Default: everything.
 * @throws ConfigError naming all faults at once.
 */
export function loadConfig(env: Environment): Config;
export function loadConfig<Group extends ConfigGroup>(env: Environment, groups: readonly Group[]): Pick<Config, Group>;
export function loadConfig(env: Environment, groups: readonly ConfigGroup[] = configGroups): Partial<Config> {
  const faults: ConfigFault[] = [];
  const wanted = new Set<ConfigGroup>(groups);
  const values = readValues(env, wanted, faults);
  checkTogether(values, wanted, faults);
  if (faults.length > 0) throw new ConfigError(faults);
  const whole = assemble(values as Values);
  // Groups that were not asked for hold defaults or nothing; leaving them out keeps anybody from relying on that.
  return deepFreeze(Object.fromEntries(groups.map((group) => [group, whole[group]])));
}

function readValues(env: Environment, wanted: ReadonlySet<ConfigGroup>, faults: ConfigFault[]): Partial<Values> {
  const read = Object.entries(variables).flatMap(([name, variable]) => {
    if (!wanted.has(variable.group)) return [];
    const value = readValue(env, name, variable, faults);
    return value === undefined ? [] : [[name, value] as const];
  });
  return Object.fromEntries(read);
}

/** Undefined when there is a fault, which has been noted. */
function readValue(env: Environment, name: string, variable: Variable<unknown>, faults: ConfigFault[]): unknown {
  const { parser, fallback, secret } = variable;
  const given = readGiven(env, name, variable, faults);
  if (given === undefined) return undefined;
  if (given === null && fallback.kind === 'required') {
    faults.push({ name, given: null, expected: parser.expected });
    return undefined;
  }
  if (given === null && fallback.kind === 'optional') return null;
  const parsed = parser.parse(given ?? (fallback.kind === 'default' ? fallback.text : ''));
  if (parsed.ok) return parsed.value;
  faults.push({ name, given: secret ? 'set (not shown)' : `"${withoutLogin(given ?? '').slice(0, 100)}"`, expected: parsed.error });
  return undefined;
}

/** An address may hold a password where none belongs. */
function withoutLogin(text: string): string {
  return text.replaceAll(/\/\/\S*@/g, '//***@');
}

/** The text that was given, null when none was. An empty text counts as none: that is how compose files unset things. */
function readGiven(env: Environment, name: string, { file }: Variable<unknown>, faults: ConfigFault[]): string | null | undefined {
  const direct = env[name]?.trim() ?? '';
  const path = file ? (env[`${name}_FILE`]?.trim() ?? '') : '';
  if (direct !== '' && path !== '') {
    faults.push({ name, given: `set, and ${name}_FILE too`, expected: 'one of the two' });
    return undefined;
  }
  if (path === '') return direct === '' ? null : direct;
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    faults.push({ name: `${name}_FILE`, given: `"${path}"`, expected: `a file that can be read (${code})` });
    return undefined;
  }
}

function checkTogether(values: Partial<Values>, wanted: ReadonlySet<ConfigGroup>, faults: ConfigFault[]): void {
  const needs = (name: VariableName, because: string): void => {
    if (values[name] === null) faults.push({ name, given: null, expected: `a value, since ${because}` });
  };
  if (values.KAFKA_SASL_MECHANISM != null) {
    needs('KAFKA_SASL_USERNAME', 'KAFKA_SASL_MECHANISM is set');
    needs('KAFKA_SASL_PASSWORD', 'KAFKA_SASL_MECHANISM is set');
  } else if (values.KAFKA_SASL_USERNAME != null || values.KAFKA_SASL_PASSWORD != null) {
    needs('KAFKA_SASL_MECHANISM', 'a login for Kafka is set');
  }
  if (values.KAFKA_SSL_CERT != null) needs('KAFKA_SSL_KEY', 'KAFKA_SSL_CERT is set');
  if (values.KAFKA_SSL_KEY != null) needs('KAFKA_SSL_CERT', 'KAFKA_SSL_KEY is set');
  if (values.KAFKA_SSL === false && (values.KAFKA_SSL_CA != null || values.KAFKA_SSL_CERT != null))
    faults.push({ name: 'KAFKA_SSL', given: '"false"', expected: '`true`, since certificates are set' });
  for (const [user, password] of [
    ['SCHEMA_REGISTRY_USERNAME', 'SCHEMA_REGISTRY_PASSWORD'],
    ['KAFKA_CONNECT_USERNAME', 'KAFKA_CONNECT_PASSWORD'],
  ] as const) {
    if (values[user] != null) needs(password, `${user} is set`);
    if (values[password] != null) needs(user, `${password} is set`);
  }
  const { MILLRACE_MAX_MESSAGE_BYTES: record, MILLRACE_LIMIT_PAYLOAD_BYTES: payload } = values;
  if (wanted.has('topics') && record !== undefined && payload !== undefined && payload > record - RECORD_OVERHEAD_BYTES)
    faults.push({
      name: 'MILLRACE_LIMIT_PAYLOAD_BYTES',
      given: `"${payload}"`,
      expected: `at most ${record - RECORD_OVERHEAD_BYTES}, which is MILLRACE_MAX_MESSAGE_BYTES less 64 KiB`,
    });
}

function assemble(values: Values): Config {
  return {
    kafka: {
      brokers: values.KAFKA_BROKERS,
      clientId: values.KAFKA_CLIENT_ID,
      ssl: values.KAFKA_SSL ? { ca: values.KAFKA_SSL_CA, cert: values.KAFKA_SSL_CERT, key: values.KAFKA_SSL_KEY } : null,
      sasl: saslOf(values),
      sessionTimeoutMs: values.KAFKA_SESSION_TIMEOUT,
    },
    registry: {
      url: values.SCHEMA_REGISTRY_URL,
      credentials: credentialsOf(values.SCHEMA_REGISTRY_USERNAME, values.SCHEMA_REGISTRY_PASSWORD),
    },
    connect: {
      url: values.KAFKA_CONNECT_URL,
      credentials: credentialsOf(values.KAFKA_CONNECT_USERNAME, values.KAFKA_CONNECT_PASSWORD),
      pollIntervalMs: values.MILLRACE_CONNECTOR_POLL_INTERVAL,
      settingsFile: values.MILLRACE_CONNECTOR_SETTINGS,
    },
    databases: {
      definitions: values.DEFINITION_DATABASE_URL,
      instances: values.INSTANCE_DATABASE_URL,
      replication: values.REPLICATION_DATABASE_URL,
      connections: values.MILLRACE_DATABASE_CONNECTIONS,
    },
    topics: {
      prefix: values.MILLRACE_TOPIC_PREFIX,
      partitions: values.MILLRACE_PARTITIONS,
      replicationFactor: values.MILLRACE_REPLICATION_FACTOR,
      retentionMs: values.MILLRACE_TOPIC_RETENTION,
      maxMessageBytes: values.MILLRACE_MAX_MESSAGE_BYTES,
      events: values.MILLRACE_EVENT_TOPICS,
      publish: values.MILLRACE_PUBLISH_TOPICS,
    },
    service: {
      host: values.HOST,
      metricsPort: values.METRICS_PORT,
      home: values.MILLRACE_HOME,
      shutdownTimeoutMs: values.MILLRACE_SHUTDOWN_TIMEOUT,
    },
    api: {
      port: values.PORT,
      apiKey: values.MILLRACE_API_KEY,
      bodyLimitBytes: values.MILLRACE_BODY_LIMIT_BYTES,
      waitMaxMs: values.MILLRACE_WAIT_MAX,
      outboxAgeMaxMs: values.MILLRACE_OUTBOX_AGE_MAX,
    },
    worker: {
      concurrency: values.MILLRACE_CONCURRENCY,
      httpAllowPrivate: values.MILLRACE_HTTP_ALLOW_PRIVATE,
      httpAllow: values.MILLRACE_HTTP_ALLOW,
      httpResponseLimitBytes: values.MILLRACE_HTTP_RESPONSE_LIMIT_BYTES,
      httpRedirectsMax: values.MILLRACE_HTTP_REDIRECTS,
    },
    orchestrator: {
      eventTtlMs: values.MILLRACE_EVENT_TTL,
      stateCacheBytes: values.MILLRACE_STATE_CACHE_BYTES,
      timerIntervalMs: values.MILLRACE_TIMER_INTERVAL,
      redispatchIntervalMs: values.MILLRACE_REDISPATCH_INTERVAL,
      outboxRetentionMs: values.MILLRACE_OUTBOX_RETENTION,
    },
    limits: {
      definitionBytes: values.MILLRACE_LIMIT_DEFINITION_BYTES,
      nodes: values.MILLRACE_LIMIT_NODES,
      depth: values.MILLRACE_LIMIT_DEPTH,
      payloadBytes: values.MILLRACE_LIMIT_PAYLOAD_BYTES,
      stateBytes: values.MILLRACE_LIMIT_STATE_BYTES,
    },
    log: { level: values.LOG_LEVEL },
  };
}

function saslOf(values: Values): SaslConfig | null {
  const { KAFKA_SASL_MECHANISM: mechanism, KAFKA_SASL_USERNAME: username, KAFKA_SASL_PASSWORD: password } = values;
  return mechanism == null || username == null || password == null ? null : { mechanism, username, password };
}

function credentialsOf(username: string | null, password: string | null): Credentials | null {
  return username == null || password == null ? null : { username, password };
}

function deepFreeze<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(deepFreeze);
  }
  return value;
}
