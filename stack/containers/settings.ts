/**
 * The settings of ../settings.ts as the official images take them: names of images, environment variables, commands and
 * probes. docker-compose.yml is compared with it by a test, the testcontainers stack is made from it. Plain data and
 * small functions, like ../settings.ts.
 */
import {
  brokerConfig,
  connectConfig,
  connectGroup,
  connectLoginFiles,
  connectLoginFlag,
  connectRestUser,
  connectSecrets,
  connectTopics,
  databases,
  heapMiB,
  host,
  initdbArguments,
  initPasswordSettings,
  type PartName,
  postgresConfig,
  registryEnvironment,
  roles,
  versions,
} from '../settings.ts';

export const images = {
  kafka: `apache/kafka:${versions.kafka}`,
  /** Made of `connectBase` by `connectDockerfile`. */
  connect: `millrace-connect:${versions.debezium}`,
  registry: `apicurio/apicurio-registry-mem:${versions.apicurio}`,
  postgres: `postgres:${versions.postgres}`,
  kafkaUi: `ghcr.io/kafbat/kafka-ui:v${versions.kafkaUi}`,
} as const satisfies Record<PartName | 'kafkaUi', string>;

export const connectBase = `quay.io/debezium/connect:${versions.debezium}`;
/** From the root of the checkout, which is its context. */
export const connectDockerfile = 'stack/connect/Dockerfile';

/** What the parts listen on inside their network, where each has its name for an address. */
export const innerPorts = { kafka: 19_092, controller: 29_093, registry: 8080, connect: 8083, postgres: 5432, api: 8080 } as const;

/** The port of Kafka's container for whoever is outside; it must be reached at exactly the address that the broker advertises. */
export const outerKafkaPort = 9092;

export const innerBrokers = `kafka:${innerPorts.kafka}`;

/** Where images keep what must outlive them. */
export const dataPaths = { kafka: '/var/lib/kafka/data', registry: '/var/lib/millrace-registry', postgres: '/var/lib/postgresql' } as const;

/** Any id will do, as long as it stays the same: Kafka refuses a volume that was made with another. */
export const kafkaClusterId = 'bWlsbHJhY2UtY2x1c3Rlcg';

/** `a.b-c_d` is `KAFKA_A_B___C__D`: the wrapper of the image turns it back. */
function imageVariable(prefix: string, name: string): string {
  return `${prefix}_${name.replaceAll('_', '__').replaceAll('-', '___').replaceAll('.', '_').toUpperCase()}`;
}

/** @param outerPort where processes of this machine reach the broker, as a number or as compose writes it. */
export function kafkaEnvironment(outerPort: number | string): Record<string, string> {
  const settings = {
    ...brokerConfig,
    'controller.quorum.voters': `1@kafka:${innerPorts.controller}`,
    listeners: `INTERNAL://:${innerPorts.kafka},EXTERNAL://:${outerKafkaPort},CONTROLLER://:${innerPorts.controller}`,
    'advertised.listeners': `INTERNAL://${innerBrokers},EXTERNAL://${host}:${outerPort}`,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'INTERNAL',
    'listener.security.protocol.map': 'INTERNAL:PLAINTEXT,EXTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'log.dirs': dataPaths.kafka,
  };
  return {
    CLUSTER_ID: kafkaClusterId,
    KAFKA_HEAP_OPTS: `-Xmx${heapMiB.kafka}m`,
    ...Object.fromEntries(Object.entries(settings).map(([name, value]) => [imageVariable('KAFKA', name), value])),
  };
}

/** Settings for which the image has a variable of its own, which wins over `CONNECT_…` even when it is not given. */
const connectImageVariables: Readonly<Record<string, string>> = {
  'key.converter': 'KEY_CONVERTER',
  'value.converter': 'VALUE_CONVERTER',
  'offset.flush.interval.ms': 'OFFSET_FLUSH_INTERVAL_MS',
  'bootstrap.servers': 'BOOTSTRAP_SERVERS',
  'group.id': 'GROUP_ID',
  'config.storage.topic': 'CONFIG_STORAGE_TOPIC',
  'offset.storage.topic': 'OFFSET_STORAGE_TOPIC',
  'status.storage.topic': 'STATUS_STORAGE_TOPIC',
  'rest.host.name': 'REST_HOST_NAME',
  'rest.advertised.host.name': 'ADVERTISED_HOST_NAME',
};

