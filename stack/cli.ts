/** `npm run stack:up | stack:down | stack:reset | stack:status`: the stack alone, without the engine. */

import Table from 'cli-table3';
import { Command } from 'commander';
import pc from 'picocolors';
import { apiUrl } from './engine.ts';
import { openHome } from './home.ts';
import { environmentOf } from './index.ts';
import { installJars } from './install/jars.ts';
import { print } from './report.ts';
import { resetHome } from './reset.ts';
import { readRunningState } from './state.ts';
import { readStatus, type StackStatus } from './status.ts';
import { bringDown, bringUp, supervise } from './supervisor.ts';

const program = new Command('stack').description('The embedded stack alone: Kafka, Connect, schema registry, Postgres.');

program
  .command('up')
  .description('start the stack in the background and wait until every part serves')
  .action(async () => {
    await bringUp(openHome());
    printStatus(await readStatus(openHome()));
  });

program
  .command('down')
  .description('stop the stack, whoever started it; data stays')
  .action(async () => {
    const stopped = await bringDown(openHome());
    print(stopped ? 'The stack is stopped; its data stays.' : 'No stack is running here.');
  });

program
  .command('reset')
  .description('stop the stack and delete its data: databases with the replication slot, topics, Connect offsets, schemas')
  .option('--yes', 'do not ask')
  .action(async (options: { yes?: boolean }) => {
    await resetHome(openHome(), options.yes === true);
  });

program
  .command('status')
  .description('show what runs where; exit code 0 when every part serves, 3 otherwise')
  .option('--json', 'as JSON, for scripts')
  .action(async (options: { json?: boolean }) => {
    const status = await readStatus(openHome());
    if (options.json) print(JSON.stringify(status, null, 2));
    else printStatus(status);
    process.exitCode = status.parts.every(({ state }) => state === 'up') ? 0 : 3;
  });

program
  .command('jars')
  .description("print the folder of Kafka's jars, its clients among them; what is missing is downloaded first")
  .action(async () => {
    print((await installJars(() => undefined)).kafka);
  });

program
  .command('env')
  .description('print the environment of an engine process on this stack, for a shell: eval "$(npm run -s stack:env)"')
  .action(() => {
    const home = openHome();
    const running = readRunningState(home);
    if (running === null) throw new Error('No stack is running here: npm start, or npm run stack:up.');
    const env = environmentOf(home, running.ports, running.prefix);
    for (const [name, value] of Object.entries({ ...env, MILLRACE_URL: apiUrl(env) }))
      print(`export ${name}='${value.replaceAll("'", "'\\''")}'`);
  });

program.command('supervise', { hidden: true }).action(async () => {
  process.exitCode = await supervise(openHome());
});

function printStatus(status: StackStatus): void {
  const table = new Table({ head: ['part', 'state', 'address', 'pid', 'memory'], style: { head: [], border: [], compact: true } });
  for (const part of status.parts) {
    const state = part.state === 'up' ? pc.green('up') : part.state === 'down' ? 'down' : pc.red(part.state);
    table.push([part.title, state, part.address, part.pid ?? '', part.residentMiB === null ? '' : `${part.residentMiB} MiB`]);
  }
  print(table.toString());
  print(`home ${status.home}`);
  print(
    status.starter === null ? 'nobody keeps the stack running' : `kept running by process ${status.starter.pid} since ${status.startedAt}`,
  );
}

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`${pc.red(error instanceof Error ? error.message : String(error))}\n`);
  process.exitCode = 1;
}
