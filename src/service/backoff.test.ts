import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { MillraceError } from '../core/error.ts';
import { isRetryable, retryForever } from './backoff.ts';

const log = pino({ level: 'silent' });
const away = new MillraceError('MR_KAFKA_UNAVAILABLE', 'away', { retryable: true });

describe('waiting until an outage is over', () => {
  it('tries again until it works', async () => {
    let tries = 0;
    const retry = retryForever(isRetryable, new AbortController().signal, log, { initialMs: 1, maxMs: 2 });
    const value = await retry('reach the broker', () => (++tries < 20 ? Promise.reject(away) : Promise.resolve('here')));
    expect([value, tries]).toEqual(['here', 20]);
  });

  it('throws at once what will not pass', async () => {
    let tries = 0;
    const retry = retryForever(isRetryable, new AbortController().signal, log);
    const work = () => {
      tries++;
      return Promise.reject(new MillraceError('MR_PARTITIONS_FROZEN', 'wrong', { retryable: false }));
    };
    await expect(retry('start', work)).rejects.toThrow('wrong');
    expect(tries).toBe(1);
  });

  it('keeps a process alive that does nothing but wait for the next attempt', async () => {
    const code = `const { retryForever } = await import('${import.meta.dirname}/backoff.ts');
      let attempts = 0;
      const log = { warn: () => undefined, error: () => undefined };
      const retrying = retryForever(() => true, new AbortController().signal, log, { initialMs: 20, maxMs: 20 });
      await retrying('reach it', () => (++attempts < 3 ? Promise.reject(new Error('away')) : Promise.resolve()));
      process.stdout.write(String(attempts));`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', code]);
    expect(stdout).toBe('3');
  });

  it('gives up the moment the process is told to end, however long the delay', async () => {
    const controller = new AbortController();
    const retry = retryForever(isRetryable, controller.signal, log, { initialMs: 60_000, maxMs: 60_000 });
    let tries = 0;
    const result = retry('reach the broker', () => {
      tries++;
      setImmediate(() => controller.abort(new Error('ending')));
      return Promise.reject(away);
    });
    await expect(result).rejects.toThrow('ending');
    await expect(retry('reach the broker', () => Promise.resolve(1))).rejects.toThrow('ending');
    expect(tries).toBe(1);
  });
});
