/** Definitions: deploy, validate, definitions. */
import type { Command } from 'commander';
import { MillraceApiError } from '../../client/index.ts';
import { firstErrors } from '../../contract/field-errors.ts';
import { parseDefinition } from '../../core/definition/index.ts';
import type { Json } from '../../core/json.ts';
import { CommandFailure, exitCodes } from '../exit.ts';
import { print, printJson, printTable, shortTime } from '../output.ts';
import { openClient, parseCount, readJsonFile } from '../session.ts';

/** What a server and a local check say alike: the first errors, and the count of all. */
type Invalid = {
  readonly errors: readonly { readonly pointer: string; readonly code?: string; readonly message: string }[];
  readonly errorCount: number;
};

export function addDefinitionCommands(program: Command): void {
  program
    .command('deploy')
    .description('Deploy a definition: the same content keeps its version, a change makes the next one')
    .argument('<file>', 'JSON file, or - for standard input')
    .option('--json', 'print the answer as JSON')
    .action(async (file: string, { json = false }: { json?: boolean }) => {
      try {
        const deployed = await openClient().deploy(readJsonFile(file));
        if (json) return printJson(deployed);
        const { id, version, created, runningByVersion } = deployed;
        print(created ? `Deployed ${id} as version ${version}.` : `${id} is deployed as version ${version} already; nothing changed.`);
        for (const each of runningByVersion.filter(({ running }) => running > 0))
          print(`  ${each.running} running on version ${each.version}${each.version === version ? '' : ', where they stay'}`);
      } catch (error) {
        if (!(error instanceof MillraceApiError) || error.code !== 'MR_DEFINITION_INVALID') throw error;
        throw refuse(file, error, json);
      }
    });

  program
    .command('validate')
    .description('Check a definition and print its errors; nothing is deployed')
    .argument('<file>', 'JSON file, or - for standard input')
    .option('--remote', 'let the server check it, by its own limits and settings')
    .option('--json', 'print the errors as JSON')
    .action(async (file: string, { remote = false, json = false }: { remote?: boolean; json?: boolean }) => {
      const document = readJsonFile(file);
      const checked = remote ? await openClient().validate(document) : validate(document);
      if (checked.errorCount > 0) throw refuse(file, checked, json);
      if (json) printJson({ valid: true, errors: [], errorCount: 0 });
      else print(`${file} is a valid definition.`);
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
      const rows = answer.items.map(({ id, latestVersion, versions, deployedAt }) => [id, latestVersion, versions, shortTime(deployedAt)]);
      printTable(['definition', 'version', 'versions', 'deployed (UTC)'], rows, 'Nothing is deployed yet: millrace deploy <file>');
    });
}

function validate(document: Json): Invalid {
  const parsed = parseDefinition(document, { version: 1 });
  return firstErrors(parsed.ok ? [] : parsed.error);
}

/** With `--json` the errors are the result of the command, so they go to stdout. */
function refuse(file: string, { errors, errorCount }: Invalid, json: boolean): CommandFailure {
  if (json) printJson({ valid: false, errors, errorCount });
  const lines = errors.map(
    ({ pointer, code, message }) => `  ${pointer === '' ? '(whole)' : pointer}: ${message}${code === undefined ? '' : ` [${code}]`}`,
  );
  const more = errorCount > errors.length ? [`  and ${errorCount - errors.length} more`] : [];
  const count = errorCount === 1 ? 'an error' : `${errorCount} errors`;
  return new CommandFailure(exitCodes.refused, [`${file} has ${count}:`, ...lines, ...more].join('\n'));
}
