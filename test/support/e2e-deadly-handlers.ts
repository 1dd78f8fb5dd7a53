/** A handler that ends its worker, on a queue of its own. The file that E2E_DEADLY names gets a line for each run; only the first is deadly. */
import { appendFileSync, existsSync } from 'node:fs';
import { defineTask } from '../../src/worker/index.ts';

export const deadly = defineTask({
  name: 'e2e.deadly',
  queue: 'e2e-deadly',
  run: (_, { attempt }) => {
    const file = process.env.E2E_DEADLY ?? '';
    const isFirst = !existsSync(file);
    appendFileSync(file, `${attempt}\n`);
    if (isFirst) process.kill(process.pid, 'SIGKILL');
    return attempt;
  },
});
