/** TLS and logins of Kafka on a broker that requires them: from the environment to the record. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectKafka } from '../../src/messaging/kafkajs/index.ts';
import type { LogRecord } from '../../src/messaging/log.ts';
import { ensureTopics, groupNames, topicNames, topicSpecs } from '../../src/messaging/topics.ts';
import { loadConfig } from '../../src/service/config.ts';
import { kafkaOptions, topicSettings } from '../../src/service/connections.ts';
import { runEngineCommand } from '../../stack/engine.ts';
import { type Certificate, createAuthority, issueCertificate } from '../support/certificates.ts';
import { stackEnv } from '../support/env.ts';
import { eventually } from '../support/eventually.ts';
import { type SecureBroker, startSecureBroker } from '../support/secure-broker.ts';

const login = { username: 'engine', password: 'right-secret-of-kafka' };
const wrong = 'wrong-secret-of-kafka';

let authority: Certificate;
let stranger: Certificate;
let client: Certificate;
let broker: SecureBroker;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'secure-kafka-'));
  authority = await createAuthority('Authority of the test');
  stranger = await createAuthority('Authority of somebody else');
  client = await issueCertificate(authority, 'engine');
  broker = await startSecureBroker(authority, login);
}, 180_000);

afterAll(async () => {
  await broker?.stop();
  rmSync(folder, { recursive: true, force: true });
});

type Settings = Readonly<Record<string, string>>;

function settingsOf(mechanism: string, password = login.password): Settings {
  return {
    KAFKA_BROKERS: broker.sasl,
    KAFKA_SSL: 'true',
    KAFKA_SSL_CA: authority.cert,
    KAFKA_SASL_MECHANISM: mechanism,
    KAFKA_SASL_USERNAME: login.username,
    KAFKA_SASL_PASSWORD: password,
  };
}

function mutualSettings(own: Certificate | null = client): Settings {
  const ours: Settings = own === null ? {} : { KAFKA_SSL_CERT: own.cert, KAFKA_SSL_KEY: own.key };
  return { KAFKA_BROKERS: broker.mutualTls, KAFKA_SSL: 'true', KAFKA_SSL_CA: authority.cert, ...ours };
}

/** @param lines what the client logs, errors with everything in them. */
function connect(settings: Settings, lines: string[] = []) {
  const config = loadConfig({ MILLRACE_PARTITIONS: '1', ...settings }, ['kafka', 'topics']);
  const note = (fields: object, message: string): void => void lines.push(message + inspect(fields, { depth: 10 }));
  return { config, log: connectKafka(kafkaOptions(config), { debug: note, info: note, warn: note, error: note }) };
}

describe('with the right settings', () => {
  test.each([
    ['scram256', () => settingsOf('scram-sha-256')],
    ['scram512', () => settingsOf('scram-sha-512')],
    ['plain', () => settingsOf('plain')],
    ['mtls', () => mutualSettings()],
  ])('topics are made under their prefix, and a record is written, read and committed (%s)', async (prefix, settings) => {
    const { config, log } = connect({ ...settings(), MILLRACE_TOPIC_PREFIX: prefix });
    const [admin, producer] = [log.admin(), log.producer()];
    const topic = topicNames(prefix).events;
    const groupId = groupNames(prefix).correlator(null);
    const records: LogRecord[] = [];
    const consumer = log.consumer({
      groupId,
      topics: [topic],
      handlers: {
        onBatch: (batch) => {
          records.push(...batch.records);
          consumer.commit(batch, 1n, batch.generation);
        },
        onAssigned: () => undefined,
        onRevoked: () => undefined,
      },
    });
    try {
      const { created } = await ensureTopics(admin, topicSettings(config));
      expect(created).toEqual(topicSpecs(topicSettings(config)).map((spec) => spec.topic));
      await producer.send([{ topic, key: 'k', value: Buffer.from(prefix) }]);
      await consumer.start();
      await eventually(() => expect(records.map(({ value }) => String(value))).toEqual([prefix]));
      await consumer.flush();
      expect(await admin.committedOffsets(groupId, topic)).toEqual(new Map([[0, 1n]]));
    } finally {
      await Promise.all([consumer.stop(), producer.stop()]);
      await admin.close();
    }
  });

  test('`millrace topics` does so by itself, with what is secret in files', async () => {
    const { KAFKA_SASL_PASSWORD = '', KAFKA_SSL_CA = '', ...settings } = settingsOf('scram-sha-512');
    writeFileSync(join(folder, 'password'), KAFKA_SASL_PASSWORD);
    writeFileSync(join(folder, 'ca.pem'), KAFKA_SSL_CA);
    const files = { KAFKA_SASL_PASSWORD_FILE: join(folder, 'password'), KAFKA_SSL_CA_FILE: join(folder, 'ca.pem') };
    expect(await millraceTopics({ ...settings, ...files })).toContain(
      `created ${topicNames(stackEnv().MILLRACE_TOPIC_PREFIX ?? '').events}`,
    );
  });
});

