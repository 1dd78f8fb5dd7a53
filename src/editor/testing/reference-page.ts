/** The part of docs/definition.md in which a reader looks for a field. */
import { readFileSync } from 'node:fs';

const page = readFileSync(new URL('../../../docs/definition.md', import.meta.url), 'utf8');

/** The text under a heading, up to the next one of its level or above. */
function section(heading: string): string {
  const level = heading.indexOf(' ');
  const from = page.indexOf(`\n${heading}\n`);
  const rest = from === -1 ? '' : page.slice(from + heading.length);
  const end = rest.search(new RegExp(`\n#{1,${level}} `));
  return end === -1 ? rest : rest.slice(0, end);
}

const shared = [section('## Nodes').split('\n### ')[0], section('## Time and retries'), section('### Joins'), section('### Compensation')];
const sections: Readonly<Record<string, string>> = {
  definition: section('## Top level'),
  edge: section('### Edges'),
  triggers: section('## Triggers'),
};

/** @param owner a type of node, `definition`, `edge` or `triggers`. */
export function sectionOf(owner: string): string {
  return sections[owner] ?? [section(`### ${owner}`), section('## Declared types'), ...shared].join('\n');
}

/** Its rows of tables, and its paragraphs and items of lists, each as one text. */
export function passagesOf(owner: string): readonly string[] {
  return sectionOf(owner).split(/\n(?=\|)|\n(?= *- )|\n\n+/);
}
