/**
 * docker-compose.yml, Dockerfile and .env.example agree with the settings. Without Docker: files are read, variables take the
 * defaults that compose would take.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { loadConfig } from '../src/service/config.ts';
import {
  connectBase,
  connectCommand,
  connectDockerfile,
  connectEntrypoint,
  connectEnvironment,
  dataPaths,
  images,
  innerBrokers,
  innerPorts,
  kafkaEnvironment,
  outerKafkaPort,
  postgresCommand,
  postgresEnvironment,
  postgresInitFile,
  probes,
  registryImageEnvironment,
} from './containers/settings.ts';
import { engineProcesses, exampleServer, findExamples, installSteps } from './engine.ts';
import { checkout } from './home.ts';
import {
  defaultPorts,
  defaultPrefix,
  engineEnvironment,
  host,
  partitions,
  partNames,
  portVariables,
  registryApiPath,
  versions,
} from './settings.ts';

interface Service {
  readonly image: string;
  readonly build?: string | { readonly context: string; readonly dockerfile: string };
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly command?: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly test?: readonly string[]; readonly disable?: boolean };
  readonly deploy?: { readonly replicas: number };
  readonly profiles?: readonly string[];
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

const read = (file: string): string => readFileSync(join(checkout, file), 'utf8');
const source = read('docker-compose.yml');
/** By name, the default that compose takes where nothing is set. */
const defaults = new Map([...source.matchAll(/\$\{(\w+):-([^}]*)\}/g)].map(([, name = '', value = '']) => [name, value]));

function interpolate(text: string, given: Readonly<Record<string, string>> = {}): string {
  return text.replaceAll(/\$\{(\w+):-([^}]*)\}/g, (_, name: string, value: string) => given[name] ?? value).replaceAll('$$', '$');
}

const compose = parse(interpolate(source), { merge: true }) as Compose;

function service(name: string): Service {
  const found = compose.services[name];
  if (found === undefined) throw new Error(`docker-compose.yml has no service ${name}`);
  return found;
}

const passwords = {
  superuser: defaults.get('POSTGRES_SUPERUSER_PASSWORD') ?? '',
  engine: defaults.get('POSTGRES_ENGINE_PASSWORD') ?? '',
  connect: defaults.get('POSTGRES_CONNECT_PASSWORD') ?? '',
  connectRest: defaults.get('CONNECT_REST_PASSWORD') ?? '',
};

/** What a process of the engine needs to find its way inside the network. */
const engine = engineEnvironment({
  home: '/var/lib/millrace',
  prefix: defaultPrefix,
  brokers: innerBrokers,
  registryUrl: `http://registry:${innerPorts.registry}`,
  connectUrl: `http://connect:${innerPorts.connect}`,
  postgres: { host: 'postgres', port: innerPorts.postgres },
  passwords,
  apiPort: innerPorts.api,
});

const own = Object.entries(compose.services).filter(([, { image }]) => image === defaults.get('MILLRACE_IMAGE'));

