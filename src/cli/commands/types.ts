/** types: TypeScript for the handlers of definitions. */
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import type { Source } from '../../typescript/index.ts';
import { CommandFailure, exitCodes } from '../exit.ts';
import { say, writeOut } from '../output.ts';
import { openClient } from '../session.ts';

type Options = { readonly deployed?: readonly string[]; readonly out?: string; readonly check?: boolean };

export function addTypesCommand(program: Command): void {
  program
    .command('types')
    .description('Write TypeScript for what definitions declare: types of their handlers, inputs, outputs and answers')
    .argument('[files...]', 'JSON files, or folders with them')
    .option('--deployed <id...>', 'definitions that are deployed: the latest version, or that of id@version')
    .option('--out <file>', 'write it to a file instead of standard output')
    .option('--check', 'write nothing; fail if the file of --out would change')
    .action(async (files: readonly string[], { deployed = [], out, check = false }: Options) => {
      if (files.length + deployed.length === 0) throw new CommandFailure(exitCodes.usage, 'Give files of definitions, or --deployed.');
      if (check && out === undefined) throw new CommandFailure(exitCodes.usage, '--check compares with the file of --out: give both.');
      const text = await textOf(files, deployed);
      if (out === undefined) process.stdout.write(text);
      else if (check) compare(out, text);
      else {
        writeOut(out, text);
        say(`Wrote ${out}.`);
      }
    });
}

async function textOf(files: readonly string[], deployed: readonly string[]): Promise<string> {
  const { childrenAmong, readTyped } = await import('../checked-definition.ts');
  const { readDefinitionFiles } = await import('../definition-files.ts');
  const { typesOf } = await import('../../typescript/index.ts');
  const local = readDefinitionFiles(files);
  const fetched = await Promise.all(deployed.map(async (one) => ({ file: one, ...(await fetchDefinition(one)) })));
  // What is deployed is older than a file of the same definition.
  const children = childrenAmong([...fetched, ...local]);
  const sources: Source[] = [
    ...local.map(({ document, file }) => ({ ...readTyped(document, file, { children }), isDeployed: false })),
    ...fetched.map(({ document, file, version }) => ({
      ...readTyped(document, file, { version, children, isDeployed: true }),
      isDeployed: true,
    })),
  ];
  const ids = sources.map(({ definition: { id } }) => id);
  const twice = ids.find((id, index) => ids.indexOf(id) !== index);
  if (twice !== undefined) throw new CommandFailure(exitCodes.usage, `The definition ${twice} is given twice: leave one out.`);
  return typesOf(sources);
}

async function fetchDefinition(text: string) {
  const [, id = '', version] = /^([^@]+)(?:@([1-9][0-9]{0,9}))?$/.exec(text) ?? [];
  if (id === '') throw new CommandFailure(exitCodes.usage, `"${text}" names no definition: give its id, or id@version.`);
  const client = openClient();
  return version === undefined ? await client.definition(id) : await client.definitionVersion(id, Number(version));
}

function compare(file: string, text: string): void {
  let before: string;
  try {
    before = readFileSync(file, 'utf8');
  } catch (error) {
    if (!(error instanceof Error) || Reflect.get(error, 'code') !== 'ENOENT')
      throw new CommandFailure(exitCodes.usage, `${file} cannot be read.`, { cause: error });
    throw new CommandFailure(exitCodes.failed, `${file} is not there: run the command without --check.`);
  }
  // An editor or git may have changed the ends of lines.
  const isSame = before.replaceAll('\r\n', '\n') === text;
  if (isSame) say(`${file} is up to date.`);
  else throw new CommandFailure(exitCodes.failed, `${file} does not fit the definitions any more: run the command without --check.`);
}
