/**
 * The single source of truth about the services that Millrace needs: versions, ports, names and configuration of Kafka, Connect,
 * the schema registry and Postgres. The embedded stack renders its files from here; docker-compose.yml and the testcontainers
 * stack are compared with it by a test. Plain data and small functions: no I/O, no clock, no `node:`.
 */

export const versions = {
  kafka: '4.3.1',
  debezium: '3.6.3.Final',
  apicurio: '2.6.13.Final',
  postgres: '18.4',
  /** Only beside the containers. */
  kafkaUi: '1.5.0',
  /** The version of log4j that Kafka itself brings; its binding must be the same. */
  log4j: '2.25.4',
  mavenDependencyPlugin: '3.8.1',
} as const;

/** Everything listens here only; nothing of the embedded stack is reachable from another machine. */
export const host = '127.0.0.1';

export const partNames = ['kafka', 'registry', 'postgres', 'connect'] as const;
export type PartName = (typeof partNames)[number];

export interface Ports {
  readonly api: number;
  readonly kafka: number;
  readonly registry: number;
  readonly connect: number;
  readonly postgres: number;
}
export type PortName = keyof Ports;

export const defaultPorts: Ports = { api: 8080, kafka: 9092, registry: 8081, connect: 8083, postgres: 54320 };

/** The environment variable that moves each port. */
export const portVariables = {
  api: 'PORT',
  kafka: 'KAFKA_PORT',
  registry: 'REGISTRY_PORT',
  connect: 'CONNECT_PORT',
  postgres: 'POSTGRES_PORT',
} as const satisfies Record<PortName, string>;

export const defaultPrefix = 'millrace';

/** Partitions of every topic that is keyed by instance. Frozen at install, see docs/decisions. */
export const partitions = { embedded: 8, production: 48 } as const;

/** One limit for a record, in bytes: topics, the outbox's CHECK and the broker all derive from it. */
export const recordLimits = {
  topicMaxMessageBytes: 1_048_576,
  /** `<prefix>.dead-letters` holds an original and the reason beside it. */
  deadLetterExtraBytes: 65_536,
  /** The limit of the broker is above that of every topic, for batch headers and Connect's own topics. */
  brokerMaxMessageBytes: 1_048_576 + 2 * 65_536,
} as const;

/** The path of the registry's Confluent-compatible API, which the engine speaks. */
export const registryApiPath = '/apis/ccompat/v7';

// --- Java ------------------------------------------------------------------------------------------------------------

/** Heaps in MiB; with metaspace, code cache and threads all JVMs stay within 2 GiB of resident memory. */
export const heapMiB = { kafka: 512, connect: 512, registry: 256 } as const;

export const jvmFlags = [
  '-XX:+UseSerialGC',
  '-XX:ReservedCodeCacheSize=128m',
  '-XX:MaxMetaspaceSize=160m',
  '-Xss512k',
  '-XX:+ExitOnOutOfMemoryError',
  '-Djava.awt.headless=true',
  '-Dfile.encoding=UTF-8',
] as const;

// --- Kafka -----------------------------------------------------------------------------------------------------------

/** Broker settings that do not depend on where it runs. Compose passes the same ones as `KAFKA_…`. */
export const brokerConfig = {
  'process.roles': 'broker,controller',
  'node.id': '1',
  'auto.create.topics.enable': 'false',
  'message.max.bytes': String(recordLimits.brokerMaxMessageBytes),
  'replica.fetch.max.bytes': String(recordLimits.brokerMaxMessageBytes),
  'group.initial.rebalance.delay.ms': '0',
  'offsets.topic.replication.factor': '1',
  'offsets.topic.num.partitions': '8',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
  'share.coordinator.state.topic.replication.factor': '1',
  'share.coordinator.state.topic.min.isr': '1',
  'log.retention.hours': '168',
  'log.segment.bytes': '134217728',
  'log.cleaner.dedupe.buffer.size': '33554432',
} as const;

export interface BrokerPlace {
  readonly port: number;
  readonly controllerPort: number;
  readonly logDir: string;
}

