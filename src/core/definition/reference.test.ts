/** docs/definition.md keeps its word: every example on it is a definition, or a part of one, without errors. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import { definitionErrorCodes } from './index.ts';
import { defaultDefinitionLimits } from './limits.ts';
import { parseDefinition } from './parse.ts';
import { graphOf } from './testing/documents.ts';

const page = readFileSync(new URL('../../../docs/definition.md', import.meta.url), 'utf8');
const examples = [...page.matchAll(/^```json\n(.*?)^```$/gms)].map(([, text = '']) => text);

/** A whole definition, one without its id, or nodes by their ids. */
function documentOf(text: string): Json {
  const given = JSON.parse(text) as JsonObject;
  if (given.nodes === undefined) return graphOf(given);
  return { id: 'example', ...given };
}

describe('The definition reference', () => {
  it('has an example of every node type', () => {
    expect(examples.length).toBeGreaterThan(10);
    const types = examples.flatMap((text) => {
      const { nodes } = documentOf(text) as { nodes: JsonObject };
      return Object.values(nodes).map((node) => (isJsonObject(node) ? node.type : undefined));
    });
    expect([...new Set(types)].sort()).toEqual([
      'event',
      'forEach',
      'http',
      'human',
      'publish',
      'repeat',
      'task',
      'transform',
      'wait',
      'workflow',
    ]);
  });

  it.each(examples.map((text, index) => [index + 1, text] as const))('example %i has no errors', (_, text) => {
    const read = parseDefinition(documentOf(text), { version: 1 });
    expect(read.ok ? [] : read.error).toEqual([]);
  });

  it('tells the limits as they are', () => {
    const { nodes, edges, expressions, depth, loopDepth, bytes, triggers } = defaultDefinitionLimits;
    const row = (value: number) => value.toLocaleString('en');
    for (const shown of [`${bytes / 1_024} KiB`, row(nodes), row(edges), row(expressions), row(depth), row(loopDepth), row(triggers)])
      expect(page).toContain(`| ${shown} `);
  });

  it('leads to a page that explains every error', () => {
    const errors = readFileSync(new URL('../../../docs/errors.md', import.meta.url), 'utf8');
    for (const code of definitionErrorCodes) expect(errors).toContain(`\`${code}\``);
  });
});
