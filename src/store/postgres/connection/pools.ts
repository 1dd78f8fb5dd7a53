/**
 * Connections to the two databases, each set as session.ts says. `sslmode` means what it means to libpq: `require` encrypts and checks the certificate
 * only where a root is given, `verify-full` checks it with the host's name. Logs nothing; a URL holds a password.
 */
import pg from 'pg';
import { MillraceError } from '../../../core/error.ts';
import { retryingConflicts } from './conflicts.ts';
import { translate, translating } from './errors.ts';
import { prepareSession } from './session.ts';

export type Pool = pg.Pool;
/** A pool, or the one connection of a transaction. */
export type Queryable = Pick<pg.ClientBase, 'query'>;

export type PoolOptions = {
  /** Most connections; default 10. */
  readonly connections?: number;
  /**
   * Uses generic plans. By default Postgres would plan statements with many arrays at every call, since an array of known length
   * looks cheaper than one of unknown length. Not for sessions that run searches. Default false.
   */
  readonly genericPlans?: boolean;
  /** How Postgres names these sessions. */
  readonly applicationName?: string;
  /** Longest that a statement may run, in ms; default 30 s. None of Millrace takes nearly that long, so the limit only ends what hangs. */
  readonly statementTimeoutMs?: number;
  /** Called with the error of an idle connection, which the pool replaces by itself. */
  readonly onIdleError?: (error: Error) => void;
  /** Called when a session turns out not to be what the stores rely on: `MR_DATABASE_SETTINGS`. */
  readonly onUnusable?: (error: MillraceError) => void;
};

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
  { connections = 10, genericPlans = false, applicationName = 'millrace', statementTimeoutMs = 30_000, ...told }: PoolOptions = {},
): Pool {
  const { onIdleError, onUnusable } = told;
  const pool = new pg.Pool({
    ...clientConfig(url),
    max: connections,
    application_name: applicationName,
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
    // Awaited by the pool: an error here fails the request for the connection.
    onConnect: async (client) => await prepareSession(client, { statementTimeoutMs, genericPlans }),
  });
  const query = pool.query.bind(pool) as (...given: readonly unknown[]) => Promise<unknown>;
  // A statement by itself is a transaction of its own, which may simply be run again.
  pool.query = ((...given: readonly unknown[]) => watched(pool, () => retryingConflicts(() => query(...given)))) as typeof pool.query;
  if (onUnusable !== undefined) watchers.set(pool, onUnusable);
  // Without a listener a lost idle connection would end the process. The pool has dropped it already.
  pool.on('error', (error) => onIdleError?.(error));
  // So would one that is lost in a transaction, to which the pool does not listen. The statement that it has, or the next one, fails.
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

const watchers = new WeakMap<Pool, (error: MillraceError) => void>();

async function watched<T>(pool: Pool, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const translated = translate(error);
    if (translated instanceof MillraceError && translated.code === 'MR_DATABASE_SETTINGS') watchers.get(pool)?.(translated);
    throw error;
  }
}

/** What a URL says, with libpq's meaning of `sslmode`; `no-verify` is node-postgres' own: encrypted, unchecked. */
export function clientConfig(url: string): pg.ClientConfig {
  const connection = new URL(url);
  if (connection.searchParams.get('sslmode') !== 'no-verify') connection.searchParams.set('uselibpqcompat', 'true');
  return { connectionString: connection.href };
}

/** Everything is named, so that no default of the database applies. */
const BEGIN = 'BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE';

/**
 * One transaction on one connection: committed when `work` returns, rolled back when it throws. `work` runs again after a
 * conflict, so it must not keep anything from the first run.
 */
export async function inTransaction<T>(pool: Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  return await translating(() => watched(pool, () => retryingConflicts(() => inOneTransaction(pool, work))));
}

async function inOneTransaction<T>(pool: Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query(BEGIN);
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
}

/** The same on a connection that the caller holds, outside of a transaction. */
export async function inTransactionOn<T>(on: Queryable, work: () => Promise<T>): Promise<T> {
  return await retryingConflicts(async () => {
    await on.query(BEGIN);
    try {
      const result = await work();
      await on.query('COMMIT');
      return result;
    } catch (error) {
      await on.query('ROLLBACK');
      throw error;
    }
  });
}
