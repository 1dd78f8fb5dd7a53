/** Handlers for the tests of the task worker. The file that LAB_RUNS names gets a line at the begin and the end of each run. */
import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { defineTask, RetryableError, TerminalError } from '../../src/worker/index.ts';

function note(what: string, taskId: string): void {
  const file = process.env.LAB_RUNS;
  if (file !== undefined) appendFileSync(file, `${what} ${taskId} ${process.pid}\n`);
}

export const echo = defineTask({ name: 'echo', run: (input) => input });

/** Takes as many ms as its input says. */
export const slow = defineTask({
  name: 'slow',
  queue: 'slow',
  run: async (input, { taskId, signal }) => {
    note('begin', taskId);
    await sleep(Number(input), undefined, { signal });
    note('end', taskId);
    return process.pid;
  },
});

export const fails = defineTask({
  name: 'fails',
  run: (input) => {
    if (input === 'terminal') throw new TerminalError('NO_WAY', 'never');
    if (input === 'retryable') throw new RetryableError('BUSY', 'later', { retryAfterMs: 2_000 });
    throw new TypeError('oops');
  },
});
