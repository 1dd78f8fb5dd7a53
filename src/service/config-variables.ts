/**
 * Every environment variable that Millrace reads, in one table: the loader, its errors and docs/configuration.md come
 * from here. A variable that is not in this table does nothing.
 */
import {
  duration,
  flag,
  host,
  hostAndPort,
  hostOrRange,
  integer,
  list,
  matching,
  oneOf,
  type Parser,
  pem,
  postgresUrl,
  text,
  webUrl,
} from './config-parsers.ts';

/** Parts of the configuration; a process loads those that it needs, and only they are checked. */
export const configGroups = [
  'kafka',
  'registry',
  'connect',
  'databases',
  'topics',
  'api',
  'worker',
  'orchestrator',
  'limits',
  'service',
  'log',
] as const;
export type ConfigGroup = (typeof configGroups)[number];

export type Variable<Value> = {
  readonly group: ConfigGroup;
  /** What it does, for docs/configuration.md: whole sentences. */
  readonly about: string;
  readonly parser: Parser<Value>;
  /** `required`: there is no sensible default. A text is parsed like a given one. null: may be missing. */
  readonly fallback: { readonly kind: 'required' } | { readonly kind: 'default'; readonly text: string } | { readonly kind: 'optional' };
  /** Never shown in errors or logs; may be given as a file by the name with `_FILE` behind it. */
  readonly secret: boolean;
  /** May be given as a file although it is no secret. */
  readonly file: boolean;
};

type Common<Value> = {
  readonly group: ConfigGroup;
  readonly about: string;
  readonly parser: Parser<Value>;
  readonly secret?: boolean;
  readonly file?: boolean;
};

function withDefault<Value>(spec: Common<Value> & { readonly default: string }): Variable<Value> {
  const { default: fallback, ...common } = spec;
  return {
    ...common,
    fallback: { kind: 'default', text: fallback },
    secret: spec.secret ?? false,
    file: spec.file ?? spec.secret ?? false,
  };
}

function required<Value>(spec: Common<Value>): Variable<Value> {
  return { ...spec, fallback: { kind: 'required' }, secret: spec.secret ?? false, file: spec.file ?? spec.secret ?? false };
}

