/** The examples of docs/definition.md run, and do what the text around them says. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { graphOf, parsed } from '../core/definition/testing/documents.ts';
import { isJsonObject, type Json, type JsonObject } from '../core/json.ts';
import { readScenarioFile } from './read.ts';
import { runScenario } from './run.ts';
import { avroScenarios } from './testing/reference-avro.ts';
import { type Chosen, referenceScenarios } from './testing/reference-scenarios.ts';

const page = readFileSync(new URL('../../docs/definition.md', import.meta.url), 'utf8');
const examples = [...page.matchAll(/^```json\n(.*?)^```$/gms)].map(([, text = '']) => JSON.parse(text) as JsonObject);

const nodesOf = (example: JsonObject): JsonObject => (example.nodes ?? example) as JsonObject;
const inputsOf = ({ input }: JsonObject): Json => (isJsonObject(input) ? (input.properties ?? {}) : {});
const triggersOf = (example: JsonObject): readonly JsonObject[] => (example.triggers ?? []) as readonly JsonObject[];

function chosen(which: Chosen): { readonly example: JsonObject; readonly node: string } {
  const [node, beside] = typeof which === 'string' ? [which, which] : which;
  const has = (of: Json, name: string): boolean => isJsonObject(of) && Object.hasOwn(of, name);
  const example = examples.find(
    (each) =>
      has(nodesOf(each), node) &&
      (has(nodesOf(each), beside) || has(inputsOf(each), beside) || triggersOf(each).some(({ name }) => name === beside)),
  );
  if (example === undefined) throw new Error(`no example has ${node} and ${beside}`);
  return { example, node };
}

/** The example; of an example that has nodes alone, the node. */
function definitionWith(which: Chosen): JsonObject {
  const { example, node } = chosen(which);
  return example.nodes === undefined
    ? graphOf({ [node]: example[node] ?? null }, [], { output: `\${ nodes['${node}'].output }` })
    : { id: 'example', ...example };
}

const scenarios = [...referenceScenarios, ...avroScenarios];

it.each(scenarios)('%s', (_, which, scenario) => {
  const definition = parsed(definitionWith(which));
  const read = readScenarioFile({ scenarios: [{ name: 'it', ...scenario }] }, definition);
  expect(read).toMatchObject({ ok: true });
  expect(runScenario(definition, { name: 'it', ...scenario }, {}, '').failures).toEqual([]);
});

it('no example is left out, and of an example that has nodes alone, no node', () => {
  const run = new Map<JsonObject, ReadonlySet<string>>();
  for (const [, which] of scenarios) {
    const { example, node } = chosen(which);
    run.set(example, new Set([...(run.get(example) ?? []), node]));
  }
  const left = examples.filter((example) =>
    example.nodes === undefined ? !Object.keys(example).every((node) => run.get(example)?.has(node)) : !run.has(example),
  );
  expect(left).toEqual([]);
});
