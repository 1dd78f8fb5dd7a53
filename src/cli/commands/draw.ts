/** draw, schema: what people and editors look at. */
import { type Command, Option } from 'commander';
import { type DrawingFormat, drawingFormats } from '../../drawing/format.ts';
import { CommandFailure, exitCodes } from '../exit.ts';
import { say, writeOut } from '../output.ts';
import { openClient } from '../session.ts';

type Options = { readonly format: DrawingFormat; readonly out?: string; readonly instance?: string };

export function addDrawCommand(program: Command): void {
  program
    .command('draw')
    .description('Draw a definition')
    .argument('[file]', 'JSON file, or - for standard input')
    .option('--instance <id>', "in place of a file: an instance's definition, coloured by what became of each node")
    .addOption(new Option('--format <format>', 'an SVG document, or a Mermaid flowchart').choices(drawingFormats).default('mermaid'))
    .option('--out <file>', 'write it to a file instead of standard output')
    .action(async (file: string | undefined, { format, out, instance }: Options) => {
      if ((file === undefined) === (instance === undefined))
        throw new CommandFailure(exitCodes.usage, 'Give either a file or --instance, and not both.');
      const drawing = file === undefined ? await openClient().drawInstance(instance ?? '', format) : await drawFile(file, format);
      if (out === undefined) process.stdout.write(drawing);
      else {
        writeOut(out, drawing);
        say(`Drawn to ${out}.`);
      }
    });

  program
    .command('schema')
    .description('Print the JSON Schema of definitions, for editors')
    .action(async () => {
      const { definitionSchemaText } = await import('../../editor/definition-schema.ts');
      process.stdout.write(definitionSchemaText());
    });
}

async function drawFile(file: string, format: DrawingFormat): Promise<string> {
  const { readDefinitionFile } = await import('../checked-definition.ts');
  const { draw } = await import('../../drawing/index.ts');
  return draw(readDefinitionFile(file), format);
}