describe('docker-compose.yml', () => {
  it.each([...partNames.map((name) => [name, images[name]] as const), ['kafka-ui', images.kafkaUi] as const])(
    'runs %s from the image of our version',
    (name, image) => expect(service(name).image).toBe(image),
  );

  it('gives Kafka the settings of the embedded broker', () => {
    expect(service('kafka').environment).toEqual(kafkaEnvironment(defaultPorts.kafka));
  });

  it('gives Connect the settings of the embedded one, its topics under the prefix, and the secrets that a connector names', () => {
    expect(service('connect').environment).toEqual(connectEnvironment(defaultPrefix, passwords));
    expect([service('connect').entrypoint, service('connect').command]).toEqual([connectEntrypoint, connectCommand]);
  });

  it('builds the image of Connect, which has the host check that its settings name', () => {
    expect(service('connect').build).toEqual({ context: '.', dockerfile: connectDockerfile });
    const [, extension = ''] = /^([\w.]+),/.exec(service('connect').environment?.CONNECT_REST_EXTENSION_CLASSES ?? '') ?? [];
    expect(read('stack/connect/host-check/META-INF/services/org.apache.kafka.connect.rest.ConnectRestExtension').trim()).toBe(extension);
    expect(read(`stack/connect/host-check/${extension.replaceAll('.', '/')}.java`)).toContain('implements ConnectRestExtension');
  });

  it('keeps the schema registry in a file', () => {
    expect(service('registry').environment).toEqual(registryImageEnvironment());
  });

  it('gives Postgres the settings of the embedded one, and the script that makes roles and databases', () => {
    expect(service('postgres').environment).toEqual(postgresEnvironment(passwords));
    expect(service('postgres').command).toEqual(postgresCommand);
    expect(service('postgres').volumes).toContain(`./stack/postgres/init.sql:${postgresInitFile}:ro`);
  });

  it('builds the image once, in the service that all others of ours wait for', () => {
    expect(own.length).toBeGreaterThan(5);
    expect(own.flatMap(([name, { build }]) => (build === undefined ? [] : [name]))).toEqual(['install']);
  });

  it('lets what is set reach every place where it counts', () => {
    const given = { KAFKA_PORT: '19092', MILLRACE_TOPIC_PREFIX: 'acme', POSTGRES_CONNECT_PASSWORD: 'other', CONNECT_REST_PASSWORD: 'rest' };
    const { services } = parse(interpolate(source, given), { merge: true }) as Compose;
    expect(services.kafka?.environment).toEqual(kafkaEnvironment(19_092));
    expect(services.connect?.environment).toEqual(connectEnvironment('acme', { connect: 'other', connectRest: 'rest' }));
    for (const name of ['install', 'orchestrator']) expect(services[name]?.environment?.KAFKA_CONNECT_PASSWORD).toBe('rest');
    expect(services.postgres?.environment).toEqual(postgresEnvironment({ ...passwords, connect: 'other' }));
    expect(services.install?.environment?.REPLICATION_DATABASE_URL).toContain(':other@');
    for (const name of ['install', 'api', 'orchestrator', 'task-consumer'])
      expect(services[name]?.environment?.MILLRACE_TOPIC_PREFIX).toBe('acme');
  });

  it('listens on this machine only, on the ports of the embedded stack', () => {
    const inner = { ...innerPorts, kafka: outerKafkaPort };
    const published = Object.values(compose.services).flatMap(({ ports = [] }) => ports);
    for (const port of published) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
    for (const name of ['api', ...partNames] as const)
      expect(service(name).ports).toEqual([`${host}:${defaultPorts[name]}:${inner[name]}`]);
    for (const variable of Object.values(portVariables)) expect(defaults.has(variable)).toBe(true);
  });

  it('keeps all data in named volumes', () => {
    for (const name of ['kafka', 'registry', 'postgres'] as const) {
      expect(service(name).volumes).toContain(`${name}:${dataPaths[name]}`);
      expect(compose.volumes).toHaveProperty(name);
    }
  });

  it.each([...partNames])('asks %s whether it serves as the testcontainers stack does', (name) =>
    expect(service(name).healthcheck?.test).toEqual(['CMD-SHELL', probes[name]]),
  );

  it('decodes our Avro in the Kafka UI', () => {
    expect(service('kafka-ui').environment).toMatchObject({
      KAFKA_CLUSTERS_0_BOOTSTRAPSERVERS: innerBrokers,
      KAFKA_CLUSTERS_0_SCHEMAREGISTRY: `http://registry:${innerPorts.registry}${registryApiPath}`,
      KAFKA_CLUSTERS_0_DEFAULTVALUESERDE: 'SchemaRegistry',
    });
  });

  it('installs by the steps of `npm start`, in their order, once every part serves', () => {
    const { command, depends_on, environment } = service('install');
    expect(command?.[0]?.trim().split('\n')).toEqual(installSteps.map(({ args }) => `millrace ${args.join(' ')}`));
    expect(Object.keys(depends_on ?? {}).sort()).toEqual([...partNames].sort());
    const { PORT: _, ...installation } = engine;
    expect(environment).toMatchObject(installation);
  });

  it('runs the processes of `npm start`, as many of each, after the install', () => {
    const wanted = engineProcesses.map(({ command }) => command.at(-1));
    const running = own
      .filter(([, { profiles }]) => profiles === undefined)
      .filter(([name]) => name !== 'install')
      .flatMap(([, { command, deploy, depends_on }]) => {
        expect(depends_on).toEqual({ install: { condition: 'service_completed_successfully' } });
        return Array.from({ length: deploy?.replicas ?? 1 }, () => command?.[0]);
      });
    expect(running.sort()).toEqual(wanted.sort());
  });

  it('tells every process where everything is, and none a login that it does not need', () => {
    const { REPLICATION_DATABASE_URL: _, PORT: __, ...both } = engine;
    const ofApi = Object.fromEntries(Object.entries(both).filter(([name]) => !name.startsWith('KAFKA_CONNECT_')));
    expect(service('api').environment).toMatchObject({ ...ofApi, PORT: engine.PORT });
    expect(service('orchestrator').environment).toMatchObject(both);
    expect(service('task-consumer').environment).toMatchObject({
      KAFKA_BROKERS: engine.KAFKA_BROKERS,
      SCHEMA_REGISTRY_URL: engine.SCHEMA_REGISTRY_URL,
    });
    const holders = Object.entries(compose.services)
      .filter(([, { environment }]) => JSON.stringify(environment ?? {}).includes('postgres://'))
      .map(([name]) => name);
    expect(holders.sort()).toEqual(['api', 'install', 'orchestrator']);
    expect(own.filter(([, { environment }]) => environment?.REPLICATION_DATABASE_URL !== undefined).map(([name]) => name)).toEqual([
      'install',
    ]);
  });

  it('keeps http nodes from everything that it listens with', () => {
    const denied = service('task-consumer').environment?.MILLRACE_HTTP_DENY?.split(',') ?? [];
    const listening = Object.entries(compose.services).flatMap(([name, { ports = [] }]) =>
      ports.map((port) => `${name}:${port.split(':').at(-1)}`),
    );
    expect(listening.length).toBeGreaterThan(5);
    expect(denied).toEqual(expect.arrayContaining([...listening, innerBrokers]));
  });

  it('gives the login of Connect to those alone that talk to it', () => {
    const holders = own.filter(([, { environment }]) => environment?.KAFKA_CONNECT_PASSWORD !== undefined).map(([name]) => name);
    expect(holders.sort()).toEqual(['install', 'orchestrator']);
  });

  it('gives processes an environment that they accept', () => {
    expect(
      loadConfig(service('api').environment ?? {}, ['kafka', 'registry', 'databases', 'topics', 'api', 'service', 'limits']).api.apiKey,
    ).toBe(defaults.get('MILLRACE_API_KEY'));
    expect(
      loadConfig(service('task-consumer').environment ?? {}, ['kafka', 'registry', 'topics', 'worker', 'service']).worker.httpAllow,
    ).toEqual([`shop:${exampleServer.port}`]);
    expect(loadConfig(service('orchestrator').environment ?? {}).topics.partitions).toBe(partitions.embedded);
  });

  it('serves what the examples bring', () => {
    const commands = own.filter(([, { profiles }]) => profiles?.includes('examples')).map(([, { command }]) => command?.join(' ') ?? '');
    for (const { command } of findExamples().processes) {
      const script = command.at(-1)?.slice(checkout.length) ?? '';
      expect(commands.some((text) => text.includes(script))).toBe(true);
    }
    expect(service('shop').healthcheck?.test?.join(' ')).toContain(`:${exampleServer.port}/`);
  });

  it('has every variable in .env.example, with the value that holds without it', () => {
    const example = [...read('.env.example').matchAll(/^(\w+)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value] as const);
    const documented = new Map(example);
    for (const [name, value] of defaults) if (name !== 'MILLRACE_IMAGE') expect([name, documented.get(name)]).toEqual([name, value]);
    for (const name of documented.keys()) expect([...defaults.keys()]).toContain(name);
  });

  it('gives each variable one default', () => {
    for (const [, name = '', value] of source.matchAll(/\$\{(\w+):-([^}]*)\}/g)) expect([name, value]).toEqual([name, defaults.get(name)]);
  });
});

