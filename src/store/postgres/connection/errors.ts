/**
 * Errors of Postgres, translated once: an error that may pass by itself becomes a retryable `MillraceError`, one that needs
 * a person becomes one that is not retryable. Messages never carry data: Postgres puts rows into `detail`, which is dropped here.
 */
import { MillraceError } from '../../../core/error.ts';
import type { ErrorCode } from '../../../core/error-codes.ts';

/** SQLSTATEs, or their first two characters, after which the same call may succeed. */
const retryableStates = new Set([
  '08', // connection exception
  '53', // insufficient resources: disk, memory, connections
  '55P03', // lock_not_available
  '57014', // query_canceled: our own statement timeout
  '57P01', // admin_shutdown
  '57P02', // crash_shutdown
  '57P03', // cannot_connect_now: it starts up or recovers
  '57P05', // idle_session_timeout
  '25006', // read_only_sql_transaction: a failover is under way
  '58', // system error: I/O
]);

/** Classes that mean that the data of one statement is refused; others may be accepted. */
const dataStates = new Set([
  '21', // cardinality violation
  '22', // data exception
  '23', // integrity constraint violation
  '54', // program limit exceeded
]);

/** Of sockets and name lookup. */
const retryableSystemCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENOENT', // a Unix socket whose server is away
]);

/** What node-postgres throws without a code. */
const retryableMessages = [
  /^Connection terminated/,
  /^timeout exceeded when trying to connect/,
  /^timeout expired/,
  /^Query read timeout/,
  /not queryable/,
  /^Client was closed/,
  /^Cannot use a pool after calling end/,
];

/** Two transactions conflicted: running one of them again is enough. */
const conflictStates = new Set([
  '40001', // serialization_failure
  '40P01', // deadlock_detected
]);

/** From a pooler in transaction mode: the statement was prepared in another session. */
const sharedSessionStates = new Set([
  '26000', // invalid_sql_statement_name: prepared statement does not exist
  '42P05', // duplicate_prepared_statement
]);

/** Poolers use one code for everything that they refuse; these refusals last until somebody changes a setting. */
const refusedByPooler = new RegExp(
  [
    '^unsupported (startup parameter|options startup parameter)',
    '^(no such (database|user)|database ".*" is disabled|(database|role|user) ".*" does not exist)',
    '^transaction blocks not allowed',
    '^prepared statement (did not exist|name is already in use)',
    'authentication failed',
    '^(unix socket )?login rejected',
    '^(SSL required|not allowed|bouncer config error|no authentication method)',
  ].join('|'),
);

/** This has no code either. It lasts until somebody changes the server or `sslmode`. */
const noTls = /^The server does not support SSL connections/;

/** Runs a query or a transaction; whatever Postgres throws comes out as a `MillraceError`. */
export async function translating<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw translate(error);
  }
}

export function translate(error: unknown): unknown {
  if (error instanceof AggregateError) return translate(error.errors[0]);
  if (!(error instanceof Error) || error instanceof MillraceError) return error;
  if (noTls.test(error.message))
    return databaseError('MR_DATABASE', `There is no connection to the database: ${error.message}`, false, error);
  const code = codeOf(error);
  if (code === undefined && !retryableMessages.some((pattern) => pattern.test(error.message))) return error;
  const table = 'table' in error ? String(error.table) : '';
  if (code === '23502' && table.startsWith('outbox') && 'column' in error && error.column === 'topic') {
    return databaseError(
      'MR_OUTBOX_TOPIC_UNKNOWN',
      'A message is addressed to a topic that this installation does not know: run `millrace topics`.',
      false,
      error,
    );
  }
  if (code === '23514' && 'constraint' in error && error.constraint === 'outbox_payload_size') {
    return databaseError('MR_MESSAGE_TOO_LARGE', 'A message is larger than MILLRACE_MAX_MESSAGE_BYTES allows.', false, error);
  }
  if (code !== undefined && conflictStates.has(code))
    return databaseError(
      'MR_DATABASE_CONFLICT',
      `Other transactions conflicted with this one several times: ${describe(error, code)}`,
      true,
      error,
    );
  if (code !== undefined && sharedSessionStates.has(code))
    return databaseError(
      'MR_DATABASE_SETTINGS',
      `The database is behind a pooler that shares sessions between connections; use its session mode: ${describe(error, code)}`,
      false,
      error,
    );
  if (code === '08P01' && refusedByPooler.test(error.message))
    return databaseError(
      'MR_DATABASE_SETTINGS',
      `The pooler before the database refuses the connection: ${describe(error, code)}`,
      false,
      error,
    );
  // 55000 (object_not_in_prerequisite_state) has many meanings; this one: an administrator has disallowed connections to the database.
  const closed = code === '55000' && /is not currently accepting connections/.test(error.message);
  if (closed || isRetryable(code))
    return databaseError('MR_DATABASE_UNAVAILABLE', `The database is not available: ${describe(error, code)}`, true, error);
  if (code !== undefined && dataStates.has(code.slice(0, 2)))
    return databaseError('MR_DATA_REFUSED', `The database cannot hold a value: ${describe(error, code)}`, false, error);
  const what = isAboutConnecting(code) ? 'There is no connection to the database' : 'The database refused a statement';
  return databaseError('MR_DATABASE', `${what}: ${describe(error, code)}`, false, error);
}

/** Whether the same transaction may succeed when it is run again. Takes errors of Postgres, translated or not. */
export function isConflict(error: unknown): boolean {
  if (error instanceof MillraceError) return error.code === 'MR_DATABASE_CONFLICT';
  return error instanceof Error && conflictStates.has(codeOf(error) ?? '');
}

function isRetryable(code: string | undefined): boolean {
  if (code === undefined) return true;
  return retryableStates.has(code) || retryableStates.has(code.slice(0, 2)) || retryableSystemCodes.has(code);
}

/** Refused logins, databases that do not exist, and errors without a SQLSTATE, such as certificates that are not trusted. */
function isAboutConnecting(code: string | undefined): boolean {
  return code !== undefined && (/^(28|3D)/.test(code) || !/^[0-9A-Z]{5}$/.test(code));
}

function codeOf(error: Error): string | undefined {
  return 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

function describe(error: Error, code: string | undefined): string {
  return code === undefined ? error.message : `${error.message} (${code})`;
}

function databaseError(code: ErrorCode, message: string, retryable: boolean, cause: Error): MillraceError {
  // The cause is logged, so it must not hold the fields of Postgres' errors that may quote a row.
  const quiet = new Error(cause.message);
  if (cause.stack !== undefined) quiet.stack = cause.stack;
  return new MillraceError(code, message, { retryable, cause: quiet });
}
