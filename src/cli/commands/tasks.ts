/** Tasks of people: tasks, claim, unclaim, complete, fail. */
import type { Command } from 'commander';
import type { Client, InboxTask } from '../../client/index.ts';
import { print, printJson, printTable, say, shortTime } from '../output.ts';
import { openClient, parseCount, parseWait, readJsonArgument, waitMsOf } from '../session.ts';
import { printCommandAnswer } from './instances.ts';

type Acting = { readonly as?: string; readonly wait?: number | true; readonly json?: boolean };

export function addTaskCommands(program: Command): void {
  program
    .command('tasks')
    .description('List open tasks of people')
    .option('--assignee <person>', 'claimed by or assigned to this person; "me" is the subject of the key')
    .option('--role <role>')
    .option('--due-before <time>', 'RFC 3339, with offset')
    .option('--definition <id>')
    .option('--instance <instance>')
    .option('--limit <n>', 'most of them; default 50', parseCount)
    .option('--cursor <cursor>', 'the page after this cursor')
    .option('--json', 'print as JSON')
    .action(async (options: { json?: boolean; instance?: string } & Omit<Parameters<Client['inbox']>[0], 'instanceId'>) => {
      const { json = false, instance, ...filter } = options;
      const page = await openClient().inbox({ ...filter, instanceId: instance });
      if (json) return printJson(page);
      const rows = page.items.map(({ title, assignees, assignee, dueAt, openedAt, taskId }) => [
        title,
        assignee ?? [...assignees.users, ...assignees.roles.map((role) => `any ${role}`)].join(', '),
        shortTime(dueAt),
        shortTime(openedAt),
        taskId,
      ]);
      printTable(['title', 'for', 'due (UTC)', 'since (UTC)', 'task'], rows, 'No open tasks.');
      if (page.nextCursor !== null) say(`More: --cursor ${page.nextCursor}`);
    });

  addAssigning(program, 'claim', 'Claim a task, so that others see who works on it', (client, taskId, speaking) =>
    client.claim(taskId, speaking),
  );
  addAssigning(program, 'unclaim', 'Give a claimed task back', (client, taskId, speaking) => client.unclaim(taskId, speaking));

  addActing(program.command('complete').description('Complete a task of a person'))
    .option('--output <json>', 'output as JSON, @file, or @- for standard input; default {}')
    .action(async (taskId: string, { as, wait, json = false, output }: Acting & { output?: string }) => {
      const value = output === undefined ? {} : readJsonArgument(output);
      printCommandAnswer(await openClient().complete(taskId, value, { assignee: as, waitMs: waitMsOf(wait) }), json);
    });

  addActing(program.command('fail').description('Fail a task of a person'))
    .requiredOption('--code <code>', 'error code, which edges of the definition may name')
    .requiredOption('--message <text>', 'what is wrong')
    .action(async (taskId: string, { as, wait, json = false, code, message }: Acting & { code: string; message: string }) => {
      printCommandAnswer(await openClient().fail(taskId, { code, message }, { assignee: as, waitMs: waitMsOf(wait) }), json);
    });
}

function addActing(command: Command): Command {
  return command
    .argument('<task>')
    .option('--as <person>', 'act as this person; needs an admin key')
    .option('--wait [duration]', 'wait until it is applied; default 30s', parseWait)
    .option('--json', 'print the answer as JSON');
}

type Assign = (client: Client, taskId: string, speaking: { readonly assignee: string | undefined }) => Promise<InboxTask>;

function addAssigning(program: Command, name: string, about: string, run: Assign): void {
  program
    .command(name)
    .description(about)
    .argument('<task>')
    .option('--as <person>', 'act as this person; needs an admin key')
    .option('--json', 'print the answer as JSON')
    .action(async (taskId: string, { as, json = false }: Acting) => {
      const task = await run(openClient(), taskId, { assignee: as });
      if (json) printJson(task);
      else print(task.assignee === null ? 'Unclaimed.' : `Claimed by ${task.assignee}.`);
    });
}