describe('the Dockerfiles', () => {
  const dockerfile = read('Dockerfile');
  const ofConnect = read(connectDockerfile);

  it('run the Node that the checkout has, not as root', () => {
    const { devDependencies } = JSON.parse(read('package.json')) as { devDependencies: Record<string, string> };
    const major = /\d+/.exec(devDependencies.node ?? '')?.[0];
    for (const [, from] of dockerfile.matchAll(/^FROM (\S+)/gm)) expect(from).toBe(`node:${major}-slim`);
    expect(dockerfile).toMatch(/^USER node$/m);
  });

  it('add to the Connect of our Debezium a jar only, where its own jars are', () => {
    const stages = ofConnect.split(/^(?=FROM )/m).slice(1);
    expect(stages.map((stage) => /^FROM (.+)$/m.exec(stage)?.[1])).toEqual([
      `${connectBase} AS connect`,
      'eclipse-temurin:17-jdk AS compiler',
      'connect',
    ]);
    const [, jar] = /jar --create --file (\S+) /.exec(ofConnect) ?? [];
    expect(stages[2]?.trim().split('\n').slice(1)).toEqual([`COPY --from=compiler ${jar} /kafka/libs/`]);
  });

  it('take their context from a list of what they need, and copy nothing else', () => {
    const needed = [...`${dockerfile}\n${ofConnect}`.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, paths = '']) => paths.split(' '));
    const admitted = [...read('.dockerignore').matchAll(/^!(.+)$/gm)].map(([, path]) => path);
    expect(admitted.sort()).toEqual([...new Set(needed)].sort());
  });
});

describe('the images', () => {
  it('are those of the versions that the embedded stack has', () => {
    expect(images).toMatchObject({
      kafka: expect.stringMatching(new RegExp(`:${versions.kafka}$`)),
      connect: expect.stringMatching(new RegExp(`:${versions.debezium}$`)),
      registry: expect.stringMatching(new RegExp(`:${versions.apicurio}$`)),
      postgres: expect.stringMatching(new RegExp(`:${versions.postgres}$`)),
    });
  });
});
