/**
 * docs/configuration.md, made from the groups of variables: `npm run docs:config` writes it, a test compares it.
 * Run as a program it writes the file; imported, it only renders.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { IsOptional, type TSchema } from 'typebox';
import { groups } from './groups/index.ts';
import type { Variable } from './variable.ts';

export const configurationFile = fileURLToPath(new URL('../../../docs/configuration.md', import.meta.url));

export function renderConfigurationDocs(): string {
  const sections = Object.values(groups).map(({ title, variables }) => {
    const rows = Object.entries<TSchema>(variables).map(([name, schema]) => rowOf(name, schema as Variable));
    return [`## ${title}`, '', ...renderTable([['variable', 'default', 'what it does', 'expected'], ...rows]), ''].join('\n');
  });
  return `${[INTRODUCTION, ...sections].join('\n')}`;
}

/** With columns as wide as their widest cell, as the formatter wants it. The first row is the head. */
function renderTable([head = [], ...rows]: readonly (readonly string[])[]): string[] {
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string => `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)];
}

const INTRODUCTION = `# Configuration

<!-- Made by \`npm run docs:config\` from src/service/config/groups. Do not edit. -->

Every process of Millrace is configured by environment variables. A process checks all of them when it starts; if any is wrong, it names
each of them and ends with exit code 78. \`npm start\` sets what its embedded stack needs. An empty variable counts as not set. A variable
marked † can also be given as a file: \`NAME_FILE=/run/secrets/name\`. Durations are \`500ms\`, \`30s\`, \`5m\`, \`2h\`, \`7d\` or ISO 8601. Task
workers need no database.
`;

function rowOf(name: string, variable: Variable): readonly string[] {
  const { secret = false, file = secret, description, expected } = variable;
  return [`\`${name}\`${file ? ' †' : ''}`, defaultOf(variable), description, expected];
}

function defaultOf(variable: Variable): string {
  if (variable.default === '') return 'empty';
  if (variable.default !== undefined) return `\`${variable.default}\``;
  return IsOptional(variable) ? 'none' : '**required**';
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(configurationFile, renderConfigurationDocs());
