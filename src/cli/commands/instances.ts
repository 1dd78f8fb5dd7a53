/** Instances: start, get, list, watch, and control. */
import type { Command } from 'commander';
import type { Client, CommandAnswer, Instance, OpenWork } from '../../client/index.ts';
import { CommandFailure, exitCodes } from '../exit.ts';
import { historyLine } from '../history-line.ts';
import { paintStatus, print, printJson, printTable, say, sayMore, shortTime } from '../output.ts';
import { openClient, parseCount, parseWait, readJsonArgument, waitMsOf } from '../session.ts';

const UNMASKED = 'show what the definition marks as sensitive; for operators and admins, and logged';

export type Wait = { readonly wait?: number | true };

export function addInstanceCommands(program: Command): void {
  program
    .command('start')
    .description('Start an instance')
    .argument('<definition>')
    .option('--input <json>', 'input as JSON, @file, or @- for standard input')
    .option('--version <n>', 'version of the definition; default: the latest', parseCount)
    .option('--business-key <key>', 'your own name for the instance, e.g. an order number')
    .option('--key <key>', 'idempotency key: a repeat with the same key starts nothing')
    .option('--wait [duration]', 'wait for the end; default 30s', parseWait)
    .option('--json', 'print the answer as JSON')
    .action(async (definition: string, options: StartOptions) => {
      const { input, version, businessKey, key, wait, json = false } = options;
      const body = {
        ...(input === undefined ? {} : { input: readJsonArgument(input) }),
        ...(version === undefined ? {} : { version }),
        ...(businessKey === undefined ? {} : { businessKey }),
      };
      const waitMs = waitMsOf(wait);
      const answer = await openClient().start(definition, body, { idempotencyKey: key, waitMs });
      if (json) printJson(answer);
      else if ('status' in answer) printInstance(answer);
      else {
        print(answer.instanceId);
        if (waitMs !== undefined) say('It is still running.');
      }
      if ('status' in answer && (answer.status === 'failed' || answer.status === 'cancelled'))
        throw new CommandFailure(exitCodes.failed, `The instance ${answer.status === 'failed' ? 'failed' : 'was cancelled'}.`);
    });

  program
    .command('get')
    .description('Show an instance, and why it waits')
    .argument('<instance>')
    .option('--unmasked', UNMASKED)
    .option('--json', 'print as JSON')
    .action(async (instanceId: string, { json = false, unmasked }: { json?: boolean; unmasked?: boolean }) => {
      const instance = await openClient().instance(instanceId, { unmasked });
      if (json) printJson(instance);
      else printInstance(instance);
    });

  program
    .command('list')
    .description('Find instances, newest first')
    .option('--status <status>', 'running, paused, incident, ending, undoing, completed, failed or cancelled')
    .option('--definition <id>')
    .option('--business-key <key>')
    .option('--parent <instance>')
    .option('--retrying', 'those with an attempt that failed, after which the next one comes by itself')
    .option('--incident-code <code>', 'those with an open incident whose error has this code, e.g. HTTP_503')
    .option('--started-from <time>', 'RFC 3339, with offset')
    .option('--started-to <time>', 'RFC 3339, with offset')
    .option('--limit <n>', 'most of them; default 50', parseCount)
    .option('--cursor <cursor>', 'the page after this cursor')
    .option('--json', 'print as JSON')
    .action(async ({ json = false, ...filter }: { json?: boolean } & Parameters<Client['instances']>[0]) => {
      const page = await openClient().instances(filter);
      if (json) return printJson(page);
      const rows = page.items.map(({ instanceId, definition, businessKey, status, createdAt, updatedAt }) => [
        instanceId,
        `${definition.id}@${definition.version}`,
        businessKey,
        paintStatus(status),
        shortTime(createdAt),
        shortTime(updatedAt),
      ]);
      printTable(['instance', 'definition', 'business key', 'status', 'started (UTC)', 'changed (UTC)'], rows, 'No instances.');
      sayMore(page.nextCursor);
    });

  program
    .command('history')
    .description('What happened to an instance, oldest first; `watch` follows it live')
    .argument('<instance>')
    .option('--failures', 'only what went wrong')
    .option('--type <types>', 'only entries of these types, e.g. TaskFailed,IncidentRaised')
    .option('--newest-first', 'the newest entries first')
    .option('--unmasked', UNMASKED)
    .option('--limit <n>', 'most of them; default 50', parseCount)
    .option('--cursor <cursor>', 'the page after this cursor')
    .option('--json', 'print as JSON')
    .action(async (instanceId: string, { failures, newestFirst, json = false, ...page }: HistoryOptions) => {
      const only = failures === undefined ? undefined : 'failures';
      const order = newestFirst === undefined ? undefined : 'desc';
      const { items, nextCursor } = await openClient().history(instanceId, { ...page, only, order });
      if (json) return printJson({ items, nextCursor });
      for (const entry of items) print(historyLine(entry));
      if (items.length === 0) say('No entries.');
      sayMore(nextCursor);
    });

  program
    .command('watch')
    .description('Follow an instance live until it ends')
    .argument('<instance>')
    .option('--unmasked', UNMASKED)
    .option('--json', 'print one JSON object a line')
    .action(async (instanceId: string, { json = false, unmasked = false }: { json?: boolean; unmasked?: boolean }) => {
      for await (const entry of openClient().follow(instanceId, unmasked ? { unmasked } : {}))
        print(json ? JSON.stringify(entry) : historyLine(entry));
    });

  addControl(program, 'pause', 'Start nothing new and stop the timers', (client, id, wait) => client.pause(id, wait));
  addControl(program, 'resume', 'Go on after a pause', (client, id, wait) => client.resume(id, wait));
  addControl(program, 'cancel', 'End an instance', (client, id, wait, { reason }) => client.cancel(id, reason, wait)).option(
    '--reason <text>',
  );
  addControl(program, 'retry', 'Resolve incidents with a fresh retry budget', (client, id, wait, { task }) =>
    client.retry(id, task, wait),
  ).option('--task <task>', 'only the incident of this task');
}

