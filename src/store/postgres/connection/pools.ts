/**
 * Connections to the two databases. `sslmode` means what it means to libpq: `require` encrypts and checks the certificate
 * only where a root is given, `verify-full` checks it with the host's name. Logs nothing; a URL holds a password.
 */
import pg from 'pg';
import { translating } from './errors.ts';

export type Pool = pg.Pool;
/** A pool, or the one connection of a transaction. */
export type Queryable = Pick<pg.ClientBase, 'query'>;

export type PoolOptions = {
  /** Most connections; default 10. */
  readonly connections?: number;
  /**
   * Plans statements once, not for the values at hand. Left to itself Postgres plans the wide ones anew at every call, since
   * an array of known length looks cheaper than one of unknown length. Not for sessions that search. Default false.
   */
  readonly genericPlans?: boolean;
  /** How Postgres names these sessions. */
  readonly applicationName?: string;
  /** Longest a statement may run, in ms; default 30 s. Far beyond what any of ours takes: it ends what hangs. */
  readonly statementTimeoutMs?: number;
  /** Called with the error of an idle connection, which the pool replaces by itself. */
  readonly onIdleError?: (error: Error) => void;
};

/**
 * Every statement of ours finds its rows by an index. Prepared ones keep the plan that was made when the tables were
 * empty, when reading all of them looks cheaper, and would keep it for minutes while they fill.
 */
const PLANNER = '-c enable_seqscan=off -c jit=off';
const GENERIC_PLANS = ' -c plan_cache_mode=force_generic_plan';

export type Pools = { readonly definitions: Pool; readonly instances: Pool; close(): Promise<void> };

export function createPools(urls: { readonly definitions: string; readonly instances: string }, options: PoolOptions = {}): Pools {
  const definitions = createPool(urls.definitions, options);
  const instances = createPool(urls.instances, options);
  return {
    definitions,
    instances,
    async close() {
      await Promise.all([definitions.end(), instances.end()]);
    },
  };
}

export function createPool(
  url: string,
  { connections = 10, genericPlans = false, applicationName = 'millrace', statementTimeoutMs = 30_000, onIdleError }: PoolOptions = {},
): Pool {
  const pool = new pg.Pool({
    ...clientConfig(url),
    max: connections,
    application_name: applicationName,
    options: genericPlans ? PLANNER + GENERIC_PLANS : PLANNER,
    connectionTimeoutMillis: 10_000,
    statement_timeout: statementTimeoutMs,
    // A client that vanished in the middle of a transaction must not keep its locks.
    idle_in_transaction_session_timeout: 60_000,
    keepAlive: true,
  });
  // Without a listener a lost idle connection would end the process. The pool has dropped it already.
  pool.on('error', (error) => onIdleError?.(error));
  return pool;
}

/** What a URL says, with libpq's meaning of `sslmode`; `no-verify` is node-postgres' own: encrypted, unchecked. */
export function clientConfig(url: string): pg.ClientConfig {
  const connection = new URL(url);
  if (connection.searchParams.get('sslmode') !== 'no-verify') connection.searchParams.set('uselibpqcompat', 'true');
  return { connectionString: connection.href };
}

/** One transaction on one connection: committed when `work` returns, rolled back when it throws. */
export async function inTransaction<T>(pool: Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  return await translating(async () => {
    const client = await pool.connect();
    let broken: Error | undefined;
    try {
      await client.query('BEGIN');
      const result = await work(client);
      await client.query('COMMIT');
      return result;
    } catch (error) {
      await client.query('ROLLBACK').catch((failed: Error) => {
        // The connection is lost, and its transaction with it: it must not go back to the pool.
        broken = failed;
      });
      throw error;
    } finally {
      client.release(broken);
    }
  });
}

/** The same on a connection that one holds already, and that is in no transaction. */
export async function inTransactionOn<T>(on: Queryable, work: () => Promise<T>): Promise<T> {
  await on.query('BEGIN');
  try {
    const result = await work();
    await on.query('COMMIT');
    return result;
  } catch (error) {
    await on.query('ROLLBACK');
    throw error;
  }
}
