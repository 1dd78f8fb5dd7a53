/** Databases of a test file's own, on the stack's Postgres: migrated, and verified and dropped with their slot at the end. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import type { Logger } from '../../src/core/logger.ts';
import { slotName } from '../../src/store/outbox-names.ts';
import { type MigrateConfig, migrate } from '../../src/store/postgres/install/migrate.ts';
import { roles } from '../../stack/settings.ts';
import { stackEnv } from './env.ts';
import { expectVerified } from './verified.ts';

export type FreshDatabases = {
  readonly config: MigrateConfig;
  readonly slot: string;
  /** Warnings and notes of migrations. */
  readonly log: Logger & { readonly lines: string[] };
  /** As the superuser, in the instance database. */
  query<Row extends pg.QueryResultRow>(sql: string, values?: readonly unknown[]): Promise<Row[]>;
  migrate(changes?: Partial<MigrateConfig['topics']> & { readonly replication?: string | null }): Promise<void>;
  /** Rejects when an instance is not what its history says, as `millrace verify` would; they are gone then too. Safe to repeat. */
  drop(): Promise<void>;
};

/** By ALTER DATABASE, or by ALTER ROLE for the login that owns the databases, or for Debezium's, only in them. */
export type Setting = { readonly by: 'database' | 'role' | 'replication'; readonly name: string; readonly value: string };

type Environment = ReturnType<typeof stackEnv>;

/**
 * @param name letters, digits and `_`; nobody else's.
 * @param env of another server than the stack's.
 * @param handedOut what an administrator sets before anybody installs anything.
 */
export async function createFreshDatabases(
  name: string,
  env: Environment = stackEnv(),
  handedOut: readonly Setting[] = [],
): Promise<FreshDatabases> {
  const definitions = `${name}_definitions`;
  const instances = `${name}_instances`;
  const config: MigrateConfig = {
    databases: {
      definitions: moved(env.DEFINITION_DATABASE_URL, definitions),
      instances: moved(env.INSTANCE_DATABASE_URL, instances),
      replication: moved(env.REPLICATION_DATABASE_URL, instances),
    },
    topics: { prefix: name, partitions: 8, maxMessageBytes: 1_048_576 },
  };
  const slot = slotName(name);
  const owner = new URL(config.databases.instances).username;
  const logins = { role: owner, replication: new URL(config.databases.replication ?? '').username };
  const remove = async (): Promise<void> => {
    await asSuperuser(
      'postgres',
      async (client) => {
        await client.query(`DROP DATABASE IF EXISTS ${definitions} WITH (FORCE)`);
        // Only then is the slot of a reader that is still there inactive.
        await client.query('SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = $1 AND active', [slot]);
        await client.query('SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1', [slot]);
        await client.query(`DROP DATABASE IF EXISTS ${instances} WITH (FORCE)`);
      },
      env,
    );
  };
  const isThere = () =>
    asSuperuser(
      'postgres',
      async (client) => (await client.query('SELECT FROM pg_database WHERE datname = $1', [instances])).rows.length === 1,
      env,
    );
  await remove();
  await asSuperuser(
    'postgres',
    async (client) => {
      for (const database of [definitions, instances]) {
        await client.query(`CREATE DATABASE ${database} OWNER ${owner}`);
        for (const { by, name, value } of handedOut) {
          const whose = by === 'database' ? `DATABASE ${database}` : `ROLE ${logins[by]} IN DATABASE ${database}`;
          await client.query(`ALTER ${whose} SET ${name} = ${value}`);
        }
      }
    },
    env,
  );
  const lines: string[] = [];
  const note = (fields: object, message: string): void => void lines.push(`${message} ${JSON.stringify(fields)}`);
  const log = { lines, debug: () => undefined, info: note, warn: note, error: note };
  return {
    config,
    slot,
    log,
    query: async (sql, values = []) => await asSuperuser(instances, async (client) => (await client.query(sql, [...values])).rows, env),
    async migrate({ replication = config.databases.replication, ...topics } = {}) {
      await migrate({ databases: { ...config.databases, replication }, topics: { ...config.topics, ...topics } }, log);
    },
    async drop() {
      try {
        if (await isThere()) await expectVerified(config.databases.instances);
      } finally {
        await remove();
      }
    },
  };
}

function moved(url: string | undefined, database: string): string {
  const copy = new URL(url ?? '');
  copy.pathname = `/${database}`;
  return copy.href;
}

/** @param database `postgres` for what a database of its own would not let in. */
export async function asSuperuser<T>(database: string, work: (client: pg.Client) => Promise<T>, env: Environment = stackEnv()): Promise<T> {
  const { hostname, port } = new URL(env.INSTANCE_DATABASE_URL ?? '');
  const client = new pg.Client({ host: hostname, port: Number(port), user: roles.superuser, password: superuserPassword(env), database });
  await client.connect();
  try {
    // Whatever the database is set to.
    await client.query('SET default_transaction_read_only = off');
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Kept by whatever made the stack, beside its data. */
function superuserPassword(env: Environment): string {
  const secrets = JSON.parse(readFileSync(join(env.MILLRACE_HOME ?? '', 'secrets.json'), 'utf8')) as { superuser: string };
  return secrets.superuser;
}
