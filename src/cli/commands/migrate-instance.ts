/** migrate-instance: an instance moves to another version of its definition, or says why it cannot. */
import { type Command, InvalidArgumentError } from 'commander';
import type { MigrationAnswer } from '../../client/index.ts';
import { CommandFailure, exitCodes } from '../exit.ts';
import { print, printable, printJson } from '../output.ts';
import { openClient, parseWait, waitMsOf } from '../session.ts';
import { printCommandAnswer, type Wait } from './instances.ts';

type Options = Wait & {
  readonly to: number | 'latest';
  readonly dryRun?: boolean;
  readonly reason?: string;
  readonly json?: boolean;
};

export function addMigrateInstanceCommand(program: Command): void {
  program
    .command('migrate-instance')
    .description('Move an instance to another version of its definition')
    .argument('<instance>')
    .option('--to <version>', 'the version, or latest', parseVersion, 'latest')
    .option('--dry-run', 'only say whether it could, and what speaks against it')
    .option('--reason <text>', 'why, for the history')
    .option('--wait [duration]', 'wait until it is applied; default 30s', parseWait)
    .option('--json', 'print the answer as JSON')
    .action(async (instanceId: string, { to, dryRun = false, reason, wait, json = false }: Options) => {
      const client = openClient();
      if (dryRun) return printVerdict(await client.judgeMigration(instanceId, to), json);
      printCommandAnswer(await client.migrate(instanceId, to, { reason, waitMs: waitMsOf(wait) }), json);
    });
}

function printVerdict(verdict: MigrationAnswer, json: boolean): void {
  const { definition, toVersion, possible, reasons, reasonCount, skipped } = verdict;
  if (json) printJson(verdict);
  else {
    print(`${definition.id}, version ${definition.version} to ${toVersion}: ${possible ? 'possible' : 'not possible'}`);
    for (const { pointer, message } of reasons) print(`  ${pointer === '' ? '' : `${pointer}: `}${printable(message)}`);
    if (reasonCount > reasons.length) print(`  and ${reasonCount - reasons.length} more`);
    if (possible && skipped.length > 0) print(`  passed already, and skipped: ${skipped.join(', ')}`);
  }
  if (!possible) throw new CommandFailure(exitCodes.refused, 'The instance cannot move to that version.');
}

function parseVersion(text: string): number | 'latest' {
  if (text === 'latest') return text;
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('Expected the number of a version, or latest.');
  return Number(text);
}
