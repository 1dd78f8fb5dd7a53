/** Definitions: deploy, validate, definitions. */
import type { Command } from 'commander';
import { MillraceApiError } from '../../client/index.ts';
import type { Explanation } from '../../explain/index.ts';
import type { Checked } from '../checked-definition.ts';
import { CommandFailure, exitCodes } from '../exit.ts';
import { describeInvalid } from '../invalid-definition.ts';
import { paint, print, printable, printJson, printTable, shortTime } from '../output.ts';
import { openClient, parseCount, readJsonFile } from '../session.ts';

type ValidateOptions = { readonly remote?: boolean; readonly json?: boolean; readonly explain?: boolean };

const REFUSED: ReadonlySet<string> = new Set(['MR_DEFINITION_INVALID', 'MR_DEFINITION_BREAKING']);

export function addDefinitionCommands(program: Command): void {
  program
    .command('deploy')
    .description('Deploy a definition: the same content keeps its version, a change makes the next one')
    .argument('<file>', 'JSON file, or - for standard input')
    .option('--force', 'deploy it although it refuses input that the latest version takes')
    .option('--json', 'print the answer as JSON')
    .action(async (file: string, { force = false, json = false }: { force?: boolean; json?: boolean }) => {
      try {
        const deployed = await openClient().deploy(readJsonFile(file), { allowBreaking: force });
        if (json) return printJson(deployed);
        const { id, version, created, runningByVersion } = deployed;
        print(created ? `Deployed ${id} as version ${version}.` : `${id} is deployed as version ${version} already; nothing changed.`);
        for (const each of runningByVersion.filter(({ running }) => running > 0))
          print(`  ${each.running} running on version ${each.version}${each.version === version ? '' : ', where they stay'}`);
        printWarnings(deployed.warnings);
      } catch (error) {
        if (!(error instanceof MillraceApiError) || !REFUSED.has(error.code)) throw error;
        throw refuse(file, { ...error, warnings: [] }, json);
      }
    });

  program
    .command('validate')
    .description('Check a definition and print its errors; nothing is deployed')
    .argument('<file>', 'JSON file, or - for standard input')
    .option('--remote', 'let the server check it, by its own limits and settings')
    .option('--explain', 'say in plain sentences what each node does')
    .option('--json', 'print the errors as JSON')
    .action(async (file: string, { remote = false, json = false, explain: isExplained = false }: ValidateOptions) => {
      const document = readJsonFile(file);
      // The language is loaded by the commands that need it: loading it takes longer than most commands.
      const { checkDefinition, explainDefinition } = await import('../checked-definition.ts');
      const checked = remote ? await openClient().validate(document) : checkDefinition(document);
      if (checked.errorCount > 0) throw refuse(file, checked, json);
      const explanation = isExplained ? explainDefinition(document) : null;
      if (json)
        return printJson({
          ...{ valid: true, errors: [], errorCount: 0, warnings: checked.warnings },
          ...(explanation === null ? {} : { explanation }),
        });
      print(`${file} is a valid definition.`);
      printWarnings(checked.warnings);
      if (explanation !== null) printExplanation(explanation);
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
