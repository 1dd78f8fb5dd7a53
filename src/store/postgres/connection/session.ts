/**
 * The settings of every session. A role, a database or a server may have any settings; the stores rely on these. They are sent as
 * a statement, since poolers refuse parameters at the start of a connection that they do not know, and they win over `ALTER ROLE`
 * and `ALTER DATABASE`.
 */
import pg from 'pg';
import { MillraceError } from '../../../core/error.ts';
import { schemaName } from '../../outbox-names.ts';
import { translating } from './errors.ts';

type Queryable = Pick<pg.ClientBase, 'query'>;

export type SessionOptions = {
  /** Longest a statement may run, in ms. */
  readonly statementTimeoutMs: number;
  /** Plans statements once, not for the values at hand. */
  readonly genericPlans?: boolean;
};

type Settings = Readonly<Record<string, string>>;

const CONNECT_PATIENCE_MS = 10_000;

/** Settings that would change results or lose a commit. */
const pinned: Settings = {
  // Tables are in this schema and nowhere else; connect/connector.json names it too.
  search_path: schemaName,
  // Statements wait for a lock and then see what was committed meanwhile. At any other level they see old data, or fail.
  default_transaction_isolation: 'read committed',
  default_transaction_read_only: 'off',
  lock_timeout: '0',
  idle_session_timeout: '0',
  transaction_timeout: '0',
  DateStyle: 'ISO, MDY',
  IntervalStyle: 'postgres',
  TimeZone: 'UTC',
  bytea_output: 'hex',
  extra_float_digits: '1',
  standard_conforming_strings: 'on',
  array_nulls: 'on',
};

/**
 * Every statement finds its rows by an index. A plan that was made while the tables were empty would read whole tables, which is
 * cheaper then, and a prepared statement would keep it for minutes while they fill.
 */
const planner: Settings = { enable_seqscan: 'off', jit: 'off' };

/** What a server may not have: a state of ten kilobytes is compressed at each step, which pglz takes four times as long for (docs/benchmarks.md). */
const wished: Settings = { default_toast_compression: 'lz4' };

function settingsOf({ statementTimeoutMs, genericPlans = false }: SessionOptions): Settings {
  return {
    ...pinned,
    ...planner,
    ...wished,
    statement_timeout: String(statementTimeoutMs),
    // A client that vanished in the middle of a transaction must not keep its locks.
    idle_in_transaction_session_timeout: '60000',
    ...(genericPlans ? { plan_cache_mode: 'force_generic_plan' } : {}),
  };
}

/** Call it on a new connection, before anything else. */
export async function prepareSession(on: Queryable, options: SessionOptions): Promise<void> {
  const settings = settingsOf(options);
  // Only those that this server knows, with a value that it was built with. `synchronous_commit = off` is the only value with which a commit is confirmed before it is
  // on disk. With schema `pg_catalog`, since the search path is not set yet.
  await on.query({
    text: `SELECT pg_catalog.set_config(s.name, CASE WHEN wanted.name = 'synchronous_commit' AND s.setting <> 'off' THEN s.setting
        ELSE wanted.value END, false)
      FROM pg_catalog.jsonb_each_text($1::pg_catalog.jsonb) AS wanted (name, value)
      JOIN pg_catalog.pg_settings s ON s.name = wanted.name AND (s.enumvals IS NULL OR wanted.value = ANY (s.enumvals))`,
    values: [JSON.stringify({ ...settings, synchronous_commit: 'on' })],
    // node-postgres knows this option, but its types do not.
    ...{ query_timeout: CONNECT_PATIENCE_MS },
  });
}

/**
 * Checks that sessions of a pool keep their settings and are not shared with others. Every process checks it at its start.
 * @param name of the database, for people.
 * @throws MillraceError `MR_DATABASE_SETTINGS`, not retryable.
 */
export async function assertSessions(pool: pg.Pool, name: string): Promise<void> {
  await translating(async () => {
    const other = new pg.Client(pool.options);
    // If the connection breaks, its statement fails too, and reports it.
    other.on('error', () => undefined);
    await other.connect();
    try {
      await prepareSession(other, { statementTimeoutMs: CONNECT_PATIENCE_MS });
      const client = await pool.connect();
      try {
        await assertOwnSessions(client, other, name);
        await assertPinned(client, name);
      } finally {
        client.release();
      }
    } finally {
      await other.end();
    }
  });
}

/**
 * A pooler in transaction mode lets two connections share one session of the server, with its settings, locks and prepared statements.
 * Some poolers lend the session that was used last, some lend the sessions in turn. So one connection first holds a session for a
 * while, and then both ask at uneven distances.
 */
async function assertOwnSessions(client: Queryable, other: Queryable, name: string): Promise<void> {
  const first = await sessionOf(client);
  let isOwn: boolean;
  await other.query('BEGIN');
  try {
    isOwn = (await sessionOf(other)) !== first && (await sessionOf(client)) === first;
  } finally {
    await other.query('ROLLBACK');
  }
  const second = await sessionOf(other);
  isOwn &&= second !== first;
  for (const asked of [client, other, other, client, client, other]) {
    isOwn &&= (await sessionOf(asked)) === (asked === client ? first : second);
  }
  if (isOwn) return;
  throw refused(
    `${name} is behind a pooler that shares sessions between connections (its transaction or statement mode). Use its session mode, or connect to Postgres itself.`,
  );
}

async function sessionOf(on: Queryable): Promise<number | undefined> {
  return (await on.query<{ pid: number }>('SELECT pg_catalog.pg_backend_pid() AS pid')).rows[0]?.pid;
}

async function assertPinned(on: Queryable, name: string): Promise<void> {
  const { rows } = await on.query<{ name: string; setting: string }>(
    'SELECT name, setting FROM pg_catalog.pg_settings WHERE name = ANY ($1::pg_catalog.text[])',
    [Object.keys(pinned)],
  );
  const wrong = rows.filter((row) => row.setting !== pinned[row.name]);
  const [first] = wrong;
  if (first === undefined) return;
  throw refused(
    `${name} does not keep what a session of Millrace sets: ${first.name} is "${first.setting}" and must be "${pinned[first.name]}". Look for a pooler that resets it.`,
  );
}

function refused(message: string): MillraceError {
  return new MillraceError('MR_DATABASE_SETTINGS', message, { retryable: false });
}
