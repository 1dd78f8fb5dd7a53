/** The long-running processes: api, task-consumer, orchestrator, worker. */
import type { Command } from 'commander';
import { loadConfig } from '../../service/config.ts';
import type { ConfigGroup } from '../../service/config-variables.ts';
import { type RunningProcess, runProcess } from '../../service/process.ts';
import { functionOf, loadPart } from '../parts.ts';

/** A role's `main.ts` exports the groups of the configuration it needs, and a function that starts it. */
type Role = { readonly name: string; readonly about: string; readonly file: string; readonly run: string; readonly groups: string };

const roles: readonly Role[] = [
  { name: 'api', about: 'Run the REST API', file: 'src/api/main.ts', run: 'runApi', groups: 'apiConfigGroups' },
  {
    name: 'orchestrator',
    about: 'Run an orchestrator: it moves instances on',
    file: 'src/orchestrator/main.ts',
    run: 'runOrchestrator',
    groups: 'orchestratorConfigGroups',
  },
];

export function addRoleCommands(program: Command): void {
  for (const role of roles)
    program
      .command(role.name)
      .description(role.about)
      .action(async () => {
        await runProcess(role.name, async () => {
          const part = await loadPart(role.file);
          const groups = part[role.groups] as readonly ConfigGroup[] | undefined;
          const config = groups === undefined ? loadConfig(process.env) : loadConfig(process.env, groups);
          return await functionOf<[unknown], Promise<RunningProcess>>(part, role.file, role.run)(config);
        });
      });

  program
    .command('task-consumer')
    .description('Run a task worker for the built-in http tasks')
    .action(async () => {
      await runProcess('task-consumer', async () => {
        const { runTaskConsumer, workerConfigGroups } = await import('../../task-consumer/main.ts');
        return await runTaskConsumer(loadConfig(process.env, workerConfigGroups));
      });
    });

  program
    .command('worker')
    .description('Run the task handlers of a module on the queues that they name')
    .argument('<module>', 'path of a JavaScript or TypeScript module that exports what defineTask() gives')
    .action(async (module: string) => {
      await runProcess('worker', async () => {
        const { runWorker, workerConfigGroups } = await import('../../task-consumer/main.ts');
        return await runWorker(loadConfig(process.env, workerConfigGroups), module);
      });
    });
}
