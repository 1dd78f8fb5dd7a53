/** Bulk jobs: create one and follow it, list, show, results, pause, resume, cancel. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, InvalidArgumentError } from 'commander';
import type { Client, Job, NewJob } from '../../client/index.ts';
import { CommandFailure, exitCodes } from '../exit.ts';
import { paintStatus, print, printable, printJson, printTable, say, sayMore, shortTime } from '../output.ts';
import { openClient, parseCount } from '../session.ts';

type Query = NonNullable<NewJob['query']>;
type Verdict = Awaited<ReturnType<Client['verdicts']>>['items'][number];
type CreateOptions = Query & {
  readonly all?: true;
  readonly toVersion?: number | 'latest';
  readonly reason?: string;
  readonly rate?: number;
  readonly canary?: number;
  readonly maxFailures?: number;
  readonly dryRun?: true;
  readonly verdicts?: true;
  readonly key?: string;
  readonly follow: boolean;
  readonly json?: boolean;
};

const FOLLOW_MS = 1_000;

export function addJobCommands(program: Command): void {
  const jobs = program.command('jobs').description('Cancel, pause, resume, retry or migrate all instances that a query finds');
  jobs
    .command('create')
    .description('Give a command to all instances that fit, and show how far it is')
    .argument('<operation>', 'cancel, pause, resume, retry or migrate')
    .option('--status <status>', 'default: those in which the operation can have an effect')
    .option('--definition <id>')
    .option('--version <n>', 'version of the definition', parseCount)
    .option('--business-key <key>')
    .option('--parent <instance>')
    .option('--retrying', 'those with an attempt that failed, after which the next one comes by itself')
    .option('--incident-code <code>', 'those with an open incident whose error has this code, e.g. HTTP_503')
    .option('--started-from <time>', 'RFC 3339, with offset')
    .option('--started-to <time>', 'RFC 3339, with offset')
    .option('--to-version <n>', 'of migrate: the version to move to, or latest', parseVersion)
    .option('--all', 'all instances, in the place of a filter')
    .option('--reason <text>', 'kept with the job; the reason of each instance that it cancels')
    .option('--rate <n>', 'most commands a second; default 100', parseCount)
    .option('--canary <n>', 'pause after so many instances', parseCount)
    .option('--max-failures <n>', 'pause when more than so many are refused', parseNumber)
    .option('--dry-run', 'say what the job would be for, and create none')
    .option('--verdicts', 'of a dry run of migrate: whether each instance could move, and not only the first ones')
    .option('--key <key>', 'idempotency key: a repeat with the same key creates nothing')
    .option('--no-follow', 'end once it is created')
    .option('--json', 'print the answer as JSON')
    .action(create);
  jobs
    .command('list')
    .description('Jobs, newest first')
    .option('--status <status>', 'running, paused, done or cancelled')
    .option('--limit <n>', 'most of them; default 50', parseCount)
    .option('--cursor <cursor>', 'the page after this cursor')
    .option('--json', 'print as JSON')
    .action(async ({ json = false, ...filter }: { json?: boolean } & Parameters<Client['jobs']>[0]) => {
      const page = await openClient().jobs(filter);
      if (json) return printJson(page);
      const rows = page.items.map((job) => [
        ...[job.jobId, job.operation, queryText(job.query), paintStatus(job.status)],
        ...[selectedText(job), job.sent, job.pending, job.applied, job.refused],
        ...[job.by, shortTime(job.createdAt)],
      ]);
      const head = ['job', 'operation', 'of', 'status', 'selected', 'sent', 'pending', 'applied', 'refused', 'by', 'created (UTC)'];
      printTable(head, rows, 'No jobs.');
      sayMore(page.nextCursor);
    });
  jobs
    .command('show')
    .description('A job, and how far it is')
    .argument('<job>')
    .option('--json', 'print as JSON')
    .action(async (jobId: string, { json = false }: { json?: boolean }) => printJob(await openClient().job(jobId), json));
  jobs
    .command('results')
    .description('What became of each instance, refused ones first')
    .argument('<job>')
    .option('--result <result>', 'refused, pending or applied')
    .option('--limit <n>', 'most of them; default 50', parseCount)
    .option('--cursor <cursor>', 'the page after this cursor')
    .option('--json', 'print as JSON')
    .action(async (jobId: string, { json = false, ...filter }: { json?: boolean } & Parameters<Client['jobResults']>[1]) => {
      const page = await openClient().jobResults(jobId, filter);
      if (json) return printJson(page);
      const rows = page.items.map(({ instanceId, result, code, reason, at }) => [
        instanceId,
        result,
        code === null ? null : `${code}: ${reason}`,
        shortTime(at),
      ]);
      printTable(['instance', 'result', 'why', 'at (UTC)'], rows, 'No results.');
      sayMore(page.nextCursor);
    });
  addAction(jobs, 'pause', 'Send nothing more until it is resumed', (client, id) => client.pauseJob(id));
  addAction(jobs, 'resume', 'Go on after a pause, also one by itself', (client, id) => client.resumeJob(id));
  addAction(jobs, 'cancel', 'Send nothing more; what was sent stays', (client, id) => client.cancelJob(id));
}

function addAction(jobs: Command, name: string, about: string, run: (client: Client, jobId: string) => Promise<Job>): void {
  jobs
    .command(name)
    .description(about)
    .argument('<job>')
    .option('--json', 'print the answer as JSON')
    .action(async (jobId: string, { json = false }: { json?: boolean }) => printJob(await run(openClient(), jobId), json));
}

async function create(operation: string, options: CreateOptions): Promise<void> {
  const { all, toVersion, reason, rate, canary, maxFailures, dryRun, verdicts, key, follow, json = false, ...query } = options;
  // The server knows the operations, and names them when it refuses one.
  const asked = {
    operation: operation as NewJob['operation'],
    ...(Object.keys(query).length === 0 ? {} : { query }),
    ...(all === undefined ? {} : { all }),
    ...(toVersion === undefined ? {} : { toVersion }),
    ...(reason === undefined ? {} : { reason }),
    ...(rate === undefined ? {} : { rate }),
    ...(canary === undefined ? {} : { canary }),
    ...(maxFailures === undefined ? {} : { maxFailures }),
  };
  const client = openClient();
  if (verdicts === true)
    return await printVerdicts(client, query, dryRun === true && operation === 'migrate' ? toVersion : undefined, json);
  if (dryRun === true) {
    const preview = await client.previewJob(asked);
    if (json) return printJson(preview);
    print(`${selectedText(preview)} instances would get the command "${operation}".`);
    const rows = preview.sample.map(({ instanceId, definition, businessKey, status, createdAt }) => [
      ...[instanceId, `${definition.id}@${definition.version}`, businessKey, paintStatus(status), shortTime(createdAt)],
    ]);
    printTable(['instance', 'definition', 'business key', 'status', 'started (UTC)'], rows, 'No instances.');
    for (const verdict of preview.verdicts ?? []) printVerdict(verdict);
    return;
  }
  const created = await client.createJob(asked, { idempotencyKey: key });
  if (!follow) return printJob(created, json);
  say(`Job ${created.jobId}: it goes on in the server when this command ends.`);
  const last = await followJob(client, created);
  printJob(last, json);
  if (last.status === 'done' && last.refused === 0) return;
  if (last.refused > 0)
    throw new CommandFailure(exitCodes.failed, `${last.refused} were refused: millrace jobs results ${last.jobId} --result refused`);
  if (last.status === 'cancelled') throw new CommandFailure(exitCodes.failed, 'The job was cancelled.');
}

/** Page by page, so that the first are there at once. With `json` a line each. */
async function printVerdicts(client: Client, query: Query, toVersion: number | 'latest' | undefined, json: boolean): Promise<void> {
  if (toVersion === undefined)
    throw new CommandFailure(
      exitCodes.usage,
      '--verdicts are of a dry run of migrate: millrace jobs create migrate --to-version <n> --dry-run --verdicts',
    );
  const counts = { could: 0, cannot: 0 };
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<Client['verdicts']>> = await client.verdicts({
      query,
      toVersion,
      ...(cursor === null ? {} : { cursor }),
    });
    for (const verdict of page.items) {
      counts[verdict.possible ? 'could' : 'cannot']++;
      if (json) print(JSON.stringify(verdict));
      else printVerdict(verdict);
    }
    cursor = page.nextCursor;
  } while (cursor !== null);
  say(`${counts.could} could move, ${counts.cannot} cannot.`);
}

