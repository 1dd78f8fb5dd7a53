/**
 * An installation of a test file's own on the stack's servers: databases, topics, schemas and connector, made by the
 * engine's own commands as a person makes them, so that a test may count what is in it and break it.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectApi } from '../../connect/connect-api.ts';
import { connectorName } from '../../connect/connector.ts';
import { loadConfig } from '../../src/service/config.ts';
import { installSteps, runEngineCommand } from '../../stack/engine.ts';
import { fetchConnect } from './connect-rest.ts';
import { stackEnv } from './env.ts';
import { createFreshDatabases, type FreshDatabases } from './fresh-databases.ts';

export type Installation = {
  /** Over the stack's environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly databases: FreshDatabases;
  /** Ends the connector's task, and resolves; what is written to the outbox waits there. */
  stopConnector(): Promise<void>;
  /** Takes connector and databases away; the engine must have ended. */
  remove(): Promise<void>;
};

/** @param prefix lower case letters and `-`; nobody else's. */
export async function install(prefix: string): Promise<Installation> {
  const databases = await createFreshDatabases(prefix.replaceAll('-', '_'));
  const { definitions, instances, replication } = databases.config.databases;
  const folder = mkdtempSync(join(tmpdir(), 'millrace-installation-'));
  const settings = join(folder, 'connector.json');
  // Connect's own variable names the database of the stack's installation.
  writeFileSync(settings, JSON.stringify({ 'database.dbname': new URL(instances).pathname.slice(1) }));
  const env = {
    ...{ DEFINITION_DATABASE_URL: definitions, INSTANCE_DATABASE_URL: instances, REPLICATION_DATABASE_URL: replication ?? '' },
    ...{ MILLRACE_TOPIC_PREFIX: prefix, MILLRACE_CONNECTOR_SETTINGS: settings },
  };
  const whole = { ...stackEnv(), ...env };
  const { connect } = loadConfig(whole, ['connect']);
  const name = connectorName(prefix);
  const remove = async (): Promise<void> => {
    await fetchConnect(`/connectors/${name}`, { method: 'DELETE' });
    await databases.drop();
    rmSync(folder, { recursive: true });
  };
  try {
    for (const step of installSteps)
      await runEngineCommand(step, whole, join(stackEnv().MILLRACE_HOME ?? folder, 'logs', `install-${prefix}.log`));
  } catch (error) {
    await remove();
    throw error;
  }
  return { env, databases, remove, stopConnector: () => connectApi(connect).stop(name) };
}
