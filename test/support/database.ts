/** Looking into the instance database from outside of the engine, for what tests assert about it. */
import pg from 'pg';
import { stackEnv } from './env.ts';

export async function queryInstances<Row extends pg.QueryResultRow>(sql: string, values: readonly unknown[] = []): Promise<Row[]> {
  const client = new pg.Client({ connectionString: stackEnv().INSTANCE_DATABASE_URL ?? '' });
  await client.connect();
  try {
    return (await client.query<Row>(sql, [...values])).rows;
  } finally {
    await client.end();
  }
}