function printVerdict({ instanceId, toVersion, possible, reasons }: Verdict): void {
  print(possible ? `${instanceId} could move to version ${toVersion}.` : `${instanceId} cannot move to version ${toVersion}:`);
  for (const { pointer, message } of reasons) print(`  ${pointer || '(whole)'}: ${printable(message)}`);
}

/** Tells how far it is, until it is over or paused. */
async function followJob(client: Client, created: Job): Promise<Job> {
  let job = created;
  let told = '';
  for (;;) {
    const progress = progressText(job);
    if (progress !== told) say(progress);
    told = progress;
    if (job.status !== 'running') return job;
    await sleep(FOLLOW_MS);
    job = await client.job(job.jobId);
  }
}

function progressText(job: Job): string {
  return `${job.sent} of ${selectedText(job)} sent: ${job.applied} applied, ${job.refused} refused, ${job.pending} pending`;
}

function selectedText({ selected, moreSelected }: Pick<Job, 'selected' | 'moreSelected'>): string {
  return moreSelected ? `more than ${selected}` : String(selected);
}

function queryText(query: Job['query']): string {
  const parts = Object.entries(query).map(([name, value]) => `${name}=${value}`);
  return parts.length === 0 ? 'all' : parts.join(' ');
}

function printJob(job: Job, json: boolean): void {
  if (json) {
    printJson(job);
    return;
  }
  const { jobId, operation, toVersion, query, status, by, reason, createdAt, finishedAt, rate, canary, maxFailures, paused } = job;
  print(`${jobId}  ${paintStatus(status)}`);
  print(`  operation  ${operation}${toVersion === null ? '' : ` to version ${toVersion}`} of ${queryText(query)}, by ${by}`);
  if (reason !== null) print(`  reason     ${reason}`);
  print(`  pace       ${[`${rate} a second`, ...limitsOf(canary, maxFailures)].join(', ')}`);
  print(`  created    ${shortTime(createdAt)} UTC${finishedAt === null ? '' : `, finished ${shortTime(finishedAt)} UTC`}`);
  print(`  progress   ${progressText(job)}`);
  if (paused !== null) print(`  paused     ${pauseText(paused)}; millrace jobs resume ${jobId}`);
}

function limitsOf(canary: number | null, maxFailures: number | null): readonly string[] {
  return [
    ...(canary === null ? [] : [`pauses after ${canary}`]),
    ...(maxFailures === null ? [] : [`pauses when more than ${maxFailures} are refused`]),
  ];
}

function pauseText({ why, by, at }: NonNullable<Job['paused']>): string {
  const since = `since ${shortTime(at)} UTC`;
  if (why === 'canary') return `${since}: its canary was sent`;
  return why === 'failures' ? `${since}: too many were refused` : `${since} by ${by}`;
}

function parseVersion(text: string): number | 'latest' {
  return text === 'latest' ? text : parseCount(text);
}

function parseNumber(text: string): number {
  if (!/^[0-9]{1,9}$/.test(text)) throw new InvalidArgumentError('Expected an integer of at least 0.');
  return Number(text);
}
