import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Type } from 'typebox';
import { describe, expect, expectTypeOf, it, onTestFinished } from 'vitest';
import { defineTask, RetryableError, type TaskContext, TerminalError } from '../../worker/index.ts';
import type { AttemptResult } from '../attempt-result.ts';
import { loadHandlers } from '../handler-module.ts';
import { runHandler } from '../testing/run-handler.ts';
import { createHandlerExecutor, HandlerModuleError } from './handlers.ts';

describe('a handler', () => {
  it('gets its input and a context, and gives the output', async () => {
    let seen: TaskContext | undefined;
    const task = defineTask({
      name: 'greet',
      run: async (input, context) => {
        seen = context;
        return { hello: input };
      },
    });
    expect(await runHandler(task, 'ada')).toEqual({ status: 'completed', output: '{"hello":"ada"}' });
    const { taskId, instanceId, attempt, idempotencyKey, signal, timeoutMs } = seen as TaskContext;
    expect({ taskId, instanceId, attempt, idempotencyKey, timeoutMs }).toEqual({
      taskId: 'i.n',
      instanceId: 'i',
      attempt: 2,
      idempotencyKey: 'i.n:abc',
      timeoutMs: 1_000,
    });
    expect(signal.aborted).toBe(false);
  });

  it('may answer at once and give nothing', async () => {
    expect(await runHandler(defineTask({ name: 'a', run: () => undefined }))).toEqual({ status: 'completed', output: 'null' });
  });

  it.each<[string, () => never, Partial<Extract<AttemptResult, { code: string }>>]>([
    [
      'TerminalError',
      () => {
        throw new TerminalError('CARD_DECLINED', 'no');
      },
      { code: 'CARD_DECLINED', message: 'no', retryable: false },
    ],
    [
      'RetryableError',
      () => {
        throw new RetryableError('BUSY', 'later', { retryAfterMs: 1_500 });
      },
      { code: 'BUSY', message: 'later', retryable: true, retryAfterMs: 1_500 },
    ],
    [
      'any other error',
      () => {
        throw new RangeError('off');
      },
      { code: 'RangeError', message: 'off', retryable: true, retryAfterMs: null },
    ],
    [
      'an error of a library with a code',
      () => {
        throw Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
      },
      { code: 'ECONNREFUSED', message: 'refused', retryable: true },
    ],
    [
      'an error whose code is a number',
      () => {
        throw Object.assign(new TypeError('odd'), { code: 19 });
      },
      { code: 'TypeError', message: 'odd', retryable: true },
    ],
    [
      'something that is no error',
      () => {
        throw 'oops';
      },
      { code: 'ERROR', retryable: true },
    ],
    [
      'a secret in its message',
      () => {
        throw new Error('no answer from postgres://me:hunter2@db/x');
      },
      { message: 'no answer from postgres://me:[redacted]@db/x' },
    ],
    [
      'a code that is none',
      () => {
        throw new TerminalError('not a code!'.repeat(20), 'x'.repeat(5_000));
      },
      { code: 'not_a_code_'.repeat(20).slice(0, 64), message: 'x'.repeat(500) },
    ],
  ])('that throws %s says what happens next', async (_, thrower, expected) => {
    expect(await runHandler(defineTask({ name: 'a', run: thrower }))).toMatchObject({ status: 'failed', ...expected });
    expect(await runHandler(defineTask({ name: 'a', run: async () => thrower() }))).toMatchObject({ status: 'failed', ...expected });
  });

  it('is told apart by the errors of another copy of the package too', async () => {
    const copy = Object.assign(new Error('no'), { [Symbol.for('millrace.taskError')]: 'terminal', code: 'ELSEWHERE' });
    const task = defineTask({ name: 'a', run: () => Promise.reject(copy) });
    expect(await runHandler(task)).toMatchObject({ code: 'ELSEWHERE', retryable: false });
  });

  it('fails for good when it gives what is no JSON', async () => {
    expect(await runHandler(defineTask({ name: 'a', run: () => ({ at: new Date() }) }))).toMatchObject({
      code: 'OUTPUT_INVALID',
      retryable: false,
    });
  });

  it('sends back a task that it is not for', async () => {
    expect(await runHandler(defineTask({ name: 'a', run: () => 1 }), null, 'b')).toEqual({ status: 'returned' });
    expect(await runHandler(defineTask({ name: 'a', run: () => 1 }), null, 'constructor')).toEqual({ status: 'returned' });
  });

  describe('with schemas', () => {
    it('knows the types of both sides', () => {
      defineTask({
        name: 'typed',
        input: { type: 'object', properties: { n: { type: 'number' } }, required: ['n'] },
        output: Type.Number(),
        run: (input) => {
          expectTypeOf(input.n).toEqualTypeOf<number>();
          return input.n;
        },
      });
      defineTask({
        name: 'wrong',
        output: Type.Number(),
        // @ts-expect-error the output schema admits numbers only
        run: () => 'text',
      });
    });
  });

  it('needs a name and a queue that can be one', () => {
    expect(() => defineTask({ name: '1st', run: () => 1 })).toThrow('cannot be the name of a task');
    expect(() => defineTask({ name: 'a', queue: 'a.b', run: () => 1 })).toThrow('cannot be the name of a queue');
    expect(defineTask({ name: 'a', run: () => 1 }).queue).toBe('handlers');
  });

  it('is refused when its schema is none or its name comes twice', () => {
    const bad = defineTask({ name: 'a', input: { type: 'nonsense' }, run: () => 1 });
    expect(() => createHandlerExecutor([bad, bad])).toThrow(HandlerModuleError);
    expect(() => createHandlerExecutor([bad, bad])).toThrow(/"a" is defined twice/);
  });
});

describe('a module of handlers', () => {
  function module(body: string): string {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-handlers-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'handlers.ts');
    writeFileSync(file, body.replaceAll('SDK', new URL('../../worker/index.ts', import.meta.url).pathname));
    return file;
  }

  it('exports handlers by any name and in lists, each counted once', async () => {
    const file = module(`import { defineTask } from 'SDK';
      export const one: unknown = defineTask({ name: 'one', run: () => 1 });
      const two = defineTask({ name: 'two', queue: 'slow', run: () => 2 });
      export default [one, two];
      export const VERSION = 3;`);
    expect((await loadHandlers(file)).map(({ name, queue }) => [name, queue]).sort()).toEqual([
      ['one', 'handlers'],
      ['two', 'slow'],
    ]);
  });

  it('is refused with a reason when it holds none or cannot be loaded', async () => {
    await expect(loadHandlers(module('export const a = 1;'))).rejects.toThrow('exports no task');
    await expect(loadHandlers(module('throw new Error("broken")'))).rejects.toThrow('cannot be loaded: broken');
    await expect(loadHandlers('/nowhere/handlers.ts')).rejects.toThrow(HandlerModuleError);
  });
});