function optional<Value>(spec: Common<Value>): Variable<Value | null> {
  return { ...spec, fallback: { kind: 'optional' }, secret: spec.secret ?? false, file: spec.file ?? spec.secret ?? false };
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const MIB = 1_048_576;

const topicName = matching(/^[A-Za-z0-9._-]{1,249}$/, 'a topic name');
const topics = list(topicName, 'topic names, separated by commas');

export const variables = {
  KAFKA_BROKERS: withDefault({
    group: 'kafka',
    about: 'Brokers to ask first.',
    parser: list(hostAndPort, '`host:port`, several separated by commas'),
    default: '127.0.0.1:9092',
  }),
  KAFKA_CLIENT_ID: withDefault({
    group: 'kafka',
    about: 'How the brokers name this process in their logs and quotas.',
    parser: text,
    default: 'millrace',
  }),
  KAFKA_SSL: withDefault({ group: 'kafka', about: 'Speak TLS to the brokers.', parser: flag, default: 'false' }),
  KAFKA_SSL_CA: optional({
    group: 'kafka',
    about: 'Authorities to trust instead of the well-known ones.',
    parser: pem('CERTIFICATE'),
    file: true,
  }),
  KAFKA_SSL_CERT: optional({
    group: 'kafka',
    about: 'Certificate of this client, for mutual TLS.',
    parser: pem('CERTIFICATE'),
    file: true,
  }),
  KAFKA_SSL_KEY: optional({ group: 'kafka', about: 'Private key of KAFKA_SSL_CERT.', parser: pem('PRIVATE KEY'), secret: true }),
  KAFKA_SASL_MECHANISM: optional({
    group: 'kafka',
    about: 'How to log in to the brokers. Without it there is no login.',
    parser: oneOf(['plain', 'scram-sha-256', 'scram-sha-512']),
  }),
  KAFKA_SASL_USERNAME: optional({ group: 'kafka', about: 'Login at the brokers.', parser: text }),
  KAFKA_SASL_PASSWORD: optional({ group: 'kafka', about: 'Password at the brokers.', parser: text, secret: true }),
  KAFKA_SESSION_TIMEOUT: withDefault({
    group: 'kafka',
    about: 'How long the group waits for a silent consumer before others get its partitions. A task may take far longer than this.',
    parser: duration(6 * SECOND, 5 * MINUTE),
    default: '30s',
  }),

  SCHEMA_REGISTRY_URL: withDefault({
    group: 'registry',
    about:
      'The Confluent-compatible API of the schema registry. By https, Node must trust its certificate: NODE_EXTRA_CA_CERTS names a file with authorities of your own.',
    parser: webUrl,
    default: 'http://127.0.0.1:8081/apis/ccompat/v7',
  }),
  SCHEMA_REGISTRY_USERNAME: optional({ group: 'registry', about: 'Login at the schema registry.', parser: text }),
  SCHEMA_REGISTRY_PASSWORD: optional({ group: 'registry', about: 'Password at the schema registry.', parser: text, secret: true }),

  KAFKA_CONNECT_URL: withDefault({
    group: 'connect',
    about: 'REST API of Kafka Connect, where Debezium runs. By https as SCHEMA_REGISTRY_URL.',
    parser: webUrl,
    default: 'http://127.0.0.1:8083',
  }),
  KAFKA_CONNECT_USERNAME: optional({ group: 'connect', about: 'Login at Kafka Connect.', parser: text }),
  KAFKA_CONNECT_PASSWORD: optional({ group: 'connect', about: 'Password at Kafka Connect.', parser: text, secret: true }),
  MILLRACE_CONNECTOR_POLL_INTERVAL: withDefault({
    group: 'connect',
    about: 'How often Debezium looks for new outbox rows: a floor under the latency of every step, and what an idle Connect costs in CPU.',
    parser: duration(1, 10 * SECOND),
    default: '5ms',
  }),
  MILLRACE_CONNECTOR_SETTINGS: optional({
    group: 'connect',
    about:
      'JSON file with settings that go over those of connect/connector.json, for example certificates or other names of secrets. One that the protocol stands on (docs/deployment.md says which) is refused.',
    parser: text,
  }),

  DEFINITION_DATABASE_URL: required({
    group: 'databases',
    about:
      'Postgres URL of the definition database. `sslmode` in it: `disable`, or none, encrypts nothing; `prefer` and `no-verify` encrypt and check nothing; `require` checks the certificate only where `sslrootcert` names the authority; `verify-ca` checks it against `sslrootcert`, `verify-full` with the name of the host too. None falls back to another, and there is no `allow`.',
    parser: postgresUrl,
    secret: true,
  }),
  INSTANCE_DATABASE_URL: required({
    group: 'databases',
    about:
      'Postgres URL of the instance database, with `sslmode` as above. Debezium gets the same mode: `prefer` where there is none, `require` for `no-verify`.',
    parser: postgresUrl,
    secret: true,
  }),
  REPLICATION_DATABASE_URL: optional({
    group: 'databases',
    about:
      'URL of the instance database with a login that has REPLICATION, with `sslmode` as above; only `millrace migrate` needs it, to make the slot.',
    parser: postgresUrl,
    secret: true,
  }),
  MILLRACE_DATABASE_CONNECTIONS: withDefault({
    group: 'databases',
    about:
      'Most connections that one process keeps to each database. Events that wait for a lock may hold four of an orchestrator’s: give it more.',
    parser: integer(1, 500),
    default: '10',
  }),

  MILLRACE_TOPIC_PREFIX: withDefault({
    group: 'topics',
    about: 'Prefix of all topics and consumer groups. Changing it makes another, empty engine.',
    parser: matching(/^[A-Za-z0-9][A-Za-z0-9.-]{0,63}$/, 'letters, digits, `.` and `-`, at most 64 characters'),
    default: 'millrace',
  }),
  MILLRACE_PARTITIONS: withDefault({
    group: 'topics',
    about:
      'Partitions of every topic that is keyed by instance. Frozen at install: a process that is told another number does not start. 48 is a good number for production.',
    parser: integer(1, 1_000),
    default: '8',
  }),
  MILLRACE_REPLICATION_FACTOR: withDefault({
    group: 'topics',
    about:
      'Replicas of each topic that `millrace topics` makes; 3 in production. From 3 on, 2 must have a record before it counts as written.',
    parser: integer(1, 10),
    default: '1',
  }),
  MILLRACE_TOPIC_RETENTION: withDefault({
    group: 'topics',
    about: 'How long tasks, notifications and events stay in their topics.',
    parser: duration(HOUR, 365 * DAY),
    default: '7d',
  }),
  MILLRACE_MAX_MESSAGE_BYTES: withDefault({
    group: 'topics',
    about:
      'Largest record in bytes: limit of the topics and of the outbox. The brokers must admit it (`message.max.bytes`) and 64 KiB more for dead letters.',
    parser: integer(65_536, 16 * MIB),
    default: String(MIB),
  }),
  MILLRACE_EVENT_TOPICS: withDefault({
    group: 'topics',
    about: 'Topics to read external events from, besides `<prefix>.events`.',
    parser: topics,
    default: '',
  }),
  MILLRACE_PUBLISH_TOPICS: withDefault({
    group: 'topics',
    about: 'Topics that a `publish` node may name, besides `<prefix>.events`.',
    parser: topics,
    default: '',
  }),

  HOST: withDefault({
    group: 'service',
    about: 'Address to listen on, for the API and for health and metrics.',
    parser: host,
    default: '127.0.0.1',
  }),
  METRICS_PORT: withDefault({
    group: 'service',
    about:
      'Where processes other than the API serve `/health/live`, `/health/ready` and `/metrics`. 0: nowhere. The API serves them on PORT.',
    parser: integer(0, 65_535),
    default: '0',
  }),
  MILLRACE_HOME: withDefault({
    group: 'service',
    about: 'Folder of the bootstrap key (the first admin key) and, with `npm start`, of all data of the embedded stack.',
    parser: text,
    default: '.millrace',
  }),
  MILLRACE_SHUTDOWN_TIMEOUT: withDefault({
    group: 'service',
    about: 'How long a process that is told to end may finish what it has begun. What is not finished then runs again elsewhere.',
    parser: duration(SECOND, HOUR),
    default: '15s',
  }),

  PORT: withDefault({ group: 'api', about: 'Port of the REST API.', parser: integer(0, 65_535), default: '8080' }),
  MILLRACE_API_KEY: optional({
    group: 'api',
    about:
      'First admin key. Without it one is made and kept in the file `api-key` in MILLRACE_HOME, which only its owner can read. Changing it revokes the one before.',
    parser: matching(/^[\x21-\x7e]{16,256}$/, 'at least 16 printable characters without blanks'),
    secret: true,
  }),
  MILLRACE_BODY_LIMIT_BYTES: withDefault({
    group: 'api',
    about: 'Largest request body in bytes.',
    parser: integer(1_024, 16 * MIB),
    default: String(MIB),
  }),
  MILLRACE_WAIT_MAX: withDefault({
    group: 'api',
    about: 'Longest `?wait=` that a request may ask for.',
    parser: duration(SECOND, 10 * MINUTE),
    default: '60s',
  }),
  MILLRACE_OUTBOX_AGE_MAX: withDefault({
    group: 'api',
    about: 'Starts answer 503 while the oldest unpublished outbox row is older than this.',
    parser: duration(SECOND, HOUR),
    default: '30s',
  }),

  MILLRACE_CONCURRENCY: optional({
    group: 'worker',
    about: 'Most tasks of one queue that one process runs at a time. Without it 200 for `http` and 50 for handlers.',
    parser: integer(1, 10_000),
  }),
  MILLRACE_HTTP_ALLOW_PRIVATE: withDefault({
    group: 'worker',
    about:
      'Let `http` nodes reach private, local and metadata addresses. Whoever can deploy a definition can then reach everything that this machine reaches.',
    parser: flag,
    default: 'false',
  }),
  MILLRACE_HTTP_ALLOW: withDefault({
    group: 'worker',
    about: 'Hosts, addresses and ranges that `http` nodes may reach although they are not public.',
    parser: list(hostOrRange, 'host names, addresses and ranges such as `10.0.0.0/8`, separated by commas'),
    default: '',
  }),
  MILLRACE_HTTP_RESPONSE_LIMIT_BYTES: withDefault({
    group: 'worker',
    about: 'Largest response body of an `http` node in bytes.',
    parser: integer(1_024, 16 * MIB),
    default: '524288',
  }),
  MILLRACE_HTTP_REDIRECTS: withDefault({
    group: 'worker',
    about: 'Most redirects that an `http` node follows.',
    parser: integer(0, 20),
    default: '5',
  }),

  MILLRACE_EVENT_TTL: withDefault({
    group: 'orchestrator',
    about: 'How long an event that nobody waits for is kept.',
    parser: duration(SECOND, 30 * DAY),
    default: '1h',
  }),
  MILLRACE_STATE_CACHE_BYTES: withDefault({
    group: 'orchestrator',
    about: 'About how many bytes of instance states one orchestrator keeps in memory, which saves reading them. 0 keeps none.',
    parser: integer(0, 65_536 * MIB),
    default: String(256 * MIB),
  }),
  MILLRACE_TIMER_INTERVAL: withDefault({
    group: 'orchestrator',
    about: 'How often the database is asked for timers that are due.',
    parser: duration(10, MINUTE),
    default: '250ms',
  }),
  MILLRACE_REDISPATCH_INTERVAL: withDefault({
    group: 'orchestrator',
    about: 'How often open tasks with nothing in flight are looked for and dispatched again.',
    parser: duration(SECOND, DAY),
    default: '5m',
  }),
  MILLRACE_OUTBOX_RETENTION: withDefault({
    group: 'orchestrator',
    about: 'How long outbox rows are kept after Debezium has confirmed them.',
    parser: duration(MINUTE, 30 * DAY),
    default: '24h',
  }),

  MILLRACE_LIMIT_DEFINITION_BYTES: withDefault({
    group: 'limits',
    about: 'Largest definition in bytes.',
    parser: integer(1_024, 16 * MIB),
    default: '262144',
  }),
  MILLRACE_LIMIT_NODES: withDefault({ group: 'limits', about: 'Most nodes of a definition.', parser: integer(1, 10_000), default: '1000' }),
  MILLRACE_LIMIT_DEPTH: withDefault({
    group: 'limits',
    about: 'Deepest nesting of JSON in a definition or a payload.',
    parser: integer(4, 200),
    default: '64',
  }),
  MILLRACE_LIMIT_PAYLOAD_BYTES: withDefault({
    group: 'limits',
    about: 'Largest input, output or event in bytes. Must leave 64 KiB below MILLRACE_MAX_MESSAGE_BYTES.',
    parser: integer(1_024, 16 * MIB),
    default: '524288',
  }),
  MILLRACE_LIMIT_STATE_BYTES: withDefault({
    group: 'limits',
    about: 'Largest state of an instance in bytes.',
    parser: integer(16_384, 64 * MIB),
    default: '4194304',
  }),

  LOG_LEVEL: withDefault({
    group: 'log',
    about: 'Least important lines that are logged.',
    parser: oneOf(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']),
    default: 'info',
  }),
} as const;

export type Variables = typeof variables;
export type VariableName = keyof Variables;
export type Values = { readonly [Name in VariableName]: Variables[Name] extends Variable<infer Value> ? Value : never };
