/** docs/patterns.md keeps its word: every pattern has an example that runs as its scenarios say, or a reason why it has none. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseDefinition } from '../../src/core/definition/index.ts';
import type { Json } from '../../src/core/json.ts';
import { CoverageCounter } from '../../src/scenarios/coverage.ts';
import type { Scenario } from '../../src/scenarios/format.ts';
import { readScenarioFile } from '../../src/scenarios/read.ts';
import { runScenario } from '../../src/scenarios/run.ts';
import { checkout } from '../../stack/home.ts';

const PATTERNS = 43;
const LEFT_OUT_MAX = 6;

const folder = join(checkout, 'examples/patterns');
const read = (file: string): Json => JSON.parse(readFileSync(join(folder, file), 'utf8')) as Json;
const page = readFileSync(join(checkout, 'docs/patterns.md'), 'utf8');
const rows = [...page.matchAll(/^\| (\d+) +\| (.+?) +\| .*? +\| (.*?) *\|$/gm)].map(([, number, name, last]) => ({
  number: Number(number),
  name,
  example: /^\[(.+?)\]\(\.\.\/examples\/patterns\/\1\.json\)$/.exec(last ?? '')?.[1] ?? null,
}));
const names = readdirSync(folder).flatMap((file) => (file.endsWith('.scenario.json') ? [file.slice(0, -'.scenario.json'.length)] : []));

it('every pattern is on the page, and few are left out, each with a reason', () => {
  expect(rows.map(({ number }) => number)).toEqual(Array.from({ length: PATTERNS }, (_, index) => index + 1));
  const leftOut = rows.filter(({ example }) => example === null);
  expect(leftOut.length).toBeLessThanOrEqual(LEFT_OUT_MAX);
  for (const { number, name } of leftOut) expect(page).toMatch(new RegExp(`^\\| ${number} +\\| ${name} +\\| .{40,}\\|$`, 'm'));
});

it('every example is on the page, and the other way round', () => {
  expect(names.filter((name) => !page.includes(`(../examples/patterns/${name}.json)`))).toEqual([]);
  expect(rows.flatMap(({ example }) => (example === null || names.includes(example) ? [] : [example]))).toEqual([]);
});

describe.each(names)('%s', (name) => {
  const parsed = parseDefinition(read(`${name}.json`), { version: 1 });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  const scenarios = readScenarioFile(read(`${name}.scenario.json`), parsed.value);
  if (!scenarios.ok) throw new Error(JSON.stringify(scenarios.error));
  const coverage = new CoverageCounter(parsed.value);

  const cases = scenarios.value.scenarios.map((scenario, index): [string, Scenario, number] => [scenario.name, scenario, index]);
  it.each(cases)('%s', (_, scenario, index) => {
    const { failures, history } = runScenario(parsed.value, scenario, scenarios.value.mocks ?? {}, `/scenarios/${index}`);
    expect(failures).toEqual([]);
    coverage.add(history);
  });

  it('is called like its file, and all of its nodes are reached', () => {
    expect(parsed.value.id).toBe(name);
    expect(coverage.coverage.nodes.missing).toEqual([]);
  });
});
