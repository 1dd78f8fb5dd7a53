/** The scenarios of docs/testing.md pass on its definition and take every edge. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parseDefinition } from '../core/definition/index.ts';
import { parsed } from '../core/definition/testing/documents.ts';
import type { Json, JsonObject } from '../core/json.ts';
import { CoverageCounter } from './coverage.ts';
import { Expectation, Outcome, Scenario, ScenarioFile, Step } from './format.ts';
import { readScenarioFile } from './read.ts';
import { runScenario } from './run.ts';

const page = readFileSync(new URL('../../docs/testing.md', import.meta.url), 'utf8');
const example = (kind: string): Json =>
  JSON.parse(new RegExp(`^\`\`\`json ${kind}\n(.*?)^\`\`\`$`, 'ms').exec(page)?.[1] ?? 'null') as Json;

it('the scenarios of the tutorial pass', () => {
  const definition = parsed(example('definition'));
  const read = readScenarioFile(example('scenario'), definition);
  if (!read.ok) throw new Error(JSON.stringify(read.error));
  const counter = new CoverageCounter(definition);
  for (const [index, scenario] of read.value.scenarios.entries()) {
    const { failures, history } = runScenario(definition, scenario, read.value.mocks ?? {}, `/scenarios/${index}`);
    expect(failures).toEqual([]);
    counter.add(history);
    expect(page).toContain(`✓ ${scenario.name}`);
  }
  expect(counter.coverage).toEqual({ nodes: { count: 2, missing: [] }, edges: { count: 2, missing: [] } });
});

it('the scenarios that move an instance pass', () => {
  const deployed = example('definition') as JsonObject;
  const nodes = deployed.nodes as JsonObject;
  const check = { type: 'task', task: 'check' };
  const checked = {
    nodes: { ...nodes, check },
    edges: [
      { from: 'ask', to: 'check', when: 'nodes.ask.output.yes' },
      { from: 'ask', to: null, otherwise: true },
      { from: 'check', to: 'pay' },
    ],
  };
  const files: { readonly [path: string]: JsonObject } = {
    'definition.json': { ...deployed, ...checked },
    'without-pay.json': { id: 'refund', nodes: { ask: nodes.ask ?? null } },
  };
  const definition = parsed(deployed);
  const read = readScenarioFile(example('migration'), definition, (path, version) => parseDefinition(files[path] ?? null, { version }));
  if (!read.ok) throw new Error(JSON.stringify(read.error));
  const { scenarios, versions, mocks = {} } = read.value;
  expect(scenarios).toHaveLength(2);
  for (const [index, scenario] of scenarios.entries())
    expect(runScenario(definition, scenario, mocks, `/scenarios/${index}`, { versions }).failures).toEqual([]);
});

it('every field of a scenario file is on the page', () => {
  const fields = [ScenarioFile, Scenario, Step, Expectation, Outcome].flatMap(({ properties }) => Object.keys(properties));
  for (const field of fields.filter((name) => name !== '$schema')) expect(page, field).toMatch(new RegExp(`[\`"]${field}[\`"]`));
});
