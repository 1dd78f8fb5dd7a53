/** What a person corrects in a running instance: its variables, and the ends of nodes. */
import type { Command } from 'commander';
import { isJsonObject, type JsonObject } from '../../core/json.ts';
import { CommandFailure, exitCodes } from '../exit.ts';
import { readJsonArgument } from '../session.ts';
import { addControl } from './instances.ts';

export function addCorrectionCommands(program: Command): void {
  addControl(program, 'set-vars', 'Change variables of an instance that is paused or under an incident', (client, id, wait, options) =>
    client.setVars(id, readVars(options.vars), { reason: options.reason, ...wait }),
  )
    .requiredOption('--vars <json>', 'new values by name, as JSON, @file, or @- for standard input')
    .option('--reason <text>', 'why, for the history');
  addControl(program, 'complete-node', 'Complete a node that is open or under an incident', (client, id, wait, options) =>
    client.completeNode(id, options.task ?? '', options.output === undefined ? null : readJsonArgument(options.output), {
      reason: options.reason,
      ...wait,
    }),
  )
    .requiredOption('--task <task>', 'its task')
    .option('--output <json>', 'its output as JSON, @file, or @- for standard input; default null')
    .option('--reason <text>', 'why, for the history');
  addControl(program, 'skip-node', 'Skip a node that is open or under an incident', (client, id, wait, options) =>
    client.skipNode(id, options.task ?? '', { reason: options.reason, ...wait }),
  )
    .requiredOption('--task <task>', 'its task')
    .option('--reason <text>', 'why, for the history');
  addControl(program, 'rerun-node', 'Run a node that has ended again, and what lies behind it', (client, id, wait, options) =>
    client.rerunNode(id, options.task ?? '', { reason: options.reason, ...wait }),
  )
    .requiredOption('--task <task>', 'its task')
    .option('--reason <text>', 'why, for the history');
}

function readVars(text = ''): JsonObject {
  const vars = readJsonArgument(text);
  if (isJsonObject(vars)) return vars;
  throw new CommandFailure(exitCodes.usage, 'The variables must be a JSON object of names and values.');
}
