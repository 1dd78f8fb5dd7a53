/** The examples as definitions: each parses, each input fits, and its scenarios pass and take every edge. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runScenarioFiles } from '../../src/cli/scenario-files.ts';
import { parseDefinition } from '../../src/core/definition/index.ts';
import type { Json } from '../../src/core/json.ts';
import { findExamples } from '../../stack/engine.ts';
import { checkout } from '../../stack/home.ts';

const folder = join(checkout, 'examples');

function read(...path: readonly string[]): Json {
  return JSON.parse(readFileSync(join(folder, ...path), 'utf8')) as Json;
}

it.each(findExamples().definitions.map(({ name, definition }) => [name, definition]))(
  'the definition %s parses, and is named like its file or folder',
  (name, file) => {
    expect(parseDefinition(read(relative(folder, file)), { version: 1 })).toMatchObject({ ok: true, value: { id: name } });
  },
);

const wholeExamples = findExamples().definitions.filter(({ definition }) => basename(definition) === 'definition.json');

describe.each(wholeExamples.map(({ name }) => name))('the example %s', (name) => {
  const parsed = parseDefinition(read(name, 'definition.json'), { version: 1 });

  it('takes each of its inputs', () => {
    const inputs = readdirSync(join(folder, name)).filter((file) => /^input.*\.json$/.test(file));
    expect(inputs).toContain('input.json');
    for (const file of inputs) expect(parsed.ok && parsed.value.input?.compiled.validate(read(name, file)), file).toEqual([]);
  });

  it('says in its README how to run it', () => {
    expect(readFileSync(join(folder, name, 'README.md'), 'utf8')).toContain(`npx millrace start ${name}`);
  });

  it('passes its scenarios, which take every edge', () => {
    const { suites, coverage } = runScenarioFiles([join(folder, name)], null);
    const failed = suites.flatMap(({ results }) => results.filter(({ failures }) => failures.length > 0));
    expect(failed.map(({ name: scenario, failures }) => ({ scenario, failures }))).toEqual([]);
    for (const [file, { nodes, edges }] of coverage)
      expect({ file, nodes: nodes.missing, edges: edges.missing }).toEqual({ file, nodes: [], edges: [] });
  });
});
