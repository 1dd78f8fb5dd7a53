/** A handler on a queue of its own, which a test pauses. The file that E2E_RUNS names gets a line for each run. */
import { appendFileSync } from 'node:fs';
import { defineTask } from '../../src/worker/index.ts';

export const pausable = defineTask({
  name: 'e2e.pausable',
  queue: 'e2e-pausable',
  run: (input, { taskId, attempt }) => {
    if (process.env.E2E_RUNS !== undefined) appendFileSync(process.env.E2E_RUNS, `${taskId} ${attempt}\n`);
    return input;
  },
});