/** In the container, out of the folder whose files a connector's config may name. */
const connectLoginFolder = '/tmp/millrace-login';
const connectRestPassword = 'MILLRACE_CONNECT_REST_PASSWORD';

/** What the image runs before its own entry point: its login is given in the environment, and Connect reads it from files. */
export const connectEntrypoint: readonly string[] = ['bash', '-ec'];
export const connectCommand: readonly string[] = [
  [
    'umask 077',
    `mkdir -p ${connectLoginFolder}`,
    ...Object.entries(connectLoginFiles(connectLoginFolder, `$${connectRestPassword}`)).map(
      ([name, text]) => `printf '%s\\n' "${text.trim().replaceAll('"', '\\"')}" > ${connectLoginFolder}/${name}`,
    ),
    'exec /docker-entrypoint.sh start',
    '',
  ].join('\n'),
];

/** @param passwords of the login that Debezium has at Postgres, and of Connect's REST. */
export function connectEnvironment(prefix: string, passwords: Pick<Passwords, 'connect' | 'connectRest'>): Record<string, string> {
  const topics = connectTopics(prefix);
  const settings = {
    ...connectConfig,
    'bootstrap.servers': innerBrokers,
    'group.id': connectGroup(prefix),
    'config.storage.topic': topics.configs,
    'offset.storage.topic': topics.offsets,
    'status.storage.topic': topics.status,
    'rest.host.name': '0.0.0.0',
    // Its host check lets this name pass, and loopback.
    'rest.advertised.host.name': 'connect',
    // The one folder whose files `${file:…}` may name; it must exist, or the worker does not start.
    'config.providers.file.param.allowed.paths': '/kafka/config',
  };
  return {
    HEAP_OPTS: `-Xmx${heapMiB.connect}m`,
    ...Object.fromEntries(
      Object.entries(settings).map(([name, value]) => [connectImageVariables[name] ?? imageVariable('CONNECT', name), value]),
    ),
    KAFKA_OPTS: connectLoginFlag(connectLoginFolder),
    [connectRestPassword]: passwords.connectRest,
    ...connectSecrets({ host: 'postgres', port: innerPorts.postgres }, passwords.connect),
  };
}

export function registryImageEnvironment(): Record<string, string> {
  return {
    ...registryEnvironment({ port: innerPorts.registry, bindTo: '0.0.0.0', dataDir: dataPaths.registry }),
    JAVA_OPTS_APPEND: `-Xmx${heapMiB.registry}m`,
  };
}

export type Passwords = { readonly superuser: string; readonly engine: string; readonly connect: string; readonly connectRest: string };

/** The init script finds the passwords of the two logins in the settings of its session. */
export function postgresEnvironment(passwords: Omit<Passwords, 'connectRest'>): Record<string, string> {
  return {
    POSTGRES_USER: roles.superuser,
    POSTGRES_PASSWORD: passwords.superuser,
    POSTGRES_INITDB_ARGS: initdbArguments.join(' '),
    PGOPTIONS: `-c ${initPasswordSettings.engine}=${passwords.engine} -c ${initPasswordSettings.connect}=${passwords.connect}`,
  };
}

export const postgresCommand: readonly string[] = [
  'postgres',
  ...Object.entries(postgresConfig).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
];

/** Where the image looks for what to run on an empty data folder. */
export const postgresInitFile = '/docker-entrypoint-initdb.d/millrace.sql';

/** Kafka's port opens before the node has elected itself. Kafka's own tool is exact but starts a JVM, so it is used only once at each start. */
const kafkaServes = '/dev/shm/serves';

/** Shell commands that succeed once a part serves. Postgres by its address: while it runs the init script it has a socket only. */
export const probes: Readonly<Record<PartName, string>> = {
  kafka:
    `bash -c '</dev/tcp/127.0.0.1/${innerPorts.kafka}' && { [ -e ${kafkaServes} ] || ` +
    `{ /opt/kafka/bin/kafka-broker-api-versions.sh --bootstrap-server 127.0.0.1:${innerPorts.kafka} >/dev/null 2>&1 && touch ${kafkaServes}; }; }`,
  registry: `curl -fsS http://127.0.0.1:${innerPorts.registry}/health/ready`,
  connect: `curl -fsS -u "${connectRestUser}:$${connectRestPassword}" http://127.0.0.1:${innerPorts.connect}/health`,
  postgres: `pg_isready -h 127.0.0.1 -U ${roles.superuser} -d ${databases.instances}`,
};