describe('with wrong settings the broker is refused, or refuses, and it is said why', () => {
  test.each([
    [
      'a wrong password by SCRAM-SHA-256',
      () => settingsOf('scram-sha-256', wrong),
      /invalid credentials with SASL mechanism SCRAM-SHA-256/,
    ],
    [
      'a wrong password by SCRAM-SHA-512',
      () => settingsOf('scram-sha-512', wrong),
      /invalid credentials with SASL mechanism SCRAM-SHA-512/,
    ],
    ['a wrong password by PLAIN', () => settingsOf('plain', wrong), /Invalid username or password/],
    ['another authority', () => ({ ...settingsOf('plain'), KAFKA_SSL_CA: stranger.cert }), /certificate/],
    ['only the well-known authorities', () => ({ ...settingsOf('plain'), KAFKA_SSL_CA: '' }), /certificate/],
    [
      'a name that is not in the certificate',
      () => ({ ...settingsOf('plain'), KAFKA_BROKERS: broker.sasl.replace('127.0.0.1', 'localhost') }),
      /localhost/,
    ],
    ['no certificate of its own', () => mutualSettings(null), /certificate/],
  ])('%s', async (_, settings, reason) => {
    const lines: string[] = [];
    const admin = connect(settings(), lines).log.admin();
    const error: unknown = await admin.ping().catch((caught: unknown) => caught);
    await admin.close();
    expect(error).toMatchObject({ code: 'MR_KAFKA_UNAVAILABLE', message: expect.stringMatching(reason) });
    const said = [inspect(error, { depth: 10 }), ...lines].join('\n');
    expect(said).not.toContain(wrong);
    expect(said).not.toContain(login.password);
  });

  test('another authority, though the well-known ones would do: KAFKA_SSL_CA stands instead of them', async () => {
    const wellKnown = getCACertificates('default');
    setDefaultCACertificates([authority.cert]);
    const admins = ['', stranger.cert].map((ca) => connect({ ...settingsOf('plain'), KAFKA_SSL_CA: ca }).log.admin());
    try {
      await expect(admins[0]?.ping()).resolves.toBeUndefined();
      await expect(admins[1]?.ping()).rejects.toMatchObject({ message: expect.stringMatching(/certificate/) });
    } finally {
      setDefaultCACertificates(wellKnown);
      await Promise.all(admins.map((admin) => admin.close()));
    }
  });

  test('a certificate of another authority', async () => {
    const own = await issueCertificate(stranger, 'engine');
    const admin = connect(mutualSettings(own)).log.admin();
    await expect(admin.ping()).rejects.toMatchObject({ code: 'MR_KAFKA_UNAVAILABLE', message: expect.stringMatching(/certificate/) });
    await admin.close();
  });

  test('`millrace topics` ends with the reason, and without the password', async () => {
    const failure: unknown = await millraceTopics(settingsOf('scram-sha-256', wrong)).catch((caught: unknown) => caught);
    expect(String(failure)).toContain('invalid credentials');
    expect(String(failure)).not.toContain(wrong);
  });
});

async function millraceTopics(settings: Settings): Promise<string> {
  const command = { title: 'Making the topics', args: ['topics'] };
  return await runEngineCommand(command, { ...stackEnv(), ...settings }, join(folder, 'topics.log'));
}
