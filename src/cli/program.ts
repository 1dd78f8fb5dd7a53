/** All commands. */
import { Command } from 'commander';
import { addInstallCommands } from './commands/install.ts';
import { addRoleCommands } from './commands/roles.ts';

export function createProgram(): Command {
  const program = new Command('millrace')
    .description('A workflow engine that runs as a Kafka streaming processor.')
    .exitOverride()
    .showSuggestionAfterError()
    .showHelpAfterError('(see --help)');
  addInstallCommands(program);
  addRoleCommands(program);
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