/** The whole `server.properties` of the embedded broker. */
export function brokerProperties(place: BrokerPlace): Record<string, string> {
  return {
    ...brokerConfig,
    'controller.quorum.voters': `1@${host}:${place.controllerPort}`,
    listeners: `PLAINTEXT://${host}:${place.port},CONTROLLER://${host}:${place.controllerPort}`,
    'advertised.listeners': `PLAINTEXT://${host}:${place.port}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'log.dirs': place.logDir,
  };
}

// --- Connect ---------------------------------------------------------------------------------------------------------

export type ConnectTopicName = 'configs' | 'offsets' | 'status';

/** Connect's own three topics. `millrace topics` makes them too: auto-creation is off for everybody else. */
export function connectTopics(prefix: string): Record<ConnectTopicName, string> {
  return { configs: `${prefix}.connect.configs`, offsets: `${prefix}.connect.offsets`, status: `${prefix}.connect.status` };
}

export function connectGroup(prefix: string): string {
  return `${prefix}.connect`;
}

/** Variables that Connect's process gets and that `${env:NAME}` in a connector's config may name; nothing else may. */
export const connectSecretVariables = {
  host: 'MILLRACE_CONNECT_DATABASE_HOST',
  port: 'MILLRACE_CONNECT_DATABASE_PORT',
  user: 'MILLRACE_CONNECT_DATABASE_USER',
  password: 'MILLRACE_CONNECT_DATABASE_PASSWORD',
  database: 'MILLRACE_CONNECT_DATABASE_NAME',
} as const;

/** Who may call Connect's REST: the engine, by a password of its own. */
export const connectRestUser = 'millrace';

export function connectRestHeaders(password: string): Readonly<Record<string, string>> {
  return { authorization: `Basic ${btoa(`${connectRestUser}:${password}`)}` };
}

/** Connect's own login for its REST. A worker with it needs `connectLoginFiles` and `connectLoginFlag`. */
const restLogin = 'org.apache.kafka.connect.rest.basic.auth.extension';

/** The two files by which Connect knows its login: for its owner only, and in no folder that a connector's config may name. */
export function connectLoginFiles(folder: string, password: string): Readonly<Record<'jaas.conf' | 'login.properties', string>> {
  return {
    'jaas.conf': `KafkaConnect { ${restLogin}.PropertyFileLoginModule required file="${folder}/login.properties"; };\n`,
    'login.properties': `${connectRestUser}=${password}\n`,
  };
}

export function connectLoginFlag(folder: string): string {
  return `-Djava.security.auth.login.config=${folder}/jaas.conf`;
}

/** Refuses requests by a foreign name; its sources are in stack/connect/host-check. */
const hostCheck = 'millrace.connect.HostCheck';

/** Worker settings that do not depend on where it runs. Compose passes the same ones as `CONNECT_…`. */
export const connectConfig = {
  'rest.extension.classes': `${hostCheck},${restLogin}.BasicAuthSecurityRestExtension`,
  'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
  'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
  'value.converter.schemas.enable': 'false',
  'offset.flush.interval.ms': '2000',
  'connector.client.config.override.policy': 'All',
  'config.providers': 'env,file',
  'config.providers.env.class': 'org.apache.kafka.common.config.provider.EnvVarConfigProvider',
  'config.providers.env.param.allowlist.pattern': `^(${Object.values(connectSecretVariables).join('|')})$`,
  'config.providers.file.class': 'org.apache.kafka.common.config.provider.FileConfigProvider',
  'config.storage.replication.factor': '1',
  'offset.storage.replication.factor': '1',
  'offset.storage.partitions': '1',
  'status.storage.replication.factor': '1',
  'status.storage.partitions': '1',
  'plugin.discovery': 'service_load',
  'topic.creation.enable': 'false',
  'scheduled.rebalance.max.delay.ms': '0',
} as const;

export interface ConnectPlace {
  readonly prefix: string;
  readonly port: number;
  readonly brokers: string;
  readonly pluginPath: string;
  /** The one folder whose files `${file:…}` in a connector's config may name. */
  readonly secretsDir: string;
}

/** The whole worker configuration of the embedded Connect. */
export function connectProperties(place: ConnectPlace): Record<string, string> {
  const topics = connectTopics(place.prefix);
  return {
    ...connectConfig,
    'bootstrap.servers': place.brokers,
    'group.id': connectGroup(place.prefix),
    listeners: `http://${host}:${place.port}`,
    'rest.advertised.host.name': host,
    'rest.advertised.port': String(place.port),
    'config.storage.topic': topics.configs,
    'offset.storage.topic': topics.offsets,
    'status.storage.topic': topics.status,
    'config.providers.file.param.allowed.paths': place.secretsDir,
    'plugin.path': place.pluginPath,
  };
}

