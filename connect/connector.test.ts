import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { topicNames } from '../src/messaging/topics.ts';
import { loadConfig } from '../src/service/config.ts';
import { slotName } from '../src/store/outbox-names.ts';
import { connectConfig, connectSecretVariables } from '../stack/settings.ts';
import { readFiles } from '../test/support/files.ts';
import { connectorSettings, pinnedSettings } from './connector.ts';

const database = 'postgres://millrace:secret-of-engine@db.example:5432/millrace_instances';
const settingsFor = (env: Record<string, string> = {}) =>
  connectorSettings(
    loadConfig({ DEFINITION_DATABASE_URL: database, INSTANCE_DATABASE_URL: database, REPLICATION_DATABASE_URL: database, ...env }, [
      'connect',
      'databases',
      'topics',
    ]),
  );

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'connector-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function fileWith(text: string): string {
  const file = join(folder, 'settings.json');
  writeFileSync(file, text);
  return file;
}

describe('the settings of the connector', () => {
  it('name every secret instead of holding it, and only such as Connect lets them name', () => {
    const text = JSON.stringify(settingsFor());
    expect(text).not.toContain('secret-of-engine');
    const named = [...text.matchAll(/\$\{env:(\w+)\}/g)].map(([, name]) => name ?? '');
    expect(named.sort()).toEqual(Object.values(connectSecretVariables).sort());
    const allowed = new RegExp(connectConfig['config.providers.env.param.allowlist.pattern']);
    for (const name of named) expect(name).toMatch(allowed);
  });

  it('leave nothing to be filled in', () => {
    expect(JSON.stringify(settingsFor())).not.toContain('{{');
  });

  it.each([
    ['snapshot.mode', 'no_data'],
    ['publication.autocreate.mode', 'disabled'],
    ['slot.drop.on.stop', 'false'],
    ['slot.failover', 'true'],
    ['errors.tolerance', 'none'],
    ['tombstones.on.delete', 'false'],
    ['transforms.outbox.table.op.invalid.behavior', 'error'],
    ['producer.override.acks', 'all'],
    ['table.include.list', 'public.outbox'],
    ['driver.options', expect.stringContaining('-c bytea_output=hex ')],
    ['driver.options', expect.stringContaining('-c default_transaction_isolation=read\\ committed ')],
    ['transforms.outbox.table.fields.additional.placement', 'message_type:header:messageType,partition:partition'],
  ])('hold what the protocol stands on: %s is %s', (name, value) => {
    expect(settingsFor()[name]).toEqual(value);
  });

  it('follow the prefix: slot, and the heartbeat topic that `millrace topics` makes', () => {
    const settings = settingsFor({ MILLRACE_TOPIC_PREFIX: 'acme.eu' });
    expect(settings['slot.name']).toBe(slotName('acme.eu'));
    expect(`${settings['heartbeat.topics.prefix']}.${settings['topic.prefix']}`).toBe(topicNames('acme.eu').heartbeat);
  });

  it('admit the largest record that a topic of ours takes, with room for what is around it', () => {
    const settings = settingsFor({ MILLRACE_MAX_MESSAGE_BYTES: '4194304' });
    expect(Number(settings['producer.override.max.request.size'])).toBeGreaterThan(4_194_304);
  });

  it.each([
    ['', 'prefer'],
    ['?sslmode=verify-full', 'verify-full'],
    ['?sslmode=no-verify', 'require'],
  ])('take sslmode from the address of the database (%s)', (query, mode) => {
    expect(settingsFor({ INSTANCE_DATABASE_URL: `${database}${query}` })['database.sslmode']).toBe(mode);
  });

  it('yield to those of a file', () => {
    const file = fileWith('{ "database.sslrootcert": "/certs/ca.pem", "heartbeat.interval.ms": "1000" }');
    expect(settingsFor({ MILLRACE_CONNECTOR_SETTINGS: file })).toMatchObject({
      'database.sslrootcert': '/certs/ca.pem',
      'heartbeat.interval.ms': '1000',
      'plugin.name': 'pgoutput',
    });
  });

  it('leave to a file whatever depends on the place', () => {
    const own = {
      'database.hostname': '${file:/secrets/connect:host}',
      'database.dbname': 'orders',
      'database.sslmode': 'verify-full',
      'producer.override.security.protocol': 'SASL_SSL',
      'producer.override.sasl.jaas.config': '${file:/secrets/connect:jaas}',
      'producer.override.compression.type': 'lz4',
      'slot.max.retries': '5',
      'errors.log.enable': 'true',
      'max.batch.size': '1024',
    };
    expect(settingsFor({ MILLRACE_CONNECTOR_SETTINGS: fileWith(JSON.stringify(own)) })).toMatchObject(own);
  });

  it.each([
    'name',
    'connector.class',
    'tasks.max',
    'plugin.name',
    'topic.prefix',
    'slot.name',
    'slot.drop.on.stop',
    'slot.failover',
    'publication.name',
    'publication.autocreate.mode',
    'table.include.list',
    'schema.exclude.list',
    'column.exclude.list',
    'snapshot.mode',
    'tombstones.on.delete',
    'offset.mismatch.strategy',
    'lsn.flush.mode',
    'heartbeat.topics.prefix',
    'heartbeat.action.query',
    'errors.tolerance',
    'event.processing.failure.handling.mode',
    'key.converter',
    'value.converter',
    'value.converter.delegate.converter.type',
    'header.converter',
    'transforms',
    'transforms.outbox.route.by.field',
    'transforms.mine.type',
    'predicates',
    'producer.override.acks',
    'producer.override.partitioner.class',
  ])('refuse a file that changes what the protocol stands on: %s', (name) => {
    const file = fileWith(JSON.stringify({ 'heartbeat.interval.ms': '1000', [name]: 'mine' }));
    expect(() => settingsFor({ MILLRACE_CONNECTOR_SETTINGS: file })).toThrow(
      expect.objectContaining({
        code: 'MR_CONNECTOR_SETTINGS',
        retryable: false,
        message: `The file ${file} of MILLRACE_CONNECTOR_SETTINGS sets "${name}", which nobody may change.`,
      }),
    );
  });

  it('are told in the docs, where they are pinned', () => {
    const [deployment] = readFiles('docs/deployment.md');
    for (const name of pinnedSettings) expect(deployment?.text).toContain(`\`${name}\``);
  });

  it('refuse everything of a file that is pinned at once', () => {
    const file = fileWith('{ "slot.name": "mine", "snapshot.mode": "initial" }');
    expect(() => settingsFor({ MILLRACE_CONNECTOR_SETTINGS: file })).toThrow('sets "slot.name", "snapshot.mode", which nobody may change');
  });

  it.each([
    ['no', 'cannot be read as JSON'],
    ['[]', 'holds no JSON object'],
    ['{ "poll.interval.ms": "1", "poll.interval.ms": "5" }', 'has /poll.interval.ms twice'],
    ['{ "driver.options": "-c bytea_output=escape" }', 'sets "driver.options", which nobody may change'],
    ['{ "heartbeat.interval.ms": 1000 }', 'must have a string as the value of "heartbeat.interval.ms"'],
  ])('refuse a file that holds %s', (text, reason) => {
    expect(() => settingsFor({ MILLRACE_CONNECTOR_SETTINGS: fileWith(text) })).toThrow(reason);
  });
});
