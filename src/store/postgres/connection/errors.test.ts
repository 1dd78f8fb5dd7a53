import { describe, expect, it } from 'vitest';
import { MillraceError } from '../../../core/error.ts';
import { retryingConflicts } from './conflicts.ts';
import { translate } from './errors.ts';

/** As node-postgres throws it. */
function thrown(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

describe('translate', () => {
  it.each([
    ['08P01', 'unsupported startup parameter: statement_timeout', 'MR_DATABASE_SETTINGS', false],
    ['08P01', 'no such database: millrace_instances', 'MR_DATABASE_SETTINGS', false],
    ['08P01', 'transaction blocks not allowed in statement pooling mode', 'MR_DATABASE_SETTINGS', false],
    ['08P01', 'unsupported startup parameter in options: search_path', 'MR_DATABASE_SETTINGS', false],
    ['08P01', 'SASL authentication failed', 'MR_DATABASE_SETTINGS', false],
    ['08P01', 'prepared statement did not exist', 'MR_DATABASE_SETTINGS', false],
    ['08P01', 'database "nowhere" does not exist', 'MR_DATABASE_SETTINGS', false],
    ['08P01', 'login rejected', 'MR_DATABASE_SETTINGS', false],
    ['08P01', 'no more connections allowed (max_client_conn)', 'MR_DATABASE_UNAVAILABLE', true],
    ['08P01', 'query_wait_timeout', 'MR_DATABASE_UNAVAILABLE', true],
    ['26000', 'prepared statement "load" does not exist', 'MR_DATABASE_SETTINGS', false],
    ['42P05', 'prepared statement "load" already exists', 'MR_DATABASE_SETTINGS', false],
    ['08P01', 'server conn crashed?', 'MR_DATABASE_UNAVAILABLE', true],
    ['57P01', 'terminating connection due to administrator command', 'MR_DATABASE_UNAVAILABLE', true],
    ['40001', 'could not serialize access due to concurrent update', 'MR_DATABASE_CONFLICT', true],
    ['40P01', 'deadlock detected', 'MR_DATABASE_CONFLICT', true],
  ])('tells what a pooler and Postgres say with %s (%s): %s', (code, message, expected, retryable) => {
    const error = translate(thrown(code, message));
    expect(error).toMatchObject({ code: expected, retryable });
    expect((error as Error).message).toContain(message);
  });
});

describe('retryingConflicts', () => {
  it.each(['40001', '40P01'])('runs a transaction again that another one was in the way of (%s), translated or not', async (code) => {
    const failures = [thrown(code, 'raw'), translate(thrown(code, 'translated'))];
    const result = await retryingConflicts(async () => {
      const failure = failures.shift();
      if (failure !== undefined) throw failure;
      return 'done';
    });
    expect(result).toBe('done');
  });

  it('runs nothing again that failed of something else', async () => {
    let runs = 0;
    const failing = retryingConflicts(async () => {
      runs++;
      throw new MillraceError('MR_DATABASE_UNAVAILABLE', 'away', { retryable: true });
    });
    await expect(failing).rejects.toMatchObject({ code: 'MR_DATABASE_UNAVAILABLE' });
    expect(runs).toBe(1);
  });

  it('gives up at last, with what Postgres said', async () => {
    await expect(retryingConflicts(() => Promise.reject(thrown('40P01', 'deadlock detected')))).rejects.toThrow('deadlock detected');
  });
});
