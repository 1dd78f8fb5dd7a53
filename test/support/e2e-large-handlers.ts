/**
 * Handlers on a queue of their own that take and give what is too large for a record. The file that E2E_LARGE names gets a line for each run;
 * `hold` and `deadly` look for files beside it.
 */
import { createHash } from 'node:crypto';
import { appendFileSync, existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { defineTask } from '../../src/worker/index.ts';

type Large = { readonly text: string };

const file = process.env.E2E_LARGE ?? '';
const queue = 'e2e-large';

function note(taskId: string, attempt: number): void {
  appendFileSync(file, `${taskId} ${attempt}\n`);
}

/** As long as what it is given. */
const turned = ({ text }: Large): Large => ({ text: [...text].reverse().join('') });

export const turn = defineTask({
  name: 'e2e.large.turn',
  queue,
  run: (input, { taskId, attempt }) => {
    note(taskId, attempt);
    return turned(input as Large);
  },
});

/** Ends when the file `<E2E_LARGE>.go` is there. */
export const hold = defineTask({
  name: 'e2e.large.hold',
  queue,
  run: async (input, { taskId, attempt, signal }) => {
    note(taskId, attempt);
    while (!existsSync(`${file}.go`)) await sleep(20, undefined, { signal });
    return turned(input as Large);
  },
});

/** Ends its worker the first time. */
export const deadly = defineTask({
  name: 'e2e.large.deadly',
  queue,
  run: (input, { taskId, attempt }) => {
    note(taskId, attempt);
    const died = `${file}.died`;
    if (existsSync(died)) return turned(input as Large);
    appendFileSync(died, 'x');
    process.kill(process.pid, 'SIGKILL');
    return null;
  },
});

/** Small again: what it was given. */
export const digest = defineTask({
  name: 'e2e.large.digest',
  queue,
  run: (input) => ({
    sha256: createHash('sha256')
      .update((input as Large).text)
      .digest('hex'),
  }),
});
