/** Secrets in a worker are found, inserted at their places only, and removed from results, errors and logs. */
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Json } from '../../core/json.ts';
import { type SecretEncoding, type SecretUse, secretReference } from '../../core/secrets.ts';
import type { AttemptResult } from '../attempt-result.ts';
import type { Executor } from '../executor.ts';
import type { ScheduledTask } from '../task.ts';
import { silent, untimed } from '../testing/fixture.ts';
import { httpLab, outputOf } from '../testing/http-lab.ts';
import { createSecretSource } from './secret-source.ts';
import { withSecrets } from './with-secrets.ts';

const VALUE = 's3cr3t/"value&';
const source = createSecretSource(
  { MILLRACE_SECRET_KEY: VALUE, MILLRACE_SECRET_PIN: '123456', MILLRACE_SECRET_BASE: 'http://a.example/?x' },
  null,
);

function use(pointer: string, name = 'KEY', encoding: SecretEncoding = 'none', offset = 0): SecretUse {
  return { pointer, name, encoding, offset };
}

function taskOf(input: Json, secrets: readonly SecretUse[]): ScheduledTask {
  const ids = { taskId: 'i.n', instanceId: 'i', attempt: 1, basis: 'abc' };
  return { ...ids, work: { type: 'http' }, input, secrets, timeoutMs: 1_000, dispatchedAt: 0 } as unknown as ScheduledTask;
}

const scope = { signal: new AbortController().signal, log: silent, untimed };

/** The input that the executor got, and its result. */
async function run(
  input: Json,
  secrets: readonly SecretUse[],
  answer: (input: Json) => AttemptResult | Promise<AttemptResult> = () => ({ status: 'returned' }),
) {
  const seen: Json[] = [];
  const executor: Executor = {
    canRun: () => true,
    label: () => 'test',
    run: (task) => {
      seen.push(task.input);
      return answer(task.input);
    },
  };
  return { seen, result: await withSecrets(executor, source).run(taskOf(input, secrets), scope) };
}

describe('A secret', () => {
  it('is put in where the task says, and nowhere else', async () => {
    const reference = secretReference('KEY');
    const input = { a: [`x ${reference}`], forged: reference, 'b/~c': reference };
    const { seen } = await run(input, [use('/a/0', 'KEY', 'none', 2), use('/b~1~0c')]);
    expect(seen).toEqual([{ a: [`x ${VALUE}`], forged: reference, 'b/~c': VALUE }]);
    expect((await run({ a: reference }, [])).seen).toEqual([{ a: reference }]);
  });

  it('is encoded in a url, and several stand in one string', async () => {
    const url = `https://a.example/${secretReference('KEY')}?pin=${secretReference('PIN')}`;
    const { seen } = await run({ url }, [use('/url', 'KEY', 'component', 18), use('/url', 'PIN', 'component', url.indexOf('pin=') + 4)]);
    expect(seen).toEqual([{ url: `https://a.example/${encodeURIComponent(VALUE)}?pin=123456` }]);
  });

  it.each<[string, Json, SecretUse, string]>([
    [
      'that the worker lacks',
      { a: secretReference('NONE') },
      use('/a', 'NONE'),
      'SECRET_UNKNOWN This worker has no secret "NONE": give it one, as a file of MILLRACE_SECRETS_DIR or a variable of its environment, then retry.',
    ],
    [
      'at a place without a reference',
      { a: 'other' },
      use('/a'),
      'INPUT_INVALID /a: there is no reference to the secret at the place that is named.',
    ],
    ['at a place that is not there', {}, use('/a'), 'INPUT_INVALID /a: the place that is named does not exist.'],
    [
      'with a query, before the rest of a url',
      { url: `${secretReference('BASE')}/x` },
      use('/url', 'BASE', 'base'),
      'INPUT_INVALID /url: the secret "BASE" begins a longer url, so it must have no query and no fragment.',
    ],
  ])('%s fails the attempt for good, and nothing runs', async (_, input, secret, told) => {
    const { seen, result } = await run(input, [secret]);
    expect(seen).toEqual([]);
    if (result.status !== 'failed') throw new Error(result.status);
    expect(`${result.code} ${result.message}`).toBe(told);
    expect(result.retryable).toBe(false);
  });
});

