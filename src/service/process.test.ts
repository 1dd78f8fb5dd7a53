import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { eventually } from '../../test/support/eventually.ts';
import { loadConfig } from './config.ts';
import { startService } from './process.ts';

const modules = fileURLToPath(new URL('.', import.meta.url));

/** Runs a main function in a process of its own. */
function run(main: string): { readonly child: ChildProcess; readonly output: () => string; readonly exit: Promise<number | null> } {
  const code = `const { runProcess, startService } = await import('${modules}process.ts');
    const { loadConfig } = await import('${modules}config.ts');
    await runProcess('test', ${main});`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  return { child, output: () => output, exit: once(child, 'close').then(([exitCode]: (number | null)[]) => exitCode ?? null) };
}

const service = (setup: string) => `() => startService('test', loadConfig({}, ['service', 'log']), async (service) => { ${setup} })`;

describe('a process', () => {
  it('drains at SIGTERM and ends with 0', async () => {
    const { child, output, exit } = run(service(`service.onStop('part', () => service.log.info('drained'));`));
    await eventually(() => expect(output()).toContain('Started'));
    child.kill('SIGTERM');
    expect(await exit).toBe(0);
    // A pipe that is full for a moment may delay a line past later ones; the order of closing is tested beside shutdown.ts.
    for (const line of ['Stopping', 'drained', 'Stopped']) expect(output()).toContain(`"${line}"`);
  });

  it('takes several Ctrl-C at once for one', async () => {
    const { child, output, exit } = run(service(`service.onStop('part', () => new Promise((resolve) => setTimeout(resolve, 200)));`));
    await eventually(() => expect(output()).toContain('Started'));
    child.kill('SIGINT');
    child.kill('SIGINT');
    expect(await exit).toBe(0);
  });

  it('ends with 1 and its reason when a part does not close', async () => {
    const { child, output, exit } = run(service(`service.onStop('part', () => Promise.reject(new Error('stuck')));`));
    await eventually(() => expect(output()).toContain('Started'));
    child.kill('SIGTERM');
    expect(await exit).toBe(1);
    expect(output()).toContain('stuck');
  });

  it('waits for what is unavailable at its start until it is told to end', async () => {
    const { child, output, exit } = run(
      service(`const { isRetryable, retryForever } = await import('${modules}backoff.ts');
        const { MillraceError } = await import('${modules}../core/error.ts');
        const retrying = retryForever(isRetryable, service.signal, service.log, { initialMs: 1, maxMs: 2 });
        await retrying('reach the database', () => { throw new MillraceError('MR_DATABASE_UNAVAILABLE', 'away', { retryable: true }) });`),
    );
    await eventually(() => expect(output()).toContain('"attempt":20,'));
    expect(child.exitCode).toBeNull();
    child.kill('SIGTERM');
    expect(await exit).toBe(0);
  });

  it('ends with 78 and all errors when its configuration is bad', async () => {
    const { output, exit } = run(`async () => loadConfig({ KAFKA_SSL: 'maybe', PORT: 'x' })`);
    expect(await exit).toBe(78);
    expect(output()).toMatch(/INSTANCE_DATABASE_URL is not set.*|KAFKA_SSL is "maybe".*PORT is "x"/s);
  });

  it.each([
    ['at its start', `async () => { throw SETUP }`, 'Could not start'],
    ['later', service('setTimeout(() => service.fail(SETUP), 1)'), 'Cannot go on'],
  ])('ends with 78 and a sentence when it is set up wrongly, as it finds %s', async (_, main, what) => {
    const setup = `new (await import('${modules}../core/error.ts')).MillraceError('MR_DATABASE_SETTINGS', 'shared.', { retryable: false })`;
    const { output, exit } = run(`await (async (SETUP) => (${main}))(${setup})`);
    expect(await exit).toBe(78);
    expect(output()).toContain(`${what}: shared. (MR_DATABASE_SETTINGS)\n`);
  });

  it.each([
    ['could not start', `async () => { throw new Error('no port') }`, 'no port'],
    ['left a rejection unhandled', service(`void Promise.reject(new Error('forgotten'))`), 'forgotten'],
    ['let an exception escape', service(`setImmediate(() => { throw new Error('escaped') })`), 'escaped'],
  ])('ends with 1 and the reason when it %s', async (_, main, reason) => {
    const { output, exit } = run(main);
    expect(await exit).toBe(1);
    expect(output()).toContain(reason);
  });

  it('ends at once when it is told to while it still starts', async () => {
    const { child, output, exit } = run(service(`service.log.info('waiting'); await new Promise(() => {});`));
    await eventually(() => expect(output()).toContain('waiting'));
    child.kill('SIGTERM');
    expect(await exit).toBe(0);
  });

  it('closes what works already when it is told to end while another part still starts', async () => {
    const { child, output, exit } = run(
      service(`service.onStop('part', () => new Promise((resolve) => setTimeout(resolve, 50)).then(() => service.log.info('drained')));
        service.log.info('waiting');
        await new Promise((_, reject) => service.signal.addEventListener('abort', () => reject(service.signal.reason)));`),
    );
    await eventually(() => expect(output()).toContain('"waiting"'));
    child.kill('SIGTERM');
    expect(await exit).toBe(0);
    expect(output()).toContain('"drained"');
  });

  it('closes what was opened when it fails half-way', async () => {
    const closed: string[] = [];
    const config = loadConfig({ LOG_LEVEL: 'silent' }, ['service', 'log']);
    const starting = startService('test', config, async (service) => {
      service.onStop('first', () => closed.push('first'));
      throw new Error('no second');
    });
    await expect(starting).rejects.toThrow('no second');
    expect(closed).toEqual(['first']);
  });
});
