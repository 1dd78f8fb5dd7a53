/** A worker in a process of its own, for tests that kill it: `node test/support/worker-process.ts <module>`. */
import { loadConfig } from '../../src/service/config.ts';
import { runProcess } from '../../src/service/process.ts';
import { runWorker, workerConfigGroups } from '../../src/task-consumer/main.ts';

const [module = ''] = process.argv.slice(2);
await runProcess('worker', () => runWorker(loadConfig(process.env, workerConfigGroups), module));
