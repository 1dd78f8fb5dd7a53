/** The stack as the engine uses it: every address of its environment answers, and every login can do only its own work. */
import pg from 'pg';
import { expect, test } from 'vitest';
import { connectSecretVariables, databases, postgresConfig } from '../../stack/settings.ts';
import { fetchConnect } from '../support/connect-rest.ts';
import { stackEnv } from '../support/env.ts';

async function query(url: string | undefined, text: string): Promise<unknown[][]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<unknown[]>({ text, rowMode: 'array' })).rows;
  } finally {
    await client.end();
  }
}

test('gives the engine one login that owns both databases', async () => {
  const env = stackEnv();
  const owned = 'select current_database(), pg_get_userbyid(datdba) from pg_database where datname = current_database()';
  expect(await query(env.DEFINITION_DATABASE_URL, owned)).toEqual([[databases.definitions, 'millrace']]);
  expect(await query(env.INSTANCE_DATABASE_URL, owned)).toEqual([[databases.instances, 'millrace']]);
});

test('runs Postgres with the settings that logical replication needs', async () => {
  const rows = await query(
    stackEnv().INSTANCE_DATABASE_URL,
    "select current_setting('wal_level'), current_setting('max_slot_wal_keep_size')",
  );
  expect(rows).toEqual([[postgresConfig.wal_level, postgresConfig.max_slot_wal_keep_size]]);
});

test('lets the replication login into the instance database only', async () => {
  const { REPLICATION_DATABASE_URL } = stackEnv();
  expect(
    await query(REPLICATION_DATABASE_URL, 'select current_user, rolreplication, rolsuper from pg_roles where rolname = current_user'),
  ).toEqual([['millrace_connect', true, false]]);
  const definitions = new URL(REPLICATION_DATABASE_URL ?? '');
  definitions.pathname = `/${databases.definitions}`;
  await expect(query(definitions.href, 'select 1')).rejects.toThrow('permission denied for database');
});

test('lets the replication login make a logical slot, and the engine grant to roles and publish its tables', async () => {
  const { REPLICATION_DATABASE_URL, INSTANCE_DATABASE_URL } = stackEnv();
  const made = await query(REPLICATION_DATABASE_URL, "select slot_name from pg_create_logical_replication_slot('stack_test', 'pgoutput')");
  expect(made).toEqual([['stack_test']]);
  await query(REPLICATION_DATABASE_URL, "select pg_drop_replication_slot('stack_test')");
  await query(
    INSTANCE_DATABASE_URL,
    `create table stack_test (id int); create publication stack_test for table stack_test with (publish = 'insert');
     grant select on stack_test to millrace_outbox; create role stack_test_role nologin; drop role stack_test_role`,
  );
  expect(await query(REPLICATION_DATABASE_URL, 'select count(*)::int from stack_test')).toEqual([[0]]);
  await query(INSTANCE_DATABASE_URL, 'drop publication stack_test; drop table stack_test');
});

test('brings a schema registry that answers with its own code for an unknown id', async () => {
  const response = await fetch(`${stackEnv().SCHEMA_REGISTRY_URL}/schemas/ids/999999`);
  expect(await response.json()).toMatchObject({ error_code: 40403 });
});

test('brings a Connect that knows the Postgres connector and keeps its secrets to itself', async () => {
  const env = stackEnv();
  const plugins = await (await fetchConnect('/connector-plugins')).text();
  expect(plugins).toContain('io.debezium.connector.postgresql.PostgresConnector');
  const validation = await fetchConnect(`/connector-plugins/io.debezium.connector.postgresql.PostgresConnector/config/validate`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      name: 'check',
      'connector.class': 'io.debezium.connector.postgresql.PostgresConnector',
      'topic.prefix': 'check',
      'plugin.name': 'pgoutput',
      'database.hostname': `\${env:${connectSecretVariables.host}}`,
      'database.port': `\${env:${connectSecretVariables.port}}`,
      'database.user': `\${env:${connectSecretVariables.user}}`,
      'database.password': `\${env:${connectSecretVariables.password}}`,
      'database.dbname': `\${env:${connectSecretVariables.database}}`,
    }),
  });
  const answer = await validation.text();
  expect(JSON.parse(answer)).toMatchObject({ error_count: 0 });
  expect(answer).not.toContain(new URL(env.REPLICATION_DATABASE_URL ?? '').password);
});
