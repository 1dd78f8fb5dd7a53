/** A definition as a Mermaid flowchart. Ids are generated and strings are escaped, so no part of a definition can be read as Mermaid. */
import { type Arrow, type Box, type NodeStatus, type Picture, type PictureGraph, type Statuses, shortened } from './picture.ts';

const TEXT_LENGTH_MAX = 80;

/** Brackets around a text, which give a node its shape. */
const shapes: { readonly [Type in Box['type']]?: readonly [open: string, close: string] } = {
  http: ['[[', ']]'],
  transform: ['(', ')'],
  human: ['[/', '/]'],
  wait: ['([', '])'],
  event: ['([', '])'],
  publish: ['>', ']'],
};

const classes: { readonly [Status in NodeStatus]: string } = {
  running: 'fill:#dbeafe,stroke:#1d4ed8',
  incident: 'fill:#fee2e2,stroke:#b91c1c,stroke-width:3px',
  completed: 'fill:#dcfce7,stroke:#15803d',
  failed: 'fill:#fee2e2,stroke:#b91c1c',
  skipped: 'fill:#f3f4f6,stroke:#9ca3af,stroke-dasharray:4 3',
  cancelled: 'fill:#e5e7eb,stroke:#4b5563',
};

export function mermaidOf({ title, graph }: Picture, statuses: Statuses = new Map()): string {
  const writer = new Writer(statuses);
  writer.graph(graph, '  ');
  const used = Object.entries(classes).filter(([status]) => [...statuses.values()].some((each) => each === status));
  const header = ['flowchart TB', `  accTitle: ${escaped(title)}`];
  return [...header, ...writer.lines, ...used.map(([status, style]) => `  classDef ${status} ${style}`), ''].join('\n');
}

class Writer {
  readonly lines: string[] = [];
  readonly #statuses: Statuses;
  #ids = 0;

  constructor(statuses: Statuses) {
    this.#statuses = statuses;
  }

  graph({ boxes, arrows }: PictureGraph, indent: string): void {
    const ids = boxes.map((box) => this.#box(box, indent));
    for (const arrow of arrows) this.#arrow(arrow, ids, indent);
  }

  #box(box: Box, indent: string): string {
    const id = `n${++this.#ids}`;
    const text = `${box.title === null ? escaped(box.name) : `${escaped(box.title)}<br/>${escaped(box.name)}`}<br/>${box.type}${box.undoneBy === null ? '' : `<br/>undone by ${escaped(box.undoneBy)}`}`;
    if (box.body !== null) {
      this.lines.push(`${indent}subgraph ${id}["${text}"]`);
      this.graph(box.body, `${indent}  `);
      this.lines.push(`${indent}end`);
    } else {
      const [open, close] = shapes[box.type] ?? ['[', ']'];
      this.lines.push(`${indent}${id}${open}"${text}"${close}`);
    }
    const status = this.#statuses.get(box.nodeId);
    if (status !== undefined) this.lines.push(`${indent}class ${id} ${status}`);
    return id;
  }

  #arrow({ from, to, label, kind }: Arrow, ids: readonly string[], indent: string): void {
    const line = kind === 'failure' ? '-.->' : '-->';
    const end = to === null ? `n${++this.#ids}(( ))` : (ids[to] ?? '');
    this.lines.push(`${indent}${ids[from] ?? ''} ${line}${label === '' ? '' : `|"${escaped(label)}"|`} ${end}`);
  }
}

/** Letters, digits and a few marks stay; every other character becomes an entity. */
function escaped(text: string): string {
  return shortened(text.toWellFormed(), TEXT_LENGTH_MAX).replaceAll(/[^\p{L}\p{N} _.,!?'()…=+/-]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0xfffd;
    return code < 0x20 || (code >= 0x7f && code < 0xa0) ? ' ' : `#${code};`;
  });
}
