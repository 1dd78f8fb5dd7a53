import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { configurationFile, renderConfigurationDocs } from './config/docs.ts';
import { ConfigError, type ConfigGroup, type Environment, loadConfig, type VariableError } from './config.ts';
import { runLimitsOf } from './run-limits.ts';

const databases = {
  DEFINITION_DATABASE_URL: 'postgres://millrace:hunter2@db:5432/definitions?sslmode=require',
  INSTANCE_DATABASE_URL: 'postgres://millrace:hunter2@db:5432/instances',
};

function errorsOf(env: Environment, groups?: readonly ConfigGroup[]): readonly VariableError[] {
  try {
    groups === undefined ? loadConfig(env) : loadConfig(env, groups);
  } catch (error) {
    if (error instanceof ConfigError) return error.errors;
    throw error;
  }
  throw new Error('the configuration was accepted');
}

function fileWith(content: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-config-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'secret');
  writeFileSync(file, content);
  return file;
}

describe('configuration', () => {
  it('has a default for everything but the databases', () => {
    const config = loadConfig(databases);
    expect(config.kafka).toEqual({ brokers: ['127.0.0.1:9092'], clientId: 'millrace', ssl: null, sasl: null, sessionTimeoutMs: 6_000 });
    expect(config.topics).toMatchObject({ prefix: 'millrace', partitions: 8, retentionMs: 604_800_000, events: [] });
    expect(config.databases.instances).toBe(databases.INSTANCE_DATABASE_URL);
    expect(config.worker.concurrency).toBeNull();
    // Of the language: the time to live of events, and how often stranded tasks are looked for.
    expect(config.orchestrator).toMatchObject({ eventTtlMs: 3_600_000, redispatchIntervalMs: 300_000 });
  });

  it('names every bad value at once, with what was given and what is expected', () => {
    const errors = errorsOf({
      KAFKA_BROKERS: 'one:9092,two',
      MILLRACE_PARTITIONS: '0',
      KAFKA_SSL: 'yes',
      MILLRACE_EVENT_TTL: 'soon',
      PORT: '80.5',
    });
    expect(errors.map(({ name }) => name).sort()).toEqual([
      'DEFINITION_DATABASE_URL',
      'INSTANCE_DATABASE_URL',
      'KAFKA_BROKERS',
      'KAFKA_SSL',
      'MILLRACE_EVENT_TTL',
      'MILLRACE_PARTITIONS',
      'PORT',
    ]);
    expect(new ConfigError(errors).message).toContain('MILLRACE_PARTITIONS is "0": expected an integer from 1 to 1000.');
    expect(new ConfigError(errors).message).toContain('INSTANCE_DATABASE_URL is not set: expected a URL that begins with `postgres://`');
  });

  it('never repeats a secret', () => {
    const errors = errorsOf({ ...databases, INSTANCE_DATABASE_URL: 'mysql://root:hunter2@db/x', MILLRACE_API_KEY: 'short hunter2' });
    expect(errors.map(({ name }) => name)).toEqual(['INSTANCE_DATABASE_URL', 'MILLRACE_API_KEY']);
    expect(new ConfigError(errors).message).not.toContain('hunter2');
  });

  it.each(['allow', 'verify_full', 'REQUIRE', ''])('refuses an sslmode that node-postgres would take for something else (%s)', (mode) => {
    const url = `${databases.INSTANCE_DATABASE_URL}?sslmode=${mode}`;
    expect(errorsOf({ ...databases, INSTANCE_DATABASE_URL: url })).toEqual([
      expect.objectContaining({ name: 'INSTANCE_DATABASE_URL', expected: expect.stringMatching(/^an `sslmode` that is one of `disable`/) }),
    ]);
  });

  it('wants an authority for sslmode=verify-ca, as psql does', () => {
    const url = `${databases.INSTANCE_DATABASE_URL}?sslmode=verify-ca`;
    expect(loadConfig({ ...databases, INSTANCE_DATABASE_URL: `${url}&sslrootcert=/ca.pem` }).databases.instances).toContain('verify-ca');
    expect(errorsOf({ ...databases, INSTANCE_DATABASE_URL: url })).toEqual([
      expect.objectContaining({ expected: 'an `sslrootcert` beside `sslmode=verify-ca`' }),
    ]);
  });

  it.each(['SCHEMA_REGISTRY_URL', 'KAFKA_CONNECT_URL'])('refuses a login in %s, and does not repeat it', (name) => {
    const expected = expect.stringContaining('without a login');
    for (const password of ['hunter2', 'hunt@er2'])
      expect(errorsOf({ ...databases, [name]: `https://ada:${password}@registry:8081/api` })).toEqual([
        { name, given: '"https://***@registry:8081/api"', expected },
      ]);
  });

  it('checks and gives only the groups that a process asks for', () => {
    const config = loadConfig({ PORT: 'bad' }, ['kafka', 'worker']);
    expect(Object.keys(config)).toEqual(['kafka', 'worker']);
  });

  it('reads secrets and certificates from files', () => {
    const ca = '-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----';
    const config = loadConfig(
      {
        KAFKA_SSL: 'true',
        KAFKA_SSL_CA_FILE: fileWith(ca),
        KAFKA_SASL_MECHANISM: 'SCRAM-SHA-512',
        KAFKA_SASL_USERNAME: 'me',
        KAFKA_SASL_PASSWORD_FILE: fileWith('hunter2\n'),
      },
      ['kafka'],
    );
    expect(config.kafka.ssl).toEqual({ ca, cert: null, key: null });
    expect(config.kafka.sasl).toEqual({ mechanism: 'scram-sha-512', username: 'me', password: 'hunter2' });
  });

  it('names a file that cannot be read, and a secret that was given twice', () => {
    expect(errorsOf({ MILLRACE_API_KEY_FILE: '/nowhere' }, ['api'])).toEqual([
      { name: 'MILLRACE_API_KEY_FILE', given: '"/nowhere"', expected: 'a file that can be read (ENOENT)' },
    ]);
    expect(errorsOf({ MILLRACE_API_KEY: 'x'.repeat(20), MILLRACE_API_KEY_FILE: fileWith('y'.repeat(20)) }, ['api'])).toHaveLength(1);
  });

  it.each([
    ['a login without its mechanism', { KAFKA_SASL_USERNAME: 'me', KAFKA_SASL_PASSWORD: 'x' }, 'KAFKA_SASL_MECHANISM'],
    ['a mechanism without a password', { KAFKA_SASL_MECHANISM: 'plain', KAFKA_SASL_USERNAME: 'me' }, 'KAFKA_SASL_PASSWORD'],
    ['a certificate without TLS', { KAFKA_SSL_CA: '-----BEGIN CERTIFICATE-----' }, 'KAFKA_SSL'],
    ['a user of the registry without a password', { SCHEMA_REGISTRY_USERNAME: 'me' }, 'SCHEMA_REGISTRY_PASSWORD'],
    ['records that stay longer than starts of children are applied', { MILLRACE_TOPIC_RETENTION: '14d' }, 'MILLRACE_TOPIC_RETENTION'],
    [
      'old rows that could bring back starts which are not applied any more',
      { MILLRACE_TOPIC_RETENTION: '10d', MILLRACE_OUTBOX_RETENTION: '4d' },
      'MILLRACE_OUTBOX_RETENTION',
    ],
    ['a payload that fits in no record', { MILLRACE_MAX_MESSAGE_BYTES: '100000' }, 'MILLRACE_LIMIT_PAYLOAD_BYTES'],
    ['a payload of 4 MiB without references', { MILLRACE_LIMIT_PAYLOAD_BYTES: '4194304' }, 'MILLRACE_LIMIT_PAYLOAD_BYTES'],
    [
      'a payload of more than 4 MiB with references',
      { MILLRACE_LIMIT_PAYLOAD_BYTES: '4194305', MILLRACE_REFERENCE_BYTES: '65536' },
      'MILLRACE_LIMIT_PAYLOAD_BYTES',
    ],
    ['payloads in records that fit in none', { MILLRACE_REFERENCE_BYTES: '1000000' }, 'MILLRACE_REFERENCE_BYTES'],
    [
      'states that fit in no record beside their tasks',
      { MILLRACE_CONTINUATION: 'on', MILLRACE_MAX_MESSAGE_BYTES: '400000', MILLRACE_LIMIT_PAYLOAD_BYTES: '100000' },
      'MILLRACE_MAX_MESSAGE_BYTES',
    ],
  ])('refuses %s', (_, env, name) => {
    expect(errorsOf({ ...databases, ...env }).map(({ name }) => name)).toEqual([name]);
  });

  it('lets payloads that go through the database be larger than records', () => {
    const config = loadConfig({ ...databases, MILLRACE_LIMIT_PAYLOAD_BYTES: '4194304', MILLRACE_REFERENCE_BYTES: '65536' });
    expect(runLimitsOf(config)).toMatchObject({ payloadBytes: 4_194_304, messageBytes: 983_040, referenceBytes: 65_536 });
    expect(runLimitsOf(loadConfig(databases))).toMatchObject({ payloadBytes: 524_288, messageBytes: 524_288, referenceBytes: 0 });
  });

  it('says how long rows and records may stay together', () => {
    const env = { ...databases, MILLRACE_OUTBOX_RETENTION: '7d' };
    expect(errorsOf(env)).toEqual([
      { name: 'MILLRACE_OUTBOX_RETENTION', given: '"7d"', expected: 'less than 14d together with MILLRACE_TOPIC_RETENTION, which is "7d"' },
    ]);
    expect(loadConfig({ ...env, MILLRACE_TOPIC_RETENTION: '6d' }).orchestrator.outboxRetentionMs).toBe(604_800_000);
  });

  it('takes an empty variable for one that is not set', () => {
    expect(loadConfig({ KAFKA_BROKERS: '', KAFKA_SSL_CA: ' ' }, ['kafka']).kafka.brokers).toEqual(['127.0.0.1:9092']);
  });

  it('refuses a list without an item', () => {
    expect(errorsOf({ KAFKA_BROKERS: ' , ' }, ['kafka'])).toEqual([
      {
        name: 'KAFKA_BROKERS',
        given: '","',
        expected: '`host:port`, several separated by commas; the Kafka client takes a name or an IPv4 address as the host',
      },
    ]);
  });

  it.each(['[::1]:9092', '::1:9092', 'one:9092,[fd00::1]:9092'])(
    'refuses a broker that the Kafka client would take apart wrongly (%s)',
    (brokers) => {
      expect(errorsOf({ KAFKA_BROKERS: brokers }, ['kafka'])).toEqual([
        expect.objectContaining({ name: 'KAFKA_BROKERS', expected: expect.stringContaining('takes a name or an IPv4 address') }),
      ]);
    },
  );

  it('says once of a variable what is wrong with it', () => {
    const errors = errorsOf({ ...databases, KAFKA_SSL_CERT: 'nonsense', KAFKA_SSL: 'yes', INSTANCE_DATABASE_URL: 'nonsense' });
    expect(errors.map(({ name }) => name).sort()).toEqual(['INSTANCE_DATABASE_URL', 'KAFKA_SSL', 'KAFKA_SSL_CERT', 'KAFKA_SSL_KEY']);
  });

  it.each([
    [undefined, null],
    ['off', null],
    ['90d', 7_776_000_000],
  ])('reads a retention of %s as %s', (given, expected) => {
    const config = loadConfig({ ...databases, ...(given === undefined ? {} : { MILLRACE_RETENTION_INSTANCES: given }) });
    expect(config.orchestrator.retention.instancesMs).toBe(expected);
  });

  it.each(['13d', '0', 'never'])('refuses a retention of %s, within which records may still come', (given) => {
    const [error, ...more] = errorsOf({ ...databases, MILLRACE_RETENTION_INSTANCES: given });
    expect(more).toEqual([]);
    expect(error?.expected).toBe('`off`, or a duration such as `30d`, from 14d to 3650d');
  });

  it('is frozen', () => {
    expect(Object.isFrozen(loadConfig({}, ['kafka']).kafka.brokers)).toBe(true);
  });

  it('is described by docs/configuration.md as `npm run docs:config` makes it', () => {
    expect(readFileSync(configurationFile, 'utf8')).toBe(renderConfigurationDocs());
  });
});
