/**
 * The configuration of the connector: connector.json with the values of this installation. It holds no secrets: `${env:…}` names
 * variables of Connect's own process. Pure, except for reading the file of extra settings.
 */
import { readFileSync } from 'node:fs';
import { MillraceError } from '../src/core/error.ts';
import { isJsonObject } from '../src/core/json.ts';
import { parseJsonStrict } from '../src/core/strict-json.ts';
import type { Config } from '../src/service/config.ts';
import { heartbeatTable, outboxPublication, outboxTable, slotName } from '../src/store/outbox-names.ts';
import template from './connector.json' with { type: 'json' };

export type ConnectorSettings = Readonly<Record<string, string>>;
export type ConnectorConfig = Pick<Config, 'connect' | 'databases' | 'topics'>;

/** Size of batches and framing beside the largest record of a topic. */
const REQUEST_OVERHEAD_BYTES = 65_536;

/** One connector for each installation; several installations may share a Connect cluster. */
export function connectorName(prefix: string): string {
  return `${prefix}.outbox`;
}

/**
 * Settings that the protocol relies on, each name with all that begin with it and a dot: which rows become which records, that
 * none is skipped or sent again, and the names of slot, publication and topics; `slot.failover` too, since by it a slot that
 * Debezium made is recognised. Everything else depends on the installation: addresses, certificates, logins, rates, sizes,
 * retries.
 */
export const pinnedSettings: readonly string[] = [
  ...['name', 'connector.class', 'tasks.max', 'plugin.name', 'exactly.once.support'],
  ...['slot.name', 'slot.drop.on.stop', 'slot.failover', 'publication', 'snapshot', 'offset.mismatch.strategy', 'lsn.flush.mode'],
  ...['schema', 'table', 'column', 'message.key.columns', 'skipped.operations', 'tombstones.on.delete'],
  ...['topic', 'heartbeat.topics.prefix', 'heartbeat.action.query'],
  ...['transforms', 'predicates', 'converters', 'key.converter', 'value.converter', 'header.converter', 'binary.handling.mode'],
  ...['errors.tolerance', 'event.processing.failure.handling.mode', 'driver.options'],
  ...['producer.override.acks', 'producer.override.partitioner', 'producer.override.max.in.flight.requests.per.connection'],
];

/**
 * What Debezium's sessions are set to, whatever its login or the database is set to: it reads the bytes of payloads in the form
 * `hex` only, writes a heartbeat, and waits for as long as nothing happens. Given when it connects, since only that holds for the
 * connection that reads the write-ahead log, too. The driver itself sets the formats of dates, numbers and characters.
 */
const sessionOptions = Object.entries({
  bytea_output: 'hex',
  search_path: 'pg_catalog',
  default_transaction_isolation: 'read\\ committed',
  default_transaction_read_only: 'off',
  statement_timeout: '0',
  lock_timeout: '0',
  idle_in_transaction_session_timeout: '0',
  idle_session_timeout: '0',
})
  .map(([name, value]) => `-c ${name}=${value}`)
  .join(' ');

/**
 * Every setting, as a string. Settings in the file of `MILLRACE_CONNECTOR_SETTINGS` replace these. Throws `MR_CONNECTOR_SETTINGS`
 * (not retryable) when that file is not a JSON object of strings, or names a pinned setting.
 */
export function connectorSettings({ connect, databases, topics }: ConnectorConfig): ConnectorSettings {
  const values: Readonly<Record<string, string>> = {
    prefix: topics.prefix,
    sslMode: sslModeOf(databases.instances),
    slot: slotName(topics.prefix),
    publication: outboxPublication,
    outboxTable,
    heartbeatTable,
    pollIntervalMs: String(connect.pollIntervalMs),
    sessionOptions,
    maxRequestBytes: String(topics.maxMessageBytes + REQUEST_OVERHEAD_BYTES),
  };
  const filled = Object.entries(template).map(([name, text]) => [name, fill(text, values)] as const);
  return { ...Object.fromEntries(filled), ...(connect.settingsFile === null ? {} : readExtraSettings(connect.settingsFile)) };
}

/** Replaces `{{name}}` by the value of that name. Placeholders of Connect begin with `${` and stay. */
function fill(text: string, values: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`connector.json names {{${name}}}, which has no value.`);
    return value;
  });
}

/**
 * The engine and Debezium reach the same server, so one `sslmode` holds for both. Debezium's driver has the same modes, except
 * `no-verify`.
 */
function sslModeOf(url: string): string {
  const mode = new URL(url).searchParams.get('sslmode') ?? 'prefer';
  return mode === 'no-verify' ? 'require' : mode;
}

function readExtraSettings(file: string): ConnectorSettings {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw unusable(file, 'cannot be read', cause);
  }
  const read = parseJsonStrict(text);
  if (!read.ok) throw unusable(file, read.reason === 'duplicateKey' ? `has ${read.pointer} twice` : 'cannot be read as JSON');
  const parsed = read.value;
  if (!isJsonObject(parsed)) throw unusable(file, 'holds no JSON object');
  const wrong = Object.entries(parsed).find(([, value]) => typeof value !== 'string');
  if (wrong !== undefined) throw unusable(file, `must have a string as the value of "${wrong[0]}"`);
  const ours = Object.keys(parsed).filter((name) => pinnedSettings.some((each) => name === each || name.startsWith(`${each}.`)));
  if (ours.length > 0) throw unusable(file, `sets ${ours.map((name) => `"${name}"`).join(', ')}, which nobody may change`);
  return parsed as ConnectorSettings;
}

function unusable(file: string, what: string, cause?: unknown): MillraceError {
  return new MillraceError('MR_CONNECTOR_SETTINGS', `The file ${file} of MILLRACE_CONNECTOR_SETTINGS ${what}.`, {
    retryable: false,
    cause,
  });
}