type StartOptions = Wait & {
  readonly input?: string;
  readonly version?: number;
  readonly businessKey?: string;
  readonly key?: string;
  readonly json?: boolean;
};
type HistoryOptions = {
  readonly failures?: true;
  readonly type?: string;
  readonly newestFirst?: true;
  readonly unmasked?: true;
  readonly limit?: number;
  readonly cursor?: string;
  readonly json?: boolean;
};
type ControlOptions = Wait & {
  readonly reason?: string;
  readonly task?: string;
  readonly vars?: string;
  readonly output?: string;
  readonly json?: boolean;
};
type Control = (
  client: Client,
  instanceId: string,
  wait: { readonly waitMs: number | undefined },
  options: ControlOptions,
) => Promise<CommandAnswer>;

export function addControl(program: Command, name: string, about: string, run: Control): Command {
  return program
    .command(name)
    .description(about)
    .argument('<instance>')
    .option('--wait [duration]', 'wait until it is applied; default 30s', parseWait)
    .option('--json', 'print the answer as JSON')
    .action(async (instanceId: string, options: ControlOptions) => {
      const answer = await run(openClient(), instanceId, { waitMs: waitMsOf(options.wait) }, options);
      printCommandAnswer(answer, options.json ?? false);
    });
}

export function printCommandAnswer(answer: CommandAnswer, json: boolean): void {
  if (json) printJson(answer);
  else print(answer.status === 'applied' ? 'Applied.' : `Accepted; it is applied soon (command ${answer.commandId}).`);
}

function printInstance(instance: Instance): void {
  const {
    instanceId,
    definition,
    businessKey,
    parent,
    status,
    createdAt,
    updatedAt,
    error,
    output,
    open,
    openCount,
    pending,
    awaitedChildren,
    ending,
  } = instance;
  print(`${instanceId}  ${paintStatus(status)}`);
  print(`  definition    ${definition.id}, version ${definition.version}`);
  if (businessKey !== null) print(`  business key  ${businessKey}`);
  if (parent?.kind === 'instance') print(`  parent        ${parent.taskId}`);
  if (parent?.kind === 'schedule') print(`  schedule      ${parent.scheduleId}, run ${parent.run}`);
  print(`  started       ${shortTime(createdAt)} UTC, changed ${shortTime(updatedAt)} UTC`);
  if (error !== null) print(`  error         ${error.code}: ${error.message}`);
  if (ending !== null)
    print(
      `  ends as       ${ending.as}${ending.error === null ? '' : ` (${ending.error.code})`}: ${ending.left} to be undone, ${ending.awaited} awaited`,
    );
  if (status === 'completed') print(`  output        ${JSON.stringify(output)}`);
  if (awaitedChildren > 0)
    print(`  children      ${awaitedChildren} ${awaitedChildren === 1 ? 'has' : 'have'} not ended (millrace list --parent ${instanceId})`);
  for (const { type, by, at } of pending) print(`  pending       ${type} by ${by} since ${shortTime(at)} UTC`);
  if (open.length === 0) return;
  print('');
  const rows = open.map((work) => [
    work.nodeId,
    paintStatus(work.status),
    work.attempt,
    waitingText(work),
    shortTime(work.since),
    work.taskId,
  ]);
  printTable(['node', 'status', 'attempt', 'waits for', 'since (UTC)', 'task'], rows, '');
  if (openCount > open.length) say(`${openCount - open.length} more are open.`);
}

function waitingText({ waitingFor }: OpenWork): string {
  switch (waitingFor.kind) {
    case 'worker':
      if (waitingFor.paused !== undefined) return waitingFor.paused.message;
      return waitingFor.queue === null ? 'a task-consumer (http)' : `a worker of ${waitingFor.queue}`;
    case 'retry':
      return `its next attempt at ${shortTime(waitingFor.until)}${waitingFor.lastError === null ? '' : ` (${waitingFor.lastError.code})`}`;
    case 'person': {
      const { users, roles } = waitingFor.assignees;
      const votes = waitingFor.atLeast === undefined ? '' : ` (${waitingFor.votes ?? 0} of ${waitingFor.atLeast} votes)`;
      return `${[...users, ...roles.map((role) => `any ${role}`)].join(', ')}: ${waitingFor.title}${votes}`;
    }
    case 'time':
      return `${shortTime(waitingFor.until)}`;
    case 'event':
      return waitingFor.events.map(({ type, key }) => `${type} for ${key}`).join(' or ');
    case 'child': {
      const { definition, instanceId } = waitingFor;
      return instanceId === null ? `an earlier child of ${definition.id} to end` : `its child ${instanceId} of ${definition.id}`;
    }
    case 'items': {
      const { total, running, waiting, failed } = waitingFor;
      return `${running + waiting} of ${total} items (${running} running${failed === 0 ? '' : `, ${failed} failed`})`;
    }
    case 'round':
      return waitingFor.running ? `round ${waitingFor.round}` : `the round after ${waitingFor.round}`;
    case 'incident':
      return `a person: ${waitingFor.error.code}: ${waitingFor.error.message}`;
  }
}
