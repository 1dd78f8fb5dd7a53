/** Messages: send-event, dead-letters. */
import type { Command } from 'commander';
import type { Client, DeadLetterClosed } from '../../client/index.ts';
import { print, printJson, printTable, sayMore, shortTime } from '../output.ts';
import { openClient, parseCount, readJsonArgument } from '../session.ts';

type EventOptions = {
  readonly key: string;
  readonly data?: string;
  readonly id?: string;
  readonly source?: string;
  readonly time?: string;
  readonly json?: boolean;
};

export function addMessageCommands(program: Command): void {
  program
    .command('send-event')
    .description('Send an external event')
    .argument('<type>', 'e.g. payment.confirmed')
    .requiredOption('--key <key>', 'correlation key')
    .option('--data <json>', 'data as JSON, @file, or @- for standard input')
    .option('--id <id>', 'unique with the source: a repeat within 24 h is dropped')
    .option('--source <source>')
    .option('--time <time>', 'RFC 3339, with offset')
    .option('--json', 'print the answer as JSON')
    .action(async (type: string, { data, json = false, ...rest }: EventOptions) => {
      const accepted = await openClient().sendEvent({ type, ...rest, ...(data === undefined ? {} : { data: readJsonArgument(data) }) });
      if (json) printJson(accepted);
      else print(`Accepted as ${accepted.id}.`);
    });

  // Without a subcommand it lists them.
  const deadLetters = program.command('dead-letters').description('List messages that could not be processed; replay or discard them');
  deadLetters
    .option('--status <status>', 'open, replayed or discarded; default open')
    .option('--limit <n>', 'most of them; default 50', parseCount)
    .option('--cursor <cursor>', 'the page after this cursor')
    .option('--unmasked', 'with --json: also the contents that may hold what a definition marks as sensitive; it is logged')
    .option('--json', 'print as JSON')
    .action(async ({ json = false, ...filter }: { json?: boolean } & Parameters<Client['deadLetters']>[0]) => {
      const page = await openClient().deadLetters(filter);
      if (json) return printJson(page);
      const rows = page.items.map(({ id, code, topic, partition, offset, at, reason }) => [
        id,
        code,
        `${topic}/${partition}@${offset}`,
        shortTime(at),
        reason,
      ]);
      printTable(['id', 'code', 'topic/partition@offset', 'since (UTC)', 'reason'], rows, 'No dead letters.');
      sayMore(page.nextCursor);
    });
  addClosing(deadLetters, 'replay', 'Send the original records again to the topics they came from', (client, id) =>
    client.replayDeadLetter(id),
  );
  addClosing(deadLetters, 'discard', 'Close them without sending them again', (client, id) => client.discardDeadLetter(id));
}

function addClosing(
  deadLetters: Command,
  name: string,
  about: string,
  run: (client: Client, id: string) => Promise<DeadLetterClosed>,
): void {
  deadLetters
    .command(name)
    .description(about)
    .argument('<id...>')
    .action(async (ids: string[]) => {
      const client = openClient();
      for (const id of ids) {
        const closed = await run(client, id);
        print(`${closed.id} is ${closed.status}.`);
      }
    });
}
