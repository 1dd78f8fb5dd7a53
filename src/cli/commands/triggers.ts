/** Triggers: list, pause, resume, fire. */
import type { Command } from 'commander';
import type { DefinitionTriggers, FireBody } from '../../client/index.ts';
import { print, printJson, printTable, sayMore, shortTime } from '../output.ts';
import { openClient, parseCount, readJsonArgument } from '../session.ts';

type FireOptions = {
  readonly key?: string;
  readonly data?: string;
  readonly time?: string;
  readonly idempotencyKey?: string;
  readonly json?: boolean;
};

export function addTriggerCommands(program: Command): void {
  // Without a subcommand it lists them.
  const triggers = program.command('triggers').description('List the triggers of definitions; pause, resume or fire them');
  triggers
    .option('--definition <id>', 'of this definition only')
    .option('--limit <n>', 'most definitions; default 50', parseCount)
    .option('--cursor <cursor>', 'the page after this cursor')
    .option('--json', 'print as JSON')
    .action(async ({ definition, json = false, ...page }: { definition?: string; json?: boolean; limit?: number; cursor?: string }) => {
      const client = openClient();
      const answer =
        definition === undefined ? await client.triggers(page) : { items: [await client.definitionTriggers(definition)], nextCursor: null };
      if (json) return printJson(answer);
      printTriggers(answer.items);
      sayMore(answer.nextCursor);
    });
  addSwitch(triggers, 'pause', 'Pause all triggers of a definition, or one');
  addSwitch(triggers, 'resume', 'Resume them; schedules continue after now');
  triggers
    .command('fire')
    .description('Start an instance as a trigger would, now')
    .argument('<definition>')
    .argument('<trigger>', 'its name, or its place in the definition')
    .option('--key <key>', 'correlation key of the event, for a trigger by event')
    .option('--data <json>', 'data of the event as JSON, @file, or @- for standard input')
    .option('--time <time>', 'RFC 3339: the time for which a schedule runs; default now')
    .option('--idempotency-key <key>', 'a repeat with the same key starts nothing')
    .option('--json', 'print the answer as JSON')
    .action(async (definition: string, trigger: string, { idempotencyKey, json = false, ...options }: FireOptions) => {
      const started = await openClient().fireTrigger(definition, trigger, bodyOf(options), { idempotencyKey });
      if (json) printJson(started);
      else print(`Started ${started.instanceId}.`);
    });
}

function bodyOf({ key, data, time }: Pick<FireOptions, 'key' | 'data' | 'time'>): FireBody {
  const event = key === undefined ? {} : { event: { key, ...(data === undefined ? {} : { data: readJsonArgument(data) }) } };
  return { ...event, ...(time === undefined ? {} : { time }) };
}

function addSwitch(triggers: Command, action: 'pause' | 'resume', about: string): void {
  triggers
    .command(action)
    .description(about)
    .argument('<definition>')
    .argument('[trigger]', 'its name, or its place in the definition; default: all')
    .action(async (definition: string, trigger?: string) => {
      const client = openClient();
      printTriggers([await (action === 'pause' ? client.pauseTriggers(definition, trigger) : client.resumeTriggers(definition, trigger))]);
    });
}

function printTriggers(definitions: readonly DefinitionTriggers[]): void {
  const rows = definitions.flatMap(({ definition, triggers }) =>
    triggers.map(({ name, paused, event, schedule }) => [
      `${definition.id}@${definition.version}`,
      name,
      event ?? `${schedule?.cron ?? ''} ${schedule?.timeZone ?? ''}`,
      paused ? 'paused' : 'on',
      timeOf(schedule?.nextAt),
      timeOf(schedule?.lastAt),
      schedule?.running?.instanceId ?? null,
      schedule === null ? null : schedule.queued.length,
      schedule?.lastError == null ? null : `${shortTime(schedule.lastError.time)}: ${schedule.lastError.reason}`,
    ]),
  );
  const head = ['definition', 'trigger', 'starts on', 'state', 'next (UTC)', 'last (UTC)', 'running', 'queued', 'last error'];
  printTable(head, rows, 'No triggers.');
}

function timeOf(time: string | null | undefined): string | null {
  return time == null ? null : shortTime(time);
}
