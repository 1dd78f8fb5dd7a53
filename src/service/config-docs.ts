/**
 * docs/configuration.md, made from the table of variables: `npm run docs:config` writes it, a test compares it.
 * Run as a program it writes the file; imported, it only renders.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type ConfigGroup, configGroups, type Variable, variables } from './config-variables.ts';

export const configurationFile = fileURLToPath(new URL('../../docs/configuration.md', import.meta.url));

const titles: Readonly<Record<ConfigGroup, string>> = {
  kafka: 'Kafka',
  registry: 'Schema registry',
  connect: 'Kafka Connect',
  databases: 'Postgres',
  topics: 'Topics and groups',
  api: 'API',
  worker: 'Task workers',
  orchestrator: 'Orchestrator',
  limits: 'Limits',
  service: 'Every process',
  log: 'Logs',
};

export function renderConfigurationDocs(): string {
  const sections = configGroups.map((group) => {
    const rows = Object.entries<Variable<unknown>>(variables).filter(([, variable]) => variable.group === group);
    return [
      `## ${titles[group]}`,
      '',
      ...renderTable([
        ['variable', 'default', 'what it does', 'expected'],
        ...rows.map(([name, variable]) => [nameCell(name, variable), defaultCell(variable), variable.about, variable.parser.expected]),
      ]),
      '',
    ].join('\n');
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

<!-- Made by \`npm run docs:config\` from src/service/config-variables.ts. Do not edit. -->

Every process of Millrace is set up by environment variables, checked whole when it starts: it names each bad value and
ends with exit code 78. \`npm start\` sets what its embedded stack needs by itself. An empty variable counts as not set. A variable marked † may
also be given as a file: \`NAME_FILE=/run/secrets/name\`. Durations are \`500ms\`, \`30s\`, \`5m\`, \`2h\`, \`7d\` or ISO 8601. Task workers need no
database.
`;

function nameCell(name: string, { file }: Variable<unknown>): string {
  return `\`${name}\`${file ? ' †' : ''}`;
}

function defaultCell({ fallback }: Variable<unknown>): string {
  switch (fallback.kind) {
    case 'required':
      return '**required**';
    case 'optional':
      return 'none';
    case 'default':
      return fallback.text === '' ? 'empty' : `\`${fallback.text}\``;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(configurationFile, renderConfigurationDocs());
