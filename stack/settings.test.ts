import { expect, test } from 'vitest';
import {
  brokerProperties,
  connectProperties,
  connectSecrets,
  connectSecretVariables,
  engineEnvironment,
  heapMiB,
  recordLimits,
  registryEnvironment,
} from './settings.ts';

test('renders a broker that listens on this machine only and makes no topic by itself', () => {
  const properties = brokerProperties({ port: 19092, controllerPort: 19093, logDir: '/data' });
  expect(properties).toMatchObject({
    listeners: 'PLAINTEXT://127.0.0.1:19092,CONTROLLER://127.0.0.1:19093',
    'advertised.listeners': 'PLAINTEXT://127.0.0.1:19092',
    'controller.quorum.voters': '1@127.0.0.1:19093',
    'auto.create.topics.enable': 'false',
    'group.initial.rebalance.delay.ms': '0',
    'log.dirs': '/data',
  });
});

test('lets the broker take every record that a topic of ours may hold, with room for the batch around it', () => {
  const largest = recordLimits.topicMaxMessageBytes + recordLimits.deadLetterExtraBytes;
  expect(Number(brokerProperties({ port: 1, controllerPort: 2, logDir: '/' })['message.max.bytes'])).toBeGreaterThan(largest);
});

test('gives Connect its topics and its group under the prefix', () => {
  const properties = connectProperties({
    prefix: 'acme',
    port: 18083,
    brokers: '127.0.0.1:19092',
    pluginPath: '/plugins',
    secretsDir: '/secrets',
  });
  expect(properties).toMatchObject({
    'group.id': 'acme.connect',
    'config.storage.topic': 'acme.connect.configs',
    'offset.storage.topic': 'acme.connect.offsets',
    'status.storage.topic': 'acme.connect.status',
    listeners: 'http://127.0.0.1:18083',
    'config.providers.file.param.allowed.paths': '/secrets',
  });
});

test('admits to connector configs exactly the secrets that Connect is given', () => {
  const allowed = new RegExp(
    connectProperties({ prefix: 'p', port: 1, brokers: 'b', pluginPath: '/p', secretsDir: '/s' })[
      'config.providers.env.param.allowlist.pattern'
    ] ?? '',
  );
  const names = Object.keys(connectSecrets({ host: '127.0.0.1', port: 5432 }, 'secret'));
  expect(names.sort()).toEqual(Object.values(connectSecretVariables).sort());
  for (const name of names) expect(name).toMatch(allowed);
  expect('PATH').not.toMatch(allowed);
});

test('no worker setting holds the database password', () => {
  const properties = connectProperties({ prefix: 'p', port: 1, brokers: 'b', pluginPath: '/p', secretsDir: '/s' });
  expect(Object.keys(properties).filter((name) => name.includes('password'))).toEqual([]);
});

test('keeps the schema registry on disk', () => {
  expect(registryEnvironment({ port: 1, bindTo: '127.0.0.1', dataDir: '/data' }).REGISTRY_DATASOURCE_URL).toBe(
    'jdbc:h2:file:/data/registry',
  );
});

test('keeps the heaps of all JVMs well below 2 GiB, which is the limit for everything they hold', () => {
  expect(heapMiB.kafka + heapMiB.connect + heapMiB.registry).toBeLessThanOrEqual(1_280);
});

test("gives the engine's environment, with one login for both databases and another for replication", () => {
  const env = engineEnvironment({
    home: '/home/m',
    prefix: 'millrace',
    brokers: '127.0.0.1:9092',
    registryUrl: 'http://127.0.0.1:8081',
    connectUrl: 'http://127.0.0.1:8083',
    postgres: { host: '127.0.0.1', port: 54320 },
    passwords: { engine: 'aa', connect: 'bb', connectRest: 'cc' },
    apiPort: 8080,
  });
  expect(env).toEqual({
    KAFKA_BROKERS: '127.0.0.1:9092',
    SCHEMA_REGISTRY_URL: 'http://127.0.0.1:8081/apis/ccompat/v7',
    KAFKA_CONNECT_URL: 'http://127.0.0.1:8083',
    KAFKA_CONNECT_USERNAME: 'millrace',
    KAFKA_CONNECT_PASSWORD: 'cc',
    DEFINITION_DATABASE_URL: 'postgres://millrace:aa@127.0.0.1:54320/millrace_definitions',
    INSTANCE_DATABASE_URL: 'postgres://millrace:aa@127.0.0.1:54320/millrace_instances',
    REPLICATION_DATABASE_URL: 'postgres://millrace_connect:bb@127.0.0.1:54320/millrace_instances',
    MILLRACE_HOME: '/home/m',
    MILLRACE_TOPIC_PREFIX: 'millrace',
    MILLRACE_PARTITIONS: '8',
    PORT: '8080',
  });
});
