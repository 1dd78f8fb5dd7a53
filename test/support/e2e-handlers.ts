/** Handlers for the end-to-end tests. The file that E2E_RUNS names gets a line for each run. */
import { createHash } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { defineTask, TerminalError } from '../../src/worker/index.ts';

function note(taskId: string, attempt: number, key: string): void {
  const file = process.env.E2E_RUNS;
  if (file !== undefined) appendFileSync(file, `${taskId} ${attempt} ${key}\n`);
}

export const echo = defineTask({
  name: 'e2e.echo',
  run: (input, { taskId, attempt, idempotencyKey }) => {
    note(taskId, attempt, idempotencyKey);
    return input;
  },
});

export const slow = defineTask({
  name: 'e2e.slow',
  run: async (input, { taskId, attempt, idempotencyKey, signal }) => {
    note(taskId, attempt, idempotencyKey);
    await sleep(Number(input), undefined, { signal });
    return input;
  },
});

/** Fails as often as its input says, then succeeds. */
export const flaky = defineTask({
  name: 'e2e.flaky',
  run: (input, { attempt }) => {
    if (attempt <= Number(input)) throw new Error(`attempt ${attempt} fails`);
    return { attempt };
  },
});

export const broken = defineTask({
  name: 'e2e.broken',
  run: () => {
    throw new TerminalError('BROKEN', 'it never works');
  },
});

/** Shows that it has the value of a secret, and tells it wherever a handler can. */
export const secret = defineTask({
  name: 'e2e.secret',
  run: (input, { log }) => {
    const { key, quote } = input as { readonly key: string; readonly quote?: boolean };
    log.info({ key }, `has ${key}`);
    if (quote === true) throw new TerminalError('QUOTED', `no use of ${key}`);
    return { key, sha256: createHash('sha256').update(key).digest('hex') };
  },
});
