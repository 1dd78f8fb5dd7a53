/** All commands. */
import { Command } from 'commander';
import { addCorrectionCommands } from './commands/corrections.ts';
import { addDatabaseCommands } from './commands/databases.ts';
import { addDefinitionCommands } from './commands/definitions.ts';
import { addDevCommand } from './commands/dev.ts';
import { addDrawCommand } from './commands/draw.ts';
import { addInstallCommands } from './commands/install.ts';
import { addInstanceCommands } from './commands/instances.ts';
import { addJobCommands } from './commands/jobs.ts';
import { addMessageCommands } from './commands/messages.ts';
import { addMigrateInstanceCommand } from './commands/migrate-instance.ts';
import { addQueueCommands } from './commands/queues.ts';
import { addRedispatchCommand } from './commands/redispatch.ts';
import { addRoleCommands } from './commands/roles.ts';
import { addTaskCommands } from './commands/tasks.ts';
import { addTestCommand } from './commands/test.ts';
import { addTriggerCommands } from './commands/triggers.ts';
import { addTypesCommand } from './commands/types.ts';
import { packageVersion } from './version.ts';

const HELP = `
Environment:
  MILLRACE_URL      where the API is; default http://127.0.0.1:8080
  MILLRACE_API_KEY  the key to use; default: the one in $MILLRACE_HOME/api-key

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not found, 4 refused, 5 not reachable.`;

export function createProgram(): Command {
  const program = new Command('millrace')
    .description('A workflow engine that runs as a Kafka streaming processor.')
    .version(packageVersion())
    .exitOverride()
    .showSuggestionAfterError()
    .showHelpAfterError('(see --help)')
    .addHelpText('after', HELP);
  program.commandsGroup('Definitions');
  addDefinitionCommands(program);
  addDrawCommand(program);
  addTestCommand(program);
  addTypesCommand(program);
  addTriggerCommands(program);
  program.commandsGroup('Instances');
  addInstanceCommands(program);
  addCorrectionCommands(program);
  addMigrateInstanceCommand(program);
  addJobCommands(program);
  program.commandsGroup('Tasks of people');
  addTaskCommands(program);
  program.commandsGroup('Messages');
  addMessageCommands(program);
  program.commandsGroup('Installing');
  addInstallCommands(program);
  program.commandsGroup('Operating');
  addQueueCommands(program);
  addDatabaseCommands(program);
  addRedispatchCommand(program);
  program.commandsGroup('Processes');
  addRoleCommands(program);
  addDevCommand(program);
  inherit(program);
  return program;
}

/** Commands made by `command()` take over these settings only from a parent that had them then, at every depth. */
function inherit(command: Command): void {
  for (const child of command.commands) {
    child.copyInheritedSettings(command);
    inherit(child);
  }
}
