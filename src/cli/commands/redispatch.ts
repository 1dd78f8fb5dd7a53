/** redispatch: sends stranded tasks again now, which the orchestrators also do by themselves. */
import type { Command } from 'commander';
import { loadCommandConfig } from '../environment.ts';
import { createCommandLogger, print, printJson, say } from '../output.ts';
import { parseWait } from '../session.ts';

type Given = { readonly wait?: number; readonly force?: boolean; readonly json?: boolean };
const WAIT_MS_DEFAULT = 30_000;

export function addRedispatchCommand(program: Command): void {
  program
    .command('redispatch')
    .description('Send open tasks again that are past their timeout and have no message in flight')
    .option('--wait <duration>', 'how long to wait for consumers to pass messages in flight; default 30s', parseWait)
    .option('--force', 'also send tasks whose message may still be in flight, after Kafka lost data')
    .option('--json', 'print the counts as JSON')
    .action(async ({ wait = WAIT_MS_DEFAULT, force = false, json = false }: Given) => {
      const { redispatchConfigGroups, redispatchOnce } = await import('../../orchestrator/main.ts');
      const config = loadCommandConfig(redispatchConfigGroups);
      const log = createCommandLogger('redispatch', 'warn');
      const { redispatched, waiting } = await redispatchOnce(config, { waitMs: wait, force, log });
      if (json) return printJson({ redispatched, waiting });
      print(`${redispatched} tasks were sent again.`);
      if (waiting > 0) say(`${waiting} more may still have a message in flight; the orchestrators check them again.`);
    });
}
