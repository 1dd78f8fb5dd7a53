/** Drawings of definitions: their content, that hostile strings are escaped, and that a large one is drawn. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Scenario } from '../../test/support/scenario.ts';
import { expenseApproval, graphOf, parsed } from '../core/definition/testing/documents.ts';
import { document } from '../core/instance/testing/arbitraries.ts';
import type { JsonObject } from '../core/json.ts';
import { draw, drawInParts, statusesOf } from './index.ts';
import { placeInLayers } from './layers.ts';

const definition = parsed(expenseApproval);
const loop: JsonObject = graphOf(
  {
    first: { type: 'task', task: 'a', title: 'First things' },
    each: {
      type: 'forEach',
      items: [1],
      onItemFailure: 'fail',
      body: { nodes: { in: { type: 'task', task: 'b' }, out: { type: 'wait', for: '1s' } }, edges: [{ from: 'in', to: 'out' }] },
    },
  },
  [
    { from: 'first', to: 'each', on: 'failed', error: 'E' },
    { from: 'first', to: null, otherwise: true },
  ],
);

/** Throws if it is not XML: elements must be closed in their order, attributes quoted, and no bare `&` or `<`. */
function elementsOf(xml: string): readonly string[] {
  const open: string[] = [];
  const names: string[] = [];
  const rest = xml.replaceAll(
    /<(\/?)([A-Za-z]+)((?:\s+[A-Za-z:-]+="[^"<&]*(?:&(?:amp|lt|gt|quot|apos);[^"<&]*)*")*)\s*(\/?)>/g,
    (_, closing: string, name: string, _attributes, empty: string) => {
      if (closing === '/') expect(open.pop()).toBe(name);
      else {
        names.push(name);
        if (empty === '') open.push(name);
      }
      return '';
    },
  );
  expect(open).toEqual([]);
  expect(rest).not.toMatch(/<|>|&(?!(?:amp|lt|gt|quot|apos);)/);
  return names;
}

describe('Mermaid', () => {
  it('has nodes by their types, edges with their conditions, and words for people', () => {
    expect(draw(definition, 'mermaid')).toBe(`flowchart TB
  accTitle: expense-approval, version 1
  n1("check<br/>transform")
  n2[/"approve<br/>human"/]
  n3[["pay<br/>http"]]
  n4>"reject<br/>publish"]
  n1 -->|"nodes.check.output.needsApproval"| n2
  n1 -->|"otherwise"| n3
  n2 -->|"nodes.approve.output.approved"| n3
  n2 -->|"otherwise"| n4
`);
  });

  it('has loops as boxes around their bodies, and edges of failures and to nowhere', () => {
    expect(draw(parsed(loop), 'mermaid')).toBe(`flowchart TB
  accTitle: test, version 1
  n1["First things<br/>first<br/>task"]
  subgraph n2["each<br/>forEach"]
    n3["in<br/>task"]
    n4(["out<br/>wait"])
    n3 --> n4
  end
  n1 -.->|"on failed E"| n2
  n1 -->|"otherwise"| n5(( ))
`);
  });

  it('says in both formats what undoes a node', () => {
    const compensation = { type: 'workflow', definition: 'refund' };
    const undone = parsed(graphOf({ a: { type: 'task', task: 't', compensation } }, [], { onFailure: 'compensate' }));
    expect(draw(undone, 'mermaid')).toContain('n1["a<br/>task<br/>undone by workflow refund"]');
    expect(draw(undone, 'svg')).toContain('>task, undone by workflow refund<');
  });

  it('reads nothing of a definition as Mermaid', () => {
    const title = 'x"] --> evil["<script>`#quot; %%{init: 1}%%\n  click n1 href "javascript:alert(1)"\u202e';
    const text = draw(parsed(graphOf({ end: { type: 'transform', output: 1, title } })), 'mermaid');
    const [, , node = ''] = text.split('\n');
    expect(node).toMatch(/^ {2}n1\("[^"<>`\]]*<br\/>end<br\/>transform"\)$/);
    expect(node).not.toMatch(/%%|\u202e|javascript:/);
  });
});

describe('SVG', () => {
  it('has a box for each node, an arrow for each edge, and labels', () => {
    const svg = draw(definition, 'svg');
    const names = elementsOf(svg);
    expect(names.filter((name) => name === 'rect').length).toBeGreaterThanOrEqual(4);
    expect([...svg.matchAll(/marker-end/g)]).toHaveLength(4);
    for (const words of [
      '<title>expense-approval, version 1</title>',
      '>approve<',
      '>human<',
      '>otherwise<',
      '>nodes.check.output.needsApproval<',
    ])
      expect(svg).toContain(words);
  });

  it('keeps hostile words out of its markup, and cuts long ones', () => {
    const title = `</text><script>alert(1)</script>" onload="x" &amp; \u0000 ${'w'.repeat(400)}`;
    const document = graphOf({ a: { type: 'transform', output: 1, title: title.replace('\u0000', '') }, b: { type: 'task', task: 't' } }, [
      { from: 'a', to: 'b', when: `input.x == '</g><script>"&' && 1 < 2` },
      { from: 'a', to: null, otherwise: true },
    ]);
    const names = elementsOf(draw(parsed(document), 'svg'));
    expect(new Set(names)).toEqual(new Set(['svg', 'title', 'defs', 'marker', 'path', 'rect', 'g', 'text', 'circle']));
  });

  it('runs and loads nothing', () => {
    expect(draw(parsed(loop), 'svg')).not.toMatch(/href|<style|<script|<image|<foreignObject|url\((?!#)/);
  });

  it('shows a loop around its body', () => {
    const svg = draw(parsed(loop), 'svg');
    const boxes = [
      ...svg.matchAll(/<title>([^,<]*), (\w+)<\/title>\n?<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"/g),
    ].map(([, name, type, ...box]) => ({ name, type, box: box.map(Number) }));
    const boxOf = (name: string): readonly number[] => boxes.find((each) => each.name === name)?.box ?? [];
    const [x = 0, y = 0, width = 0, height = 0] = boxOf('each');
    for (const name of ['in', 'out']) {
      const [left = 0, top = 0, w = 0, h = 0] = boxOf(name);
      expect({ name, inside: left >= x && top > y && left + w <= x + width && top + h <= y + height }).toEqual({ name, inside: true });
    }
  });

  it('is an image for every random definition', () => {
    fc.assert(
      fc.property(document, (json) => {
        elementsOf(draw(parsed(json), 'svg'));
      }),
      { numRuns: 100 },
    );
  });

  it('draws a thousand nodes with five thousand edges', () => {
    const names = Array.from({ length: 1_000 }, (_, index) => `n${index}`);
    const edges = new Map<string, JsonObject>();
    for (let step = 1; edges.size < 4_400; step += 37)
      for (let from = 0; from + step < 1_000; from += 2) edges.set(`${from}-${step}`, { from: `n${from}`, to: `n${from + step}` });
    const svg = draw(parsed(graphOf(names, [...edges.values()])), 'svg');
    expect([...svg.matchAll(/marker-end/g)]).toHaveLength(edges.size);
  });
});

it('boxes of one layer stand apart, and each arrow leads downwards', () => {
  const box = { width: 100, height: 40 };
  const links = [
    [0, 1],
    [0, 2],
    [0, 3],
    [1, 4],
    [2, 4],
    [3, 4],
    [0, 4],
  ].map(([from = 0, to = 0]) => ({ from, to, labelWidth: 0 }));
  const { centres, ways } = placeInLayers([box, box, box, box, box], links);
  const xs = [1, 2, 3].map((index) => centres[index]?.x ?? 0).sort((a, b) => a - b);
  expect(Math.min((xs[1] ?? 0) - (xs[0] ?? 0), (xs[2] ?? 0) - (xs[1] ?? 0))).toBeGreaterThan(100);
  for (const [index, { from, to }] of links.entries()) {
    const ys = [centres[from], ...(ways[index]?.points ?? []), centres[to]].map((point) => point?.y ?? 0);
    expect(ys).toEqual(ys.toSorted((a, b) => a - b));
  }
});

it('colours an instance by what became of its nodes', () => {
  const document = graphOf(
    {
      a: { type: 'transform', output: 1 },
      b: { type: 'task', task: 'x', retry: { maxAttempts: 1 } },
      c: { type: 'task', task: 'y' },
      d: { type: 'task', task: 'z' },
    },
    [
      { from: 'a', to: 'b' },
      { from: 'a', to: 'c' },
      { from: 'a', to: 'd', on: 'failed' },
    ]
      .slice(0, 2)
      .concat([{ from: 'c', to: 'd' }]),
  );
  const scenario = new Scenario(document).fails('b');
  expect(Object.fromEntries(statusesOf(scenario.state))).toEqual({ a: 'completed', b: 'incident', c: 'running' });
  const svg = draw(scenario.definition, 'svg', statusesOf(scenario.state));
  expect(svg).toContain('<title>b, task, incident</title>');
  expect(svg).toContain('<title>d, task</title>');
  expect(draw(scenario.definition, 'mermaid', statusesOf(scenario.state))).toContain('  class n2 incident\n');
});

it('An SVG document is made in parts: the event loop runs between laying out and writing', () => {
  const work = drawInParts(definition, 'svg');
  expect(work.next()).toEqual({ done: false, value: undefined });
  expect(work.next()).toEqual({ done: true, value: draw(definition, 'svg') });
});