describe('What comes back', () => {
  const at = { key: secretReference('KEY'), pin: secretReference('PIN') };
  const places = [use('/key'), use('/pin', 'PIN')];

  it('has references in the place of values, also escaped, encoded, in keys and as numbers', async () => {
    const output = {
      said: `got ${VALUE}`,
      url: `?k=${encodeURIComponent(VALUE)}`,
      pin: 123456,
      [VALUE]: { pins: ['123456'] },
      other: `1.5 ${VALUE.slice(0, 6)}`,
    };
    const { result } = await run(at, places, () => ({ status: 'completed', output: JSON.stringify(output) }));
    const { key, pin } = at;
    expect(outputOf(result)).toEqual({ said: `got ${key}`, url: `?k=${key}`, pin, [key]: { pins: [pin] }, other: '1.5 s3cr3t' });
  });

  it('has none in errors and their details, not even a part that was cut', async () => {
    const { result } = await run(at, places, () => ({
      status: 'failed',
      code: 'E_123456',
      message: `The key ${VALUE} is wrong: `.padEnd(491, '.') + VALUE.slice(0, 9),
      retryable: false,
      retryAfterMs: null,
      details: { status: 401, body: { echo: [VALUE], cut: `${VALUE.slice(0, 6)}…` } },
    }));
    expect(JSON.stringify(result)).not.toContain('s3cr');
    expect(JSON.stringify(result)).not.toContain('123456');
    expect(result).toMatchObject({ details: { status: 401, body: { echo: [at.key] } } });
  });

  it('has none in what a bug throws, nor in what a handler logs', async () => {
    await expect(run(at, places, () => Promise.reject(new Error(`bug with ${VALUE}`)))).rejects.toThrow(`bug with ${at.key}`);
    const lines: string[] = [];
    const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) });
    const cycle: Record<string, unknown> = { key: VALUE };
    cycle.self = cycle;
    const executor: Executor = {
      canRun: () => true,
      label: () => 'test',
      run: (_task, { log: own }) => {
        own.info({ input: { key: VALUE }, err: new Error(`with ${VALUE}`) }, `sent ${VALUE}`);
        own.debug(VALUE);
        own.warn(cycle);
        return { status: 'returned' };
      },
    };
    await withSecrets(executor, source).run(taskOf(at, places), { ...scope, log });
    expect(lines).toHaveLength(3);
    expect(lines.join()).not.toContain('s3cr3t');
    expect(lines[0]).toContain(`sent ${at.key}`);
  });
});

describe('An http node with secrets', () => {
  const lab = httpLab();
  const run = (input: Json, secrets: readonly SecretUse[]) => withSecrets(lab.executor, source).run(taskOf(input, secrets), scope);

  it('sends them, and shows the answer of a server that repeats them without', async () => {
    lab.answer = ({ headers, body }, response) =>
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ headers, body }));
    const reference = secretReference('PIN');
    const result = await run(
      { method: 'POST', url: lab.base, headers: { authorization: `Bearer ${reference}` }, body: { pin: reference } },
      [use('/headers/authorization', 'PIN', 'none', 7), use('/body/pin', 'PIN')],
    );
    expect(lab.seen[0]).toMatchObject({ headers: { authorization: 'Bearer 123456' }, body: '{"pin":"123456"}' });
    expect(JSON.stringify(outputOf(result))).not.toContain('123456');
    expect(outputOf(result)).toMatchObject({ body: { headers: { authorization: `Bearer ${reference}` } } });
  });

  it('does not take a secret in its body along to another server', async () => {
    lab.answer = (_, response) => response.writeHead(307, { location: lab.base.replace('127.0.0.1', 'localhost') }).end();
    const result = await run({ method: 'POST', url: lab.base, body: secretReference('PIN') }, [use('/body', 'PIN')]);
    expect(result).toMatchObject({ code: 'REDIRECT_DENIED', message: expect.stringContaining('must not get the secret') });
    expect(lab.seen).toHaveLength(1);
  });
});

describe('Secrets of a worker', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'secrets-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('come from files first, read anew each time, without the line break at their end', async () => {
    const both = createSecretSource({ MILLRACE_SECRET_KEY: 'variable', MILLRACE_SECRET_OTHER: 'other' }, folder);
    expect(await both.find('KEY')).toBe('variable');
    writeFileSync(join(folder, 'KEY'), 'file\n');
    expect(await both.find('KEY')).toBe('file');
    writeFileSync(join(folder, 'KEY'), 'rotated\r\n');
    expect(await both.find('KEY')).toBe('rotated');
    expect(await both.find('OTHER')).toBe('other');
  });

  it('are none with an empty value, and none outside of their folder', async () => {
    symlinkSync('/etc/passwd', join(folder, 'LINK'));
    const files = createSecretSource({ MILLRACE_SECRET_EMPTY: '', PATH: '/bin' }, folder);
    for (const name of ['EMPTY', 'PATH', '../etc/passwd', '', 'a/b', 'MISSING']) expect(await files.find(name)).toBeNull();
  });
});
