/** Queues of tasks: list, pause, resume. */
import type { Command } from 'commander';
import type { Queue } from '../../client/index.ts';
import { paintStatus, printJson, printTable, shortTime } from '../output.ts';
import { openClient } from '../session.ts';

type Output = { readonly json?: boolean };

export function addQueueCommands(program: Command): void {
  program
    .command('queues')
    .description('List the queues of tasks, and which of them are paused')
    .option('--json', 'print as JSON')
    .action(async ({ json = false }: Output) => {
      const answer = await openClient().queues();
      if (json) printJson(answer);
      else printQueues(answer.items);
    });
  program
    .command('pause-queue')
    .description('Let workers begin no task of a queue; what runs ends normally')
    .argument('<queue>', 'its name; http for http nodes')
    .option('--reason <text>', 'shown with instances that wait')
    .option('--json', 'print the answer as JSON')
    .action(async (queue: string, { reason, json = false }: Output & { readonly reason?: string }) => {
      show(await openClient().pauseQueue(queue, { reason }), json);
    });
  program
    .command('resume-queue')
    .description('Let workers begin tasks of a queue again')
    .argument('<queue>', 'its name; http for http nodes')
    .option('--json', 'print the answer as JSON')
    .action(async (queue: string, { json = false }: Output) => {
      show(await openClient().resumeQueue(queue), json);
    });
}

function show(queue: Queue, json: boolean): void {
  if (json) printJson(queue);
  else printQueues([queue]);
}

function printQueues(queues: readonly Queue[]): void {
  const rows = queues.map(({ queue, paused }) => [
    queue,
    paintStatus(paused === null ? 'running' : 'paused'),
    paused?.by ?? null,
    paused === null ? null : shortTime(paused.at),
    paused?.reason ?? null,
  ]);
  printTable(['queue', 'state', 'paused by', 'since (UTC)', 'reason'], rows, 'No queues.');
}