// --- Schema registry -------------------------------------------------------------------------------------------------

/** Apicurio keeps its schemas in an H2 file: in memory, a restart would lose the ids that stored messages point to. */
export function registryEnvironment(place: {
  readonly port: number;
  readonly bindTo: string;
  readonly dataDir: string;
}): Record<string, string> {
  return {
    QUARKUS_HTTP_HOST: place.bindTo,
    QUARKUS_HTTP_PORT: String(place.port),
    REGISTRY_DATASOURCE_URL: `jdbc:h2:file:${place.dataDir}/registry`,
    QUARKUS_LOG_LEVEL: 'WARN',
  };
}

// --- Postgres --------------------------------------------------------------------------------------------------------

export const databases = { definitions: 'millrace_definitions', instances: 'millrace_instances' } as const;

export const roles = {
  /** Only for making the others. */
  superuser: 'postgres',
  /** Owns both databases; what the engine and its migrations log in as. */
  engine: 'millrace',
  /** NOLOGIN: may read the outbox and write the heartbeat. Its rights come from the engine's migrations. */
  outbox: 'millrace_outbox',
  /** What Debezium logs in as, and what makes the slot: REPLICATION and `millrace_outbox`, nothing more. */
  connect: 'millrace_connect',
} as const;

/** Server settings; compose passes them as `-c name=value`. */
export const postgresConfig = {
  wal_level: 'logical',
  max_wal_senders: '10',
  max_replication_slots: '10',
  max_slot_wal_keep_size: '4GB',
  max_wal_size: '4GB',
  max_connections: '200',
  shared_buffers: '256MB',
  timezone: 'UTC',
  log_timezone: 'UTC',
} as const;

/** `initdb` arguments that decide what the data means; compose passes them as POSTGRES_INITDB_ARGS. */
export const initdbArguments = ['--encoding=UTF8', '--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C'] as const;

/** Server settings of stack/postgres/init.sql, by which it is told the passwords it gives to the two logins. */
export const initPasswordSettings = { engine: 'millrace.engine_password', connect: 'millrace.connect_password' } as const;

export interface PostgresPlace {
  readonly host: string;
  readonly port: number;
}

/** A connection URL; the password is hex, so nothing in it needs escaping. */
export function postgresUrl(place: PostgresPlace, role: string, password: string, database: string): string {
  return `postgres://${role}:${encodeURIComponent(password)}@${place.host}:${place.port}/${database}`;
}

// --- The engine's environment ----------------------------------------------------------------------------------------

export interface StackPlace {
  readonly home: string;
  readonly prefix: string;
  readonly brokers: string;
  readonly registryUrl: string;
  readonly connectUrl: string;
  readonly postgres: PostgresPlace;
  readonly passwords: { readonly engine: string; readonly connect: string; readonly connectRest: string };
  readonly apiPort: number;
}

/** Exactly what an engine process needs to reach this stack. */
export function engineEnvironment(place: StackPlace): Record<string, string> {
  const { postgres, passwords } = place;
  return {
    KAFKA_BROKERS: place.brokers,
    SCHEMA_REGISTRY_URL: `${place.registryUrl}${registryApiPath}`,
    KAFKA_CONNECT_URL: place.connectUrl,
    KAFKA_CONNECT_USERNAME: connectRestUser,
    KAFKA_CONNECT_PASSWORD: passwords.connectRest,
    DEFINITION_DATABASE_URL: postgresUrl(postgres, roles.engine, passwords.engine, databases.definitions),
    INSTANCE_DATABASE_URL: postgresUrl(postgres, roles.engine, passwords.engine, databases.instances),
    REPLICATION_DATABASE_URL: postgresUrl(postgres, roles.connect, passwords.connect, databases.instances),
    MILLRACE_HOME: place.home,
    MILLRACE_TOPIC_PREFIX: place.prefix,
    MILLRACE_PARTITIONS: String(partitions.embedded),
    PORT: String(place.apiPort),
  };
}

/** What Connect's process gets so that connector configs name their secrets instead of holding them. */
export function connectSecrets(postgres: PostgresPlace, password: string): Record<string, string> {
  return {
    [connectSecretVariables.host]: postgres.host,
    [connectSecretVariables.port]: String(postgres.port),
    [connectSecretVariables.user]: roles.connect,
    [connectSecretVariables.password]: password,
    [connectSecretVariables.database]: databases.instances,
  };
}
