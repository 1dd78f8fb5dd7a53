/** Tasks of people: tasks, next, claim, unclaim, complete, fail, delegate, comment. */
import type { Command } from 'commander';
import type { Client, InboxTask } from '../../client/index.ts';
import { print, printJson, printTable, sayMore, shortTime } from '../output.ts';
import { openClient, parseCount, parseWait, readJsonArgument, waitMsOf } from '../session.ts';
import { printCommandAnswer } from './instances.ts';

type Acting = { readonly as?: string; readonly attempt?: number; readonly wait?: number | true; readonly json?: boolean };

export function addTaskCommands(program: Command): void {
  program
    .command('tasks')
    .description('List open tasks of people')
    .option('--assignee <person>', 'claimed by or assigned to this person; "me" is the subject of the key')
    .option('--role <role>')
    .option('--mine', 'only what you can do now')
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
      sayMore(page.nextCursor);
    });

  addAssigning(program, 'claim', 'Claim a task, so that others see who works on it', (client, taskId, speaking) =>
    client.claim(taskId, speaking),
  );
  addAssigning(program, 'unclaim', 'Give a claimed task back', (client, taskId, speaking) => client.unclaim(taskId, speaking));

  program
    .command('next')
    .description('Show the task that you should do next')
    .option('--json', 'print as JSON')
    .action(async ({ json = false }: { json?: boolean }) => {
      const { task } = await openClient().nextTask();
      if (json) return printJson(task);
      if (task === null) return print('Nothing to do.');
      printTable(
        ['title', 'due (UTC)', 'since (UTC)', 'task'],
        [[task.title, shortTime(task.dueAt), shortTime(task.openedAt), task.taskId]],
        '',
      );
    });

  addActing(program.command('complete').description('Complete a task of a person, or vote where several decide it'))
    .option('--output <json>', 'output as JSON, @file, or @- for standard input; default {}')
    .option('--outcome <name>', 'what you choose, where the task has outcomes')
    .option('--comment <text>', 'kept with the task')
    .action(async (taskId: string, { json = false, output, outcome, comment, ...acting }: Acting & Words & { output?: string }) => {
      const value = output === undefined ? {} : readJsonArgument(output);
      printCommandAnswer(await openClient().complete(taskId, value, { ...actingOf(acting), outcome, comment }), json);
    });

  addActing(program.command('fail').description('Fail a task of a person'))
    .requiredOption('--code <code>', 'error code, which edges of the definition may name')
    .requiredOption('--message <text>', 'what is wrong')
    .action(async (taskId: string, { json = false, code, message, ...acting }: Acting & { code: string; message: string }) => {
      printCommandAnswer(await openClient().fail(taskId, { code, message }, actingOf(acting)), json);
    });

  addActing(program.command('delegate').description('Hand a task of a person to another one'))
    .requiredOption('--to <person>')
    .option('--comment <text>', 'kept with the task')
    .action(async (taskId: string, { json = false, to, comment, ...acting }: Acting & Words & { to: string }) => {
      printCommandAnswer(await openClient().delegate(taskId, to, { ...actingOf(acting), comment }), json);
    });

  addActing(program.command('comment').description('Keep a comment with a task of a person'))
    .requiredOption('--text <text>')
    .action(async (taskId: string, { json = false, text, ...acting }: Acting & { text: string }) => {
      printCommandAnswer(await openClient().comment(taskId, text, actingOf(acting)), json);
    });
}

type Words = { readonly outcome?: string; readonly comment?: string };

function actingOf({ as, attempt, wait }: Acting) {
  return { assignee: as, attempt, waitMs: waitMsOf(wait) };
}

function addActing(command: Command): Command {
  return command
    .argument('<task>')
    .option('--as <person>', 'act as this person; needs an admin key')
    .option('--attempt <n>', 'the attempt that you saw; refused when another one is open', parseCount)
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
