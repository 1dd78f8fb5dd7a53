/** The long-running processes: api, orchestrator, task-consumer, worker. Each loads its code only when it is started. */
import type { Command } from 'commander';
import { loadConfig } from '../../service/config.ts';
import { runProcess } from '../../service/process.ts';
import { commandEnvironment } from '../environment.ts';

export function addRoleCommands(program: Command): void {
  program
    .command('api')
    .description('Run the REST API')
    .action(async () => {
      await runProcess('api', async () => {
        const { apiConfigGroups, runApi } = await import('../../api/main.ts');
        return await runApi(loadConfig(commandEnvironment(), apiConfigGroups));
      });
    });

  program
    .command('orchestrator')
    .description('Run an orchestrator, which advances instances')
    .action(async () => {
      await runProcess('orchestrator', async () => {
        const { orchestratorConfigGroups, runOrchestrator } = await import('../../orchestrator/main.ts');
        return await runOrchestrator(loadConfig(commandEnvironment(), orchestratorConfigGroups));
      });
    });

  program
    .command('task-consumer')
    .description('Run a task worker for the built-in http tasks')
    .action(async () => {
      await runProcess('task-consumer', async () => {
        const { runTaskConsumer, workerConfigGroups } = await import('../../task-consumer/main.ts');
        return await runTaskConsumer(loadConfig(commandEnvironment(), workerConfigGroups));
      });
    });

  program
    .command('worker')
    .description('Run the task handlers of a module on the queues that they name')
    .argument('<module>', 'path of a JavaScript or TypeScript module that exports what defineTask() returns')
    .action(async (module: string) => {
      await runProcess('worker', async () => {
        const { runWorker, workerConfigGroups } = await import('../../task-consumer/main.ts');
        return await runWorker(loadConfig(commandEnvironment(), workerConfigGroups), module);
      });
    });
}
