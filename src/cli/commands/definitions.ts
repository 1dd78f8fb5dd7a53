/** Definitions: deploy, validate, definitions. */
import type { Command } from 'commander';
import { type Client, MillraceApiError } from '../../client/index.ts';
import type { Explanation } from '../../explain/index.ts';
import type { Checked } from '../checked-definition.ts';
import { CommandFailure, exitCodes } from '../exit.ts';
import { describeInvalid } from '../invalid-definition.ts';
import { paint, print, printable, printJson, printTable, shortTime } from '../output.ts';
import { openClient, parseCount } from '../session.ts';

type DeployOptions = { readonly force?: boolean; readonly json?: boolean };
type Deployed = Awaited<ReturnType<Client['deploy']>>;
type ValidateOptions = { readonly remote?: boolean; readonly json?: boolean; readonly explain?: boolean };

const REFUSED: ReadonlySet<string> = new Set(['MR_DEFINITION_INVALID', 'MR_DEFINITION_BREAKING']);

export function addDefinitionCommands(program: Command): void {
  program
    .command('deploy')
    .description('Deploy definitions, children first: the same content keeps its version, a change makes the next one')
    .argument('<files...>', 'JSON files, folders with them, or - for standard input')
    .option('--force', 'deploy it although it refuses input that the latest version takes')
    .option('--json', 'print the answer as JSON; of several files an array')
    .action(async (paths: readonly string[], { force = false, json = false }: DeployOptions) => {
      const { childrenFirst, readDefinitionFiles } = await import('../definition-files.ts');
      const files = childrenFirst(readDefinitionFiles(paths));
      const answers: Deployed[] = [];
      for (const { file, document } of files) {
        try {
          const deployed = await openClient().deploy(document, { allowBreaking: force });
          answers.push(deployed);
          if (!json) printDeployed(deployed);
        } catch (error) {
          if (!(error instanceof MillraceApiError) || !REFUSED.has(error.code)) throw error;
          throw refuse(file, { ...error, warnings: [] }, json);
        }
      }
      if (json) printJson(files.length === 1 ? answers[0] : answers);
    });

  program
    .command('validate')
    .description('Check definitions and print their errors; nothing is deployed')
    .argument('<files...>', 'JSON files, folders with them, or - for standard input; children among them are known')
    .option('--remote', 'let the server check it, by its own limits and settings')
    .option('--explain', 'say in plain sentences what each node does')
    .option('--json', 'print the errors as JSON; of several files an array')
    .action(async (paths: readonly string[], options: ValidateOptions) => {
      const { readDefinitionFiles } = await import('../definition-files.ts');
      // The language is loaded by the commands that need it: loading it takes longer than most commands.
      const { checkDefinition, childrenAmong, explainDefinition } = await import('../checked-definition.ts');
      const files = readDefinitionFiles(paths);
      const children = files.length === 1 ? undefined : childrenAmong(files);
      const reports: Report[] = [];
      for (const { file, document } of files) {
        const checked = options.remote === true ? await openClient().validate(document) : checkDefinition(document, children);
        const explanation = options.explain === true && checked.errorCount === 0 ? explainDefinition(document) : null;
        reports.push({ file, checked, explanation });
      }
      report(reports, options.json === true);
    });

  program
    .command('definitions')
    .description('List the deployed definitions')
    .option('--limit <n>', 'most of them', parseCount)
    .option('--cursor <cursor>', 'the page after this cursor')
    .option('--json', 'print as JSON')
    .action(async ({ json = false, ...page }: { json?: boolean; limit?: number; cursor?: string }) => {
      const answer = await openClient().definitions(page);
      if (json) return printJson(answer);
      const rows = answer.items.map(({ id, latestVersion, versions, deployedAt, title, labels }) => {
        const words = Object.entries(labels).map(([name, label]) => `${name}=${label}`);
        return [id, latestVersion, versions, shortTime(deployedAt), title ?? '', words.join(' ')];
      });
      const head = ['definition', 'version', 'versions', 'deployed (UTC)', 'title', 'labels'];
      printTable(head, rows, 'Nothing is deployed yet: millrace deploy <file>');
    });
}

type Report = { readonly file: string; readonly checked: Checked; readonly explanation: Explanation | null };

/** With `--json` the errors are the result of the command, so they go to stdout. */
function report(reports: readonly Report[], json: boolean): void {
  if (json) {
    const answers = reports.map(({ file, checked, explanation }) => ({
      ...(reports.length === 1 ? {} : { file }),
      ...{ valid: checked.errorCount === 0, errors: checked.errors, errorCount: checked.errorCount, warnings: checked.warnings },
      ...(explanation === null ? {} : { explanation }),
    }));
    printJson(reports.length === 1 ? answers[0] : answers);
  } else {
    for (const { file, checked, explanation } of reports.filter(({ checked: { errorCount } }) => errorCount === 0)) {
      print(`${file} is a valid definition.`);
      printWarnings(checked.warnings);
      if (explanation !== null) printExplanation(explanation);
    }
  }
  const wrong = reports.filter(({ checked }) => checked.errorCount > 0);
  if (wrong.length === 0) return;
  throw new CommandFailure(exitCodes.refused, wrong.map(({ file, checked }) => describeInvalid(file, checked)).join('\n'));
}

function printDeployed({ id, version, created, runningByVersion, warnings }: Deployed): void {
  print(created ? `Deployed ${id} as version ${version}.` : `${id} is deployed as version ${version} already; nothing changed.`);
  for (const each of runningByVersion.filter(({ running }) => running > 0))
    print(`  ${each.running} running on version ${each.version}${each.version === version ? '' : ', where they stay'}`);
  printWarnings(warnings);
}

function printExplanation({ sentences, nodes }: Explanation): void {
  print('');
  for (const sentence of sentences) print(sentence);
  for (const node of nodes) {
    print(`\n${paint('bold', node.nodeId)}`);
    for (const sentence of node.sentences) print(`  ${printable(sentence)}`);
    print(`  Its expressions see: ${node.names.join(', ')}.`);
    for (const warning of node.warnings) print(`  ${paint('yellow', 'Mind:')} ${printable(warning)}`);
  }
}

function printWarnings(warnings: Checked['warnings']): void {
  for (const { pointer, message } of warnings) print(`  warning: ${pointer}: ${message}`);
}

/** With `--json` the errors are the result of the command, so they go to stdout. */
function refuse(file: string, invalid: Checked, json: boolean): CommandFailure {
  const { errors, errorCount, warnings } = invalid;
  if (json) printJson({ valid: false, errors, errorCount, warnings });
  return new CommandFailure(exitCodes.refused, describeInvalid(file, invalid));
}
