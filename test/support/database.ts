/** Looking into the instance database from outside of the engine, for what tests assert about it. */
import pg from 'pg';
import { stackEnv } from './env.ts';

/** @param url of the database; default that of the tests' stack. */
export async function queryInstances<Row extends pg.QueryResultRow>(
  sql: string,
  values: readonly unknown[] = [],
  url: string = stackEnv().INSTANCE_DATABASE_URL ?? '',
): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(sql, [...values])).rows;
  } finally {
    await client.end();
  }
}
